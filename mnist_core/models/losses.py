"""Losses beyond those of Keras."""

from __future__ import annotations

import keras
from keras import ops

SMALLEST = 1e-9
"""What the tutorials with raw variables clip a probability to before they take its logarithm."""


class ClippedCrossentropy(keras.losses.Loss):
    """``-mean(log(clip(p, 1e-9, 1)))`` of the true digits' probabilities ``p``.

    Where ``p`` is below 1e-9 the clipping is flat, so its gradient is exactly zero there.
    """

    def call(self, labels, probabilities):
        labels = ops.cast(ops.reshape(labels, (-1, 1)), "int32")
        true = ops.take_along_axis(probabilities, labels, axis=1)[:, 0]
        return -ops.log(ops.clip(true, SMALLEST, 1.0))
