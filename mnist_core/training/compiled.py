"""The compiled epoch: a loop over many training steps inside one TensorFlow function.

``Model.fit`` comes back to Python after every step, which for small networks costs many times more than the
step itself. Here images stay on the device as ``uint8``, and shuffling, scaling, augmentation, the step and the
sums run in the function. Python gets control after a *slice* of an epoch, often enough for curves and buttons.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.data.augment import augment
from mnist_core.data.mnist import Digits
from mnist_core.models.build import gives_logits
from mnist_core.models.losses import right, shares
from mnist_core.models.plan import CLASSES
from mnist_core.training.arguments import Numbers
from mnist_core.training.forward import forward
from mnist_core.training.fresh import forgetting

SLICE_SECONDS = 0.06
"""How long a slice should take: buttons feel immediate, and coming back to Python costs under 1 %."""

EVALUATION_BATCH = 1000

CODE_BYTES = 10_000_000
"""Counted for compiled code, which cannot be asked for its size."""


class CompiledEpoch:
    """Trains ``model`` by slices of compiled steps, in epochs of any length and order.

    Args:
        model: built and compiled; its optimizer and loss are used as they are.
        images, labels: all that an epoch may draw from, uint8 ``(M, 28, 28)`` and int32 ``(M,)`` on the device.
        batch: images a step; at most as many as an epoch has.
        room: images that an epoch may have at most; the compiled function serves all that have less.
        xla: compile the loop with XLA. It wins for dense layers on a CPU and loses for convolutions there.
        numbers: those of the model's numbers that are not compiled in.
    """

    def __init__(
        self, model: keras.Model, images, labels, config: RunConfig, batch: int, room: int, xla: bool, numbers: Numbers
    ):
        self.model, self.config, self.batch, self._room, self._numbers = model, config, batch, room, numbers
        self._images, self._labels = images, labels
        self._forget = forgetting(model, config.optimizer.fresh)
        number, seed = tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32)
        whole = _specs(room), tf.TensorSpec([room], tf.float32), seed, number, number
        self._loop = tf.function(self._many, input_signature=whole, jit_compile=xla)
        # One step an epoch does not earn back what XLA takes to compile it; any size, so that it is traced once.
        rest = _specs(None), tf.TensorSpec([], tf.float32), seed
        self._last = tf.function(self._one, input_signature=rest)
        self._slice = 1

    def compile(self, images: int) -> None:
        """Traces and compiles what epochs of so many images need, where that has not been done; trains nothing."""
        # XLA compiles a function when it is called: the loop goes over none of its steps.
        nothing = self._padded(np.empty(0, np.int32))
        self._loop(self._gather(nothing), np.float32(nothing), np.int32([0, 0]), tf.constant(0), tf.constant(0))
        if images % self.batch:
            self._last.get_concrete_function()

    def run(
        self, order: np.ndarray, rates: np.ndarray, first: int, seed: tuple[int, int], every: int = 0
    ) -> Iterator[tuple]:
        """Trains an epoch from step ``first`` on, giving ``(next step, loss sum, correct, images)`` per slice.

        Args:
            order: int32 ``(N,)``, the images of this epoch as positions in ``images``, in their order.
            rates: float32 ``(steps,)``, the learning rate of every step.
            seed: of the run, and number of the epoch's first step in it; together they seed the augmentation.
            every: if not 0, a slice ends at every step of the run that is a multiple of this.
        """
        full_steps, rest = divmod(len(order), self.batch)
        # Put into their order once an epoch: within the loop, XLA would fetch every image by itself, one by one.
        everything = self._gather(self._padded(order)), self._padded(rates), np.int32(seed)
        step = first
        while step < full_steps:
            end = min(full_steps, step + self._slice)
            if every:
                end = min(end, step + every - (seed[1] + step) % every)
            began = time.perf_counter()
            loss, correct = self._loop(*everything, tf.constant(step), tf.constant(end))
            loss, correct = float(loss) * self.batch, int(correct)  # waits until they are there
            self._adapt(end - step, time.perf_counter() - began)
            yield end, loss, correct, (end - step) * self.batch
            step = end
        if rest and step == full_steps:
            tail = self._gather(order[-rest:])
            loss, correct = self._last(tail, tf.constant(rates[-1]), tf.add(seed, [0, full_steps]))
            yield full_steps + 1, float(loss) * rest, int(correct), rest

    def _gather(self, order: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(self._images, order), tf.gather(self._labels, order)

    def _padded(self, values: np.ndarray) -> np.ndarray:
        return np.pad(values, (0, self._room - len(values)))

    def _adapt(self, steps: int, seconds: float) -> None:
        """Sizes the next slice by this one's pace."""
        self._slice = max(1, int(steps * SLICE_SECONDS / max(seconds, 1e-6)))

    def _many(self, digits, rates, seed, first, end):
        def body(step, loss, correct):
            start, images, labels = step * self.batch, *digits
            images = tf.slice(images, [start, 0, 0], [self.batch, 28, 28])
            labels = tf.slice(labels, [start], [self.batch])
            more_loss, more_correct = self._one((images, labels), rates[step], tf.add(seed, [0, step]))
            return step + 1, loss + tf.cast(more_loss, tf.float64), correct + more_correct

        # Slices end where the clock says. In 64 bits the sum of an epoch does not depend on where that was.
        start = (first, tf.constant(0.0, tf.float64), tf.constant(0))
        return tf.while_loop(lambda step, *_: step < end, body, start, maximum_iterations=None)[1:]

    def _one(self, digits, rate, seed):
        """One step on a batch of ``(images, labels)``: the mean loss and the number of right answers before it."""
        images, labels = digits
        images = tf.cast(images, tf.float32)[..., tf.newaxis]
        if self.config.data.scaled:
            images /= 255.0
        if self.config.augmentation.active:
            images = augment(images, self.config.augmentation, seed, ink=1.0 if self.config.data.scaled else 255.0)
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        self._forget()
        optimizer.learning_rate.assign(rate)
        with self._numbers.in_place(), tf.GradientTape() as tape:
            outputs = forward(self.model, images)
            loss = total_loss(self.model, labels, outputs)
        gradients = tape.gradient(loss, variables)
        with self._numbers.in_place():
            optimizer.apply(gradients, variables)
        return loss, _count(right(labels, outputs, gives_logits(self.config)))


