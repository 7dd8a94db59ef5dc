"""How a network's answer changes with every pixel: its slopes, for many images in one compiled call."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

LEAST = 1e-30
"""Below this, probabilities of a network that gives nothing else have no logarithm in 32 bits."""


class Slopes:
    """Log-probabilities of a network and their gradients.

    The logarithm is taken of what goes into the softmax: a network that is quite sure has probabilities of 0 and 1
    and no slope at all, but its logarithms still tell where the other digits are.

    Args:
        scaled: the network takes pixels from 0 to 1.
        logits: what it gives still has to go through a softmax.
        temperature: what goes into the softmax is divided by it (``calibration``).
    """

    def __init__(self, model: keras.Model, scaled: bool, logits: bool = False, temperature: float = 1.0):
        self._model, self._scale, self._logits = model, 1 / 255.0 if scaled else 1.0, logits
        self._temperature = temperature
        signature = [tf.TensorSpec([None, 28, 28], tf.float32), tf.TensorSpec([], tf.int32)]
        self._compiled = tf.function(self._gradients, input_signature=signature)

    def __call__(self, images: np.ndarray, digit: int) -> tuple[np.ndarray, np.ndarray]:
        """For pixels 0-255 ``(N, 28, 28)``: float32 ``(N, 10)``, and slopes of the digit's column by the pixels."""
        logarithms, slopes = self._compiled(np.asarray(images, np.float32), np.int32(digit))
        return logarithms.numpy(), slopes.numpy()

    def of_one(self, pixels: np.ndarray, digit: int) -> np.ndarray:
        """The slopes alone, for one image ``(28, 28)``."""
        return self(pixels[None], digit)[1][0]

    def _gradients(self, images, digit):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = self._model(images[..., tf.newaxis] * self._scale, training=False)
            # Keras' softmax leaves a note of what went in; its own loss is computed from that too.
            inside = outputs if self._logits else getattr(outputs, "_keras_logits", None)
            if inside is None:
                inside = tf.math.log(tf.maximum(tf.cast(outputs, tf.float32), LEAST))
            logarithms = tf.nn.log_softmax(tf.cast(inside, tf.float32) / self._temperature)
            wanted = tf.reduce_sum(logarithms[:, digit])
        return logarithms, tape.gradient(wanted, images, unconnected_gradients="zero")
