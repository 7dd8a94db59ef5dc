"""What is asked of answers beyond what Keras has: losses, and which are right."""

from __future__ import annotations

import keras
from keras import ops

from mnist_core.data.others import NOT_A_DIGIT
from mnist_core.evaluation import CLIPPED
from mnist_core.models.plan import CLASSES


def shares(labels):
    """Which share of certainty each digit should get: ``float32 (N, 10)`` for labels ``(N,)``.

    All of it goes to the digit; equal shares go to all ten where there is none (label ``NOT_A_DIGIT``).
    """
    none = ops.cast(ops.equal(labels, NOT_A_DIGIT), "float32")
    return ops.one_hot(labels, CLASSES) + none[:, None] / CLASSES


def right(labels, outputs, logits=False):
    """Which answers are right, bool ``(N,)``: the likeliest digit is the true one.

    What is no digit is read rightly by being unsure: no digit has half of the probability.

    Args:
        logits: ``outputs`` ``(N, 10)`` still have to go through a softmax.
    """
    likeliest = ops.cast(ops.argmax(outputs, axis=-1), labels.dtype)
    # With an ``initial``, since runs may hold out no images at all, and Keras refuses the largest of none.
    unsure = ops.max(ops.softmax(outputs) if logits else outputs, axis=-1, initial=0.0) < 0.5
    return (likeliest == labels) | (unsure & (labels == NOT_A_DIGIT))


class ClippedCrossentropy(keras.losses.Loss):
    """``-mean(log(clip(p, 1e-9, 1)))`` of the true digits' probabilities ``p``.

    Where ``p`` is below 1e-9 the clipping is flat, so its gradient is exactly zero there.
    """

    def call(self, labels, probabilities):
        labels = ops.cast(ops.reshape(labels, (-1, 1)), "int32")
        true = ops.take_along_axis(probabilities, labels, axis=1)[:, 0]
        return -ops.log(ops.clip(true, CLIPPED, 1.0))