class CompiledEvaluation:
    """The forward pass of a model on ``uint8`` images, compiled once for any number of them.

    Args:
        logits: what the model gives still has to go through a softmax.
        numbers: those of the model's numbers that are not compiled in.

    Attributes:
        bytes: that the model and its compiled code take, about.
    """

    def __init__(self, model: keras.Model, scaled: bool, logits: bool = False, numbers: Numbers | None = None):
        self.model, self._scale, self._logits = model, 1 / 255.0 if scaled else 1.0, logits
        self._numbers = numbers or Numbers()
        self.bytes = 4 * model.count_params() + CODE_BYTES
        images, labels = tf.TensorSpec([None, 28, 28], tf.uint8), tf.TensorSpec([None], tf.int32)
        self._forward = tf.function(self._batch, input_signature=[images])
        self._scored = tf.function(self._batch_with_loss, input_signature=[images, labels])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """``uint8 (N, 28, 28)`` in, ``float32 (N, 10)`` out."""
        return _joined([self._forward(tf.constant(images[part])).numpy() for part in _parts(len(images))])

    def evaluate(self, digits: Digits) -> tuple[dict[str, float], np.ndarray]:
        """``loss``, with the penalties on weights, and ``accuracy``, as ``Model.evaluate`` reports them; probabilities.

        The loss is computed from what goes into the softmax: a network that is wrong and sure of it gets its full
        loss, where one from rounded probabilities would end at 16.1, or be infinite.
        """
        total, parts = 0.0, []
        for part in _parts(len(digits)):
            images, labels = tf.constant(digits.images[part]), tf.constant(digits.labels[part], tf.int32)
            loss, probabilities = self._scored(images, labels)
            total += float(loss) * len(labels)
            parts.append(probabilities.numpy())
        probabilities, images = _joined(parts), max(1, len(digits))
        correct = int(_count(right(tf.constant(digits.labels, tf.int32), probabilities)))
        return {"loss": total / images, "accuracy": correct / images}, probabilities

    def _batch(self, images):
        return self._as_probabilities(self._outputs(images))

    def _batch_with_loss(self, images, labels):
        outputs = self._outputs(images)
        with self._numbers.in_place():
            loss = total_loss(self.model, labels, outputs)
        return loss, self._as_probabilities(outputs)

    def _outputs(self, images):
        images = tf.cast(images, tf.float32)[..., tf.newaxis] * self._scale
        return tf.cast(self.model(images, training=False), tf.float32)

    def _as_probabilities(self, outputs):
        return tf.nn.softmax(outputs) if self._logits else outputs


def _specs(count: int | None) -> tuple[tf.TensorSpec, tf.TensorSpec]:
    return tf.TensorSpec([count, 28, 28], tf.uint8), tf.TensorSpec([count], tf.int32)


def _parts(images: int) -> list[slice]:
    return [slice(start, start + EVALUATION_BATCH) for start in range(0, images, EVALUATION_BATCH)]


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty((0, CLASSES), np.float32)


def _count(which):
    return tf.reduce_sum(tf.cast(which, tf.int32))


def total_loss(model: keras.Model, labels, outputs):
    """Mean cross-entropy over the batch plus the penalties on weights, as Keras reports it."""
    if isinstance(model.loss, keras.losses.CategoricalCrossentropy):
        labels = shares(labels)
    loss = model.loss(labels, outputs)
    return tf.add_n([loss, *(tf.cast(penalty, loss.dtype) for penalty in model.losses)])
