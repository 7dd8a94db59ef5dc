"""The training loop written out with ``tf.GradientTape``: one step after the other, to be read.

It has the face of ``CompiledEpoch`` and learns the same. It is slower because Python is asked after every step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.data.augment import augment
from mnist_core.training.fresh import forgetting

REPORT_SECONDS = 0.06
"""Between two reports: what has been learned is shown, and buttons are obeyed."""


class TapeEpoch:
    """Trains ``model`` step by step.

    Args:
        images, labels: all training images, uint8 ``(M, 28, 28)``, and their digits, int32 ``(M,)``.
        batch: images a step.
    """

    def __init__(self, model: keras.Model, images: tf.Tensor, labels: tf.Tensor, config: RunConfig, batch: int):
        self.model, self.images, self.labels, self.config, self.batch = model, images, labels, config, batch
        self.loss, self.accuracy = keras.metrics.Mean(), keras.metrics.SparseCategoricalAccuracy()
        self.forget = forgetting(model, config.optimizer.fresh)
        kinds = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.float32), tf.TensorSpec([2], tf.int32)
        self.train_step = tf.function(self._train_step, input_signature=kinds)

    def _train_step(self, batch, rate, seed):
        """Learns from the images at the positions ``batch``."""
        images = tf.cast(tf.gather(self.images, batch), tf.float32)[..., tf.newaxis]
        if self.config.data.scaled:
            images /= 255.0
        if self.config.augmentation.active:
            images = augment(images, self.config.augmentation, seed)
        labels = tf.gather(self.labels, batch)

        with tf.GradientTape() as tape:
            predictions = self.model(images, training=True)
            loss = self.loss_of(labels, predictions)
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, variables)

        self.forget()  # only where a new optimizer at every step is asked for
        self.model.optimizer.learning_rate.assign(rate)
        self.model.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.loss.update_state(loss, sample_weight=tf.size(batch))
        self.accuracy.update_state(labels, predictions)

    def loss_of(self, labels, predictions):
        if self.config.training.label_smoothing:
            labels = tf.one_hot(labels, 10)
        return self.model.loss(labels, predictions) + sum(self.model.losses)

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
