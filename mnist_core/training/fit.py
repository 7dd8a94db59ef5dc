"""``fit``: trains the network of a configuration, with Keras callbacks, from the start or from a checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.data.split import split
from mnist_core.errors import TrainingDiverged
from mnist_core.training import checkpoint
from mnist_core.training.execution import Execution, choose
from mnist_core.training.order import Order
from mnist_core.training.position import Position, Sums
from mnist_core.training.programs import Programs

VALIDATION_PART = 1_000
"""Held-out images between two looks at what readers wish."""

DIVERGED = (
    "The loss became infinite or not a number at step {step:,}: the weights have run away. "
    "Most often a learning rate much smaller than {rate:g} helps, or scaled pixels."
)


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a fine-tuning begins from: drawings to learn from, and weights as Keras' ``get_weights`` gives."""

    drawings: Digits
    weights: list[np.ndarray]


class Trainer:
    """One training from beginning to end.

    Callbacks get ``trainer`` set to this object; ``model.stop_training = True`` ends after the current slice, or the
    current part of a validation.

    Attributes:
        model: the Keras model being trained.
        position: completed epochs and steps; with ``checkpoint`` all that a resume needs.
        evaluation: scores ``model`` on images that it does not learn from.
    """

    def __init__(
        self,
        config: RunConfig,
        programs: Programs,
        execution: Execution | None = None,
        beginning: Beginning | None = None,
        look: Callable[[], None] | None = None,
        learns: bool = True,
    ):
        """Splits the training set as ``config.data`` says, and takes a program with the model's first weights.

        Args:
            programs: the training set, and the programs already compiled for it. The model belongs to one of
                them: the next trainer of the same shape will use it for its own training.
            beginning: of a run with ``config.fine_tuning``; others begin with the weights that the seed gives.
            look: called while the pictures of ``config.data.not_digits`` and ``written`` are drawn, which may take a
                minute; it may raise to end that.
            learns: false for one that goes on from a checkpoint only to end there: no pictures are drawn for it.
        """
        self._learns = learns
        self.config, self.execution = config, execution or choose(config)
        digits, parts = programs.digits, split(programs.digits.labels, config.data)
        self.validation = Digits(digits.images[parts.validation], digits.labels[parts.validation])
        drawn = len(digits) + np.arange(config.data.not_digits + config.data.written, dtype=np.int32)
        own = beginning.drawings if beginning else None
        at = len(digits) + len(drawn) + np.arange(len(own) if own else 0, dtype=np.int32)
        again = np.tile(at, config.fine_tuning.often if own else 1)
        self.train_indices = np.concatenate([parts.train, drawn, again])
        images = len(self.train_indices)
        program = programs.take(config, self.execution, images, own, look, learns)
        self.epoch_steps = math.ceil(images / program.epoch.batch)
        self.model, self.epoch, self.evaluation = program.model, program.epoch, program.evaluation
        if beginning:
            self.model.set_weights(beginning.weights)
        self.position = Position()
        self._order = Order(config.training, config.seed, images)
        self._own_callbacks = _own_callbacks(config)

    @property
    def total_steps(self) -> int:
        return self.config.training.steps or self.epoch_steps * self.config.training.epochs

    @property
    def step(self) -> int:
        """Steps done in the whole run."""
        return self._first_step + self.position.step

    @property
    def _first_step(self) -> int:
        """Of the epoch begun, in the whole run."""
        return min(self.total_steps, self.position.epoch * self.epoch_steps)

    @property
    def _steps(self) -> int:
        """How many steps the epoch begun has: fewer than others if the run is counted by steps and ends in it."""
        return min(self.epoch_steps, self.total_steps - self._first_step)

    def fit(self, callbacks: Sequence[keras.callbacks.Callback] = (), resume_from: bytes | None = None) -> None:
        """Trains until the last step, or until a callback stops it.

        Callbacks are called as by ``Model.fit``, but for batches: once for each slice of an epoch, with the number of
        its first step before, and of its last one and the means over its images after.

        Raises:
            TrainingDiverged: when the loss is no longer a finite number.
        """
        for callback in callbacks:
            callback.trainer = self
        # Our own callbacks are reset first, then restored, before the others look at where the run stands.
        resume = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: self._begin(resume_from))
        told = {"verbose": 0, "epochs": self.config.training.epochs, "steps": self.epoch_steps}
        everyone = keras.callbacks.CallbackList([*self._own_callbacks, resume, *callbacks], model=self.model, **told)
        self.model.stop_training = False
        with tf.device(self.execution.device):
            everyone.on_train_begin()
            # An epoch whose steps are all done is reckoned up even if nothing more is to be trained; only who stops
            # in its validation leaves it.
            while self._steps and (self.position.step == self._steps or not self.model.stop_training):
                everyone.on_epoch_begin(self.position.epoch)
                self._train_epoch(everyone)
                if self.position.step < self._steps:
                    break
                logs = self._finish_epoch(everyone)
                if logs is None:
                    break
                everyone.on_epoch_end(self.position.epoch - 1, logs)
            everyone.on_train_end()

    def checkpoint(self) -> bytes:
        """The state of the run as bytes for ``fit(resume_from=)``."""
        return checkpoint.save(self.model, self._own_callbacks, self.position)

    def require_finite(self, loss: float) -> None:
        """``TrainingDiverged`` if a loss is infinite or not a number."""
        if not math.isfinite(loss):
            raise TrainingDiverged(DIVERGED.format(step=self.step, rate=self.config.optimizer.learning_rate))

    def _begin(self, data: bytes | None) -> None:
        if data:
            self.position = checkpoint.restore(data, self.model, self._own_callbacks)
            # A run that had already stopped early has nothing left to do.
            self.model.stop_training = any(getattr(c, "stopped_epoch", 0) for c in self._own_callbacks)
        self.model.stop_training |= not self._learns
        if self.position.step < self._steps and not self.model.stop_training:
            # Before any clock begins: what a run takes must not depend on which run of its shape came first.
            self.epoch.compile(min(len(self.train_indices), self.total_steps * self.epoch.batch))

    def _train_epoch(self, callbacks: keras.callbacks.CallbackList) -> None:
        here, every = self.position, self.config.training.history
        if here.step == self._steps:
            return  # all of it is done, and nothing to learn from need be there
        order = self.train_indices[self._order.epoch(here.epoch)][: self._steps * self.epoch.batch]
        seed = self.config.seed, self._first_step
        callbacks.on_train_batch_begin(here.step)
        began = time.perf_counter()
        for end, loss, correct, images in self.epoch.run(order, self._rates(), here.step, seed, every):
            here.sums.add(loss, correct, images)
            here.step = end
            here.epoch_seconds += time.perf_counter() - began
            here.train_seconds += time.perf_counter() - began
            self.require_finite(loss)
            logs = {"loss": loss / images, "accuracy": correct / images, "images": images, "step": self.step}
            if every:
                here.recent.add(loss, correct, images)
                if self.step % every == 0 or self.step == self.total_steps:
                    # Flat, since Keras flattens what callbacks get.
                    logs |= {f"history_{name}": mean for name, mean in here.recent.means().items()}
                    here.recent = Sums()
            callbacks.on_train_batch_end(end - 1, logs)
            if self.model.stop_training:
                return
            if end < self._steps:
                callbacks.on_train_batch_begin(end)
            began = time.perf_counter()

    def _finish_epoch(self, callbacks: keras.callbacks.CallbackList) -> dict[str, float] | None:
        """Reckons the epoch up; ``None`` if a callback stopped the training before it was validated.

        Such an epoch has all its steps and is not complete: a paused run goes on with its validation, and of a
        stopped one the weights are kept, as in the middle of any epoch.
        """
        here = self.position
        logs = here.sums.means()
        if len(self.validation):
            scores = self._validate(callbacks)
            if scores is None:
                return None
            logs |= {f"val_{name}": score for name, score in scores.items()}
            self.require_finite(logs["val_loss"])
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        logs["seconds"], logs["step"] = here.epoch_seconds, self.step
        self.position = Position(epoch=here.epoch + 1, recent=here.recent, train_seconds=here.train_seconds)
        return logs

    def _validate(self, callbacks: keras.callbacks.CallbackList) -> dict[str, float] | None:
        """Loss and accuracy of the images held out, part by part so that a wish need not wait for the last."""
        sums, going_on = Sums(), not self.model.stop_training
        callbacks.on_test_begin()
        for start in range(0, len(self.validation), VALIDATION_PART):
            part = slice(start, start + VALIDATION_PART)
            digits = Digits(self.validation.images[part], self.validation.labels[part])
            callbacks.on_test_batch_begin(start // VALIDATION_PART)
            scores, _ = self.evaluation.evaluate(digits)
            images = len(digits)
            sums.add(scores["loss"] * images, round(scores["accuracy"] * images), images)
            callbacks.on_test_batch_end(start // VALIDATION_PART)
            if going_on and self.model.stop_training:
                return None
        means = sums.means()
        callbacks.on_test_end(means)
        return means

    def _rates(self) -> np.ndarray:
        per_epoch = self.epoch_steps
        if self.config.schedule.name == "plateau":
            return np.full(per_epoch, float(self.model.optimizer.learning_rate), np.float32)
        steps = np.arange(per_epoch) + self.position.epoch * per_epoch
        factors = self.config.schedule.factors(steps, self.total_steps, per_epoch)
        return (self.config.optimizer.learning_rate * factors).astype(np.float32)


def _own_callbacks(config: RunConfig) -> list[keras.callbacks.Callback]:
    """The Keras callbacks that the configuration asks for."""
    callbacks: list[keras.callbacks.Callback] = []
    if config.schedule.name == "plateau":
        schedule = config.schedule
        callbacks.append(keras.callbacks.ReduceLROnPlateau(factor=schedule.factor, patience=schedule.patience))
    if config.training.early_stopping:
        patience = config.training.early_stopping
        callbacks.append(keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True))
    return callbacks
