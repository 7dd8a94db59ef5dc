"""What keeps a run's store row true while a worker has it, and obeys what readers ask of it."""

from __future__ import annotations

import logging
import time
from typing import Any

import keras

from mnist_core.errors import StoreBusy
from mnist_core.store import RunStore
from mnist_core.store.patience import patiently
from mnist_core.store.run import Run

log = logging.getLogger("mnist_core.worker")

WRITE_SECONDS = 0.25
"""Between two writes: soon enough for a button, seldom enough to cost nothing."""

BUSY_SECONDS = 30.0
"""After a write that was refused: each try at a locked database holds training up."""

PACE_MEMORY = 0.7
"""How much of the shown images per second is kept from slice to slice, so that the number can be read."""


DRAWS = "Draws pictures to learn from beside MNIST's digits: up to a minute, once for every worker."
TAKEN_BACK = "Taken back before the first step."


class NotBegun(Exception):
    """A reader wished otherwise before the first step; the argument is the run's new status."""


class NoMore(Exception):
    """A reader has stopped a run that has weights to keep: there is nothing more for it to learn from."""


class Preparation:
    """Called again and again while a worker draws what a run is to learn from: obeys what readers ask of it."""

    def __init__(self, store: RunStore, run: Run, begun: bool):
        self._store, self._run, self._begun = store, run, begun
        self._last_look, self._told = time.monotonic(), False

    def __call__(self) -> None:
        """
        Raises:
            NotBegun: the run has been paused or, if nothing of it is to be kept, taken back.
            NoMore: it is to stop, and has a checkpoint to be kept.
        """
        if time.monotonic() - self._last_look < WRITE_SECONDS:
            return
        event = "" if self._told else DRAWS
        wish = patiently(lambda: self._store.record(self._run.id, {}, event=event, holder=self._run.holder))
        self._last_look, self._told = time.monotonic(), True
        if wish == "pause":
            self._end("paused", "Paused before it went on." if self._begun else "Paused before the first step.")
        elif wish == "stop" and self._begun:
            raise NoMore
        elif wish == "stop":
            self._end("cancelled", TAKEN_BACK)

    def _end(self, status: str, event: str) -> None:
        columns = {"status": status, "wish": "", "ended": time.time()}
        patiently(lambda: self._store.record(self._run.id, columns, event=event, holder=self._run.holder))
        raise NotBegun(status)


class Recorder(keras.callbacks.Callback):
    """Empties a metrics sink into the store and reads the wish: ``stop`` or ``pause``.

    Rows and the checkpoint that belongs to them go in one transaction: whatever dies in between, the store holds
    a state that training can go on from, with every epoch once. A worker that was thought dead and is not learns
    by ``RunTaken`` from its next write that the run is no longer its own.

    Attributes:
        outcome: ``finished``, ``stopped``, ``paused`` or ``deleted``; known when training has ended. What it comes to
            unless somebody wishes otherwise is given.
    """

    def __init__(
        self,
        store: RunStore,
        run_id: str,
        sink: dict[str, list[dict[str, Any]]],
        holder: str | None = None,
        outcome: str = "finished",
    ):
        super().__init__()
        self._store, self._run_id, self._sink, self._holder = store, run_id, sink, holder
        self._pace, self._last_write, self._last_epoch, self._epoch_waits = 0.0, 0.0, 0.0, False
        self._last_checkpoint = float("-inf")
        self.outcome = outcome

    def on_train_begin(self, logs=None):
        self._mark = time.perf_counter()
        # What was written after the checkpoint that this training goes on from will come again.
        step, epoch = self.trainer.step, self.trainer.position.epoch
        patiently(lambda: self._store.forget_after(self._run_id, step, epoch, self._holder))
        self._write()

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        pace = logs["images"] / max(now - self._mark, 1e-6)
        self._pace = PACE_MEMORY * self._pace + (1 - PACE_MEMORY) * pace if self._pace else pace
        self._mark = now
        self._write_if_due()

    def on_test_batch_end(self, batch, logs=None):
        self._write_if_due()

    def on_epoch_end(self, epoch, logs=None):
        self._epoch_waits = True
        self._mark = time.perf_counter()
        # The end of an epoch is what readers wait for: it goes at once, unless epochs follow each other too fast.
        now = time.monotonic()
        if now - self._last_epoch >= WRITE_SECONDS and now >= self._last_write:
            self._last_epoch = now
            self._write()

    def on_train_end(self, logs=None):
        if self.outcome != "paused":
            patiently(lambda: self._record(checkpoint=self._epoch_waits))

    def _write_if_due(self) -> None:
        if time.monotonic() - self._last_write >= WRITE_SECONDS:
            self._write()

    def _write(self) -> None:
        try:
            wish = self._record(checkpoint=self._epoch_waits and self._checkpoint_due)
        except StoreBusy as error:
            # No room, or locked: training goes on, and the rows wait here for a later write.
            log.warning("waiting to write: %s", error)
            self._last_write = time.monotonic() + BUSY_SECONDS
            return
        if not wish or self.trainer.step == self.trainer.total_steps:
            return
        self.model.stop_training = True
        self.outcome = {"pause": "paused", "stop": "stopped"}[wish]
        if wish == "pause":
            columns = {"status": "paused", "wish": "", "ended": time.time()}
            event = f"Paused at step {self.trainer.step:,}."
            patiently(lambda: self._record(checkpoint=True, event=event, **columns))

    @property
    def _checkpoint_due(self) -> bool:
        return time.monotonic() - self._last_checkpoint >= getattr(self.trainer, "CHECKPOINT_SECONDS", 0.0)

    def _record(self, checkpoint: bool, event: str = "", **columns: Any) -> str:
        trainer, position = self.trainer, self.trainer.position
        columns |= {"epoch": position.epoch, "step": trainer.step, "steps": trainer.total_steps}
        columns |= {"train_seconds": position.train_seconds, "images_per_second": self._pace or None}
        batches, epochs = self._sink.get("batches", []), self._sink.get("epochs", [])
        files = {"checkpoint": trainer.checkpoint()} if checkpoint else {}
        wish = self._store.record(self._run_id, columns, batches, epochs, files, event, self._holder)
        batches.clear()
        epochs.clear()
        self._last_write = time.monotonic()
        if checkpoint:
            self._last_checkpoint, self._epoch_waits = self._last_write, False
        return wish
