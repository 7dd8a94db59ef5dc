"""The compiled epoch: a loop over many training steps inside one TensorFlow function.

``Model.fit`` comes back to Python after every step, which for small networks costs many times more than the
step itself. Here images stay on the device as ``uint8``, and shuffling, scaling, augmentation, the step and the
sums run in the function. Python gets control after a *slice* of an epoch, often enough for curves and buttons.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.data.augment import augment
from mnist_core.data.mnist import Digits

SLICE_SECONDS = 0.06
"""How long a slice should take: buttons feel immediate, and coming back to Python costs under 1 %."""

EVALUATION_BATCH = 1000


@dataclass
class Sums:
    """What has been added up over the images of an epoch so far."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    def add(self, loss: float, correct: int, images: int) -> None:
        self.loss, self.correct, self.images = self.loss + loss, self.correct + correct, self.images + images

    def means(self) -> dict[str, float]:
        images = max(1, self.images)
        return {"loss": self.loss / images, "accuracy": self.correct / images}


class CompiledEpoch:
    """Trains ``model`` on ``digits`` by slices of compiled steps.

    Args:
        model: built and compiled; its optimizer and loss are used as they are.
        digits: the training part.
        xla: compile the loop with XLA. It wins for dense layers on a CPU and loses for convolutions there.
    """

    def __init__(self, model: keras.Model, digits: Digits, config: RunConfig, xla: bool):
        self.model, self.config = model, config
        self.batch = min(config.training.batch_size, len(digits))
        self.full_steps, self.rest = divmod(len(digits), self.batch)
        self.steps = self.full_steps + bool(self.rest)
        self._images, self._labels = tf.constant(digits.images), tf.constant(digits.labels, tf.int32)
        self._loop = tf.function(self._many, jit_compile=xla)
        # One step an epoch does not earn back what XLA takes to compile it.
        self._last = tf.function(self._one)
        self._slice = 1

    def run(self, order: np.ndarray, rates: np.ndarray, first: int, epoch_step: int) -> Iterator[tuple]:
        """Trains the epoch from step ``first`` on, giving ``(next step, loss sum, correct, images)`` per slice.

        Args:
            order: int32 ``(N,)``, the order of the images in this epoch.
            rates: float32 ``(steps,)``, the learning rate of every step.
            epoch_step: number of the epoch's first step in the whole run; seeds the augmentation.
        """
        order_of_full = tf.constant(order[: self.full_steps * self.batch].reshape(-1, self.batch))
        rates, offset = tf.constant(rates, tf.float32), tf.constant(epoch_step)
        step = first
        while step < self.full_steps:
            end = min(self.full_steps, step + self._slice)
            began = time.perf_counter()
            loss, correct = self._loop(order_of_full, rates, offset, tf.constant(step), tf.constant(end))
            yield end, float(loss) * self.batch, int(correct), (end - step) * self.batch
            self._adapt(end - step, time.perf_counter() - began)
            step = end
        if self.rest and step == self.full_steps:
            tail = tf.constant(order[-self.rest :])
            loss, correct = self._last(tail, rates[-1], offset + self.full_steps)
            yield self.steps, float(loss) * self.rest, int(correct), self.rest

    def _adapt(self, steps: int, seconds: float) -> None:
        """Sizes the next slice by this one's pace; at most eightfold, since the first one includes compiling."""
        self._slice = int(max(1, min(steps * SLICE_SECONDS / max(seconds, 1e-6), 8 * self._slice)))

    def _many(self, order, rates, offset, first, end):
        def body(step, loss, correct):
            more_loss, more_correct = self._one(order[step], rates[step], offset + step)
            return step + 1, loss + tf.cast(more_loss, tf.float64), correct + more_correct

        # Slices end where the clock says. In 64 bits the sum of an epoch does not depend on where that was.
        start = (first, tf.constant(0.0, tf.float64), tf.constant(0))
        return tf.while_loop(lambda step, *_: step < end, body, start, maximum_iterations=None)[1:]

    def _one(self, indices, rate, step):
        """One step on the images at ``indices``: the mean loss and the number of right answers before it."""
        images = tf.cast(tf.gather(self._images, indices), tf.float32)[..., tf.newaxis]
        if self.config.data.scaled:
            images /= 255.0
        if self.config.augmentation.active:
            images = augment(images, self.config.augmentation, tf.stack([self.config.seed, step]))
        labels = tf.gather(self._labels, indices)
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            probabilities = self.model(images, training=True)
            loss = total_loss(self.model, labels, probabilities)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, right_answers(labels, probabilities)


class CompiledEvaluation:
    """The forward pass of a model on ``uint8`` images, compiled once for any number of them."""

    def __init__(self, model: keras.Model, scaled: bool):
        self.model, self._scale = model, 1 / 255.0 if scaled else 1.0
        self._forward = tf.function(self._batch, input_signature=[tf.TensorSpec([None, 28, 28], tf.uint8)])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """``uint8 (N, 28, 28)`` in, ``float32 (N, 10)`` out."""
        parts = [
            self._forward(tf.constant(images[start : start + EVALUATION_BATCH])).numpy()
            for start in range(0, len(images), EVALUATION_BATCH)
        ]
        return np.concatenate(parts) if parts else np.empty((0, 10), np.float32)

    def score(self, labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
        """Loss, with the penalties on weights, and accuracy, as ``Model.evaluate`` reports them."""
        labels = tf.constant(labels, tf.int32)
        loss = total_loss(self.model, labels, tf.constant(probabilities))
        return float(loss), int(right_answers(labels, probabilities)) / max(1, len(probabilities))

    def _batch(self, images):
        images = tf.cast(images, tf.float32)[..., tf.newaxis] * self._scale
        return tf.cast(self.model(images, training=False), tf.float32)


def total_loss(model: keras.Model, labels, probabilities):
    """Mean cross-entropy over the batch plus the penalties on weights, as Keras reports it."""
    if isinstance(model.loss, keras.losses.CategoricalCrossentropy):
        labels = tf.one_hot(labels, probabilities.shape[-1])
    loss = model.loss(labels, probabilities)
    return tf.add_n([loss, *(tf.cast(penalty, loss.dtype) for penalty in model.losses)])


def right_answers(labels, probabilities):
    answers = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
    return tf.reduce_sum(tf.cast(answers == labels, tf.int32))
