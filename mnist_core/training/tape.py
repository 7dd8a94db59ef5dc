"""The loops of training, validation and test written out: one step after the other, to be read.

``TapeEpoch`` has the face of ``CompiledEpoch`` and learns the same; ``LoopEvaluation`` finds the scores that
``CompiledEvaluation`` finds. They are slower because Python is asked after every step.
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
from mnist_core.training.fresh import forgetting

REPORT_SECONDS = 0.06
"""Between two reports: what has been learned is shown, and buttons are obeyed."""

TEST_BATCH = 32
"""Images a step of validation and test, as published with the subclassed model. Scores are means over all images."""


class TapeEpoch:
    """Trains ``model`` step by step.

    Args:
        images, labels: all training images, uint8 ``(M, 28, 28)``, and their digits, int32 ``(M,)``.
        batch: images a step.
    """

    def __init__(self, model: keras.Model, images: tf.Tensor, labels: tf.Tensor, config: RunConfig, batch: int):
        self.model, self.images, self.labels, self.config, self.batch = model, images, labels, config, batch
        self.loss = keras.metrics.Mean()
        self.accuracy = keras.metrics.MeanMetricWrapper(right, logits=gives_logits(config))
        self.forget = forgetting(model, config.optimizer.fresh)
        kinds = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.float32), tf.TensorSpec([2], tf.int32)
        self.train_step = tf.function(self._train_step, input_signature=kinds)

    def compile(self, images: int) -> None:
        """Traces the step, which is the same however many images an epoch has; trains nothing."""
        self.train_step.get_concrete_function()

    def _train_step(self, batch, rate, seed):
        """Learns from the images at the positions ``batch``."""
        images = as_input(tf.gather(self.images, batch), self.config)
        if self.config.augmentation.active:
            images = augment(images, self.config.augmentation, seed, ink=1.0 if self.config.data.scaled else 255.0)
        labels = tf.gather(self.labels, batch)

        with tf.GradientTape() as tape:
            predictions = self.model(images, training=True)
            loss = loss_of(self.model, labels, predictions, self.config)
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, variables)

        self.forget()  # only where a new optimizer at every step is asked for
        self.model.optimizer.learning_rate.assign(rate)
        self.model.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.loss.update_state(loss, sample_weight=tf.size(batch))
        self.accuracy.update_state(labels, predictions)

    def run(
        self, order: np.ndarray, rates: np.ndarray, first: int, seed: tuple[int, int], every: int = 0
    ) -> Iterator[tuple]:
        """Trains an epoch from step ``first`` on; now and then, and at steps that are a multiple of ``every``, gives
        ``(next step, loss sum, correct, images)`` since the last time.
        """
        self.loss.reset_state()
        self.accuracy.reset_state()
        steps, reported = -(-len(order) // self.batch), time.perf_counter()
        for step in range(first, steps):
            batch = order[step * self.batch : (step + 1) * self.batch]
            self.train_step(tf.constant(batch), tf.constant(rates[step]), tf.constant([seed[0], seed[1] + step]))

            late = time.perf_counter() - reported > REPORT_SECONDS
            if late or step + 1 == steps or (every and (seed[1] + step + 1) % every == 0):
                # The sums behind the metrics' means; the trainer adds them up to the means of the epoch.
                yield step + 1, float(self.loss.total), int(self.accuracy.total), int(self.accuracy.count)
                self.loss.reset_state()
                self.accuracy.reset_state()
                reported = time.perf_counter()


class LoopEvaluation:
    """Scores ``model`` on validation and test images, step by step."""

    def __init__(self, model: keras.Model, config: RunConfig):
        self.model, self.config = model, config
        self.loss, self.accuracy = keras.metrics.Mean(), keras.metrics.SparseCategoricalAccuracy()
        kinds = tf.TensorSpec([None, 28, 28], tf.uint8), tf.TensorSpec([None], tf.int32)
        self.test_step = tf.function(self._test_step, input_signature=kinds)

    def _test_step(self, images, labels):
        """Learns nothing: no tape, and layers such as dropout let everything through."""
        predictions = self.model(as_input(images, self.config), training=False)
        self.loss.update_state(loss_of(self.model, labels, predictions, self.config), sample_weight=tf.size(labels))
        self.accuracy.update_state(labels, predictions)
        return tf.nn.softmax(predictions) if gives_logits(self.config) else predictions

    def evaluate(self, digits: Digits) -> tuple[dict[str, float], np.ndarray]:
        """``loss`` and ``accuracy``, means over all images; and their probabilities, float32 ``(N, 10)``."""
        self.loss.reset_state()
        self.accuracy.reset_state()
        probabilities = [np.empty((0, CLASSES), np.float32)]
        for start in range(0, len(digits), TEST_BATCH):
            images, labels = digits.images[start : start + TEST_BATCH], digits.labels[start : start + TEST_BATCH]
            probabilities.append(self.test_step(tf.constant(images), tf.constant(labels, tf.int32)).numpy())
        # Metrics divide in 32 bits; the share of right answers is exact.
        scores = {"loss": float(self.loss.result()), "accuracy": int(self.accuracy.total) / max(1, len(digits))}
        return scores, np.concatenate(probabilities)


def as_input(images, config: RunConfig):
    """``uint8 (N, 28, 28)`` as the network takes them: float32 ``(N, 28, 28, 1)``."""
    images = tf.cast(images, tf.float32)[..., tf.newaxis]
    return images / 255.0 if config.data.scaled else images


def loss_of(model: keras.Model, labels, predictions, config: RunConfig):
    """The mean loss of a batch, and the penalties on weights."""
    if isinstance(model.loss, keras.losses.CategoricalCrossentropy):
        labels = shares(labels)  # one-hot rows
    return model.loss(labels, predictions) + sum(model.losses)
