"""All that a run needs to go on exactly where it was: weights, optimizer, random state, callbacks, position."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np

from mnist_core.training.position import Position, Sums

CALLBACK_STATE = ("wait", "best", "best_epoch", "best_weights", "cooldown_counter", "stopped_epoch")
"""What Keras' EarlyStopping and ReduceLROnPlateau remember between epochs."""


def save(model: keras.Model, callbacks: Iterable[keras.callbacks.Callback], position: Position) -> bytes:
    """Packs the state as ``.npz`` without pickles."""
    arrays = {f"variable_{i}": np.asarray(v) for i, v in enumerate(variables(model))}
    states: list[dict[str, Any]] = []
    for number, callback in enumerate(callbacks):
        state = {key: getattr(callback, key, None) for key in CALLBACK_STATE}
        for i, weight in enumerate(state.pop("best_weights") or ()):
            arrays[f"best_{number}_{i}"] = np.asarray(weight)
        states.append({key: None if value is None else float(value) for key, value in state.items()})
    meta = json.dumps({"position": asdict(position), "callbacks": states})
    arrays["meta"] = np.frombuffer(meta.encode(), np.uint8)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def restore(data: bytes, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> Position:
    """Puts the state back into a model of the same configuration, and gives the position.

    Call it after the callbacks' ``on_train_begin``, which resets what they remember.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        meta = json.loads(arrays["meta"].tobytes())
        for i, variable in enumerate(variables(model)):
            variable.assign(arrays[f"variable_{i}"])
        for number, (callback, state) in enumerate(zip(callbacks, meta["callbacks"], strict=True)):
            for key, value in state.items():
                if hasattr(callback, key) and value is not None:
                    setattr(callback, key, type(getattr(callback, key) or 0.0)(value))
            best = [arrays[key] for key in _numbered(arrays.files, f"best_{number}_")]
            if best:
                callback.best_weights = best
    position = meta["position"]
    sums = {name: Sums(**position.get(name, {})) for name in ("sums", "recent")}
    return Position(**position | sums)


def variables(model: keras.Model) -> list:
    """Weights, averages, random state and the optimizer's memory, in an order that the configuration fixes."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _numbered(names: Iterable[str], prefix: str) -> list[str]:
    return sorted((n for n in names if n.startswith(prefix)), key=lambda n: int(n.rsplit("_", 1)[1]))
