"""The callback that pushes metrics into a mapping: a ``dict``, or ``st.session_state`` in a script of your own.

In the dashboard training runs in another process, so the mapping there is a ``dict`` that the recorder empties
into the store; a page then carries the new rows into its session state.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

import keras

POINT_SECONDS = 0.05
"""At most 20 points a second: more than an eye follows, and little to store."""


class MetricsCallback(keras.callbacks.Callback):
    """Appends a row to ``sink["epochs"]`` after every epoch, and to ``sink["batches"]`` now and then.

    Rows of epochs: ``epoch`` (from 1), ``step``, ``loss``, ``accuracy`` and, where there are any, ``val_loss``,
    ``val_accuracy``, ``learning_rate`` and ``seconds``. Rows of batches: ``step``, ``loss``, ``accuracy``, the
    means over the batches since the last row. Accuracies are fractions 0..1.

    Args:
        every_step: rows of batches come from the trainer, as ``history_loss`` and ``history_accuracy`` at the steps
            asked for, and not by the clock.
    """

    def __init__(
        self, sink: MutableMapping[str, Any], point_seconds: float = POINT_SECONDS, every_step: bool = False
    ):
        super().__init__()
        self._sink, self._point_seconds, self._every_step = sink, point_seconds, every_step

    def on_train_begin(self, logs=None):
        for key in ("epochs", "batches"):
            self._sink.setdefault(key, [])
        self._forget_batches()
        self._last_point = float("-inf")

    def on_train_batch_end(self, batch, logs=None):
        if self._every_step:
            if "history_loss" in logs:
                row = {name: logs[f"history_{name}"] for name in ("loss", "accuracy")}
                self._sink["batches"].append({"step": int(logs["step"]), **row})
            return
        if "loss" not in logs:
            return  # a classical model, whose rounds tell more
        images = logs.get("images", 1)
        self._loss += logs["loss"] * images
        self._accuracy += logs["accuracy"] * images
        self._images += images
        now = time.monotonic()
        if now - self._last_point < self._point_seconds:
            return
        row = {"step": int(logs.get("step", batch + 1))}
        row |= {"loss": self._loss / self._images, "accuracy": self._accuracy / self._images}
        self._sink["batches"].append(row)
        self._last_point = now
        self._forget_batches()

    def on_epoch_end(self, epoch, logs=None):
        # Keras hands logs over as floats, the step too.
        row = {key: int(value) if key == "step" else value for key, value in (logs or {}).items()}
        self._sink["epochs"].append({"epoch": epoch + 1, **row})

    def _forget_batches(self):
        self._loss = self._accuracy = 0.0
        self._images = 0
