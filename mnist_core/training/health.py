"""Counts units that have died: those that give 0 whatever the image."""

from __future__ import annotations

import json

import keras
import numpy as np

from mnist_core.models.subclassed import portable

IMAGES = 500
"""As many as show whether a unit ever wakes."""


def health(model: keras.Model, images: np.ndarray, scaled: bool) -> bytes:
    """JSON ``{layer: share}`` of the dead units or filters of every ReLU layer.

    Args:
        images: ``uint8 (N, 28, 28)``; the first 500 are used.
    """
    model = portable(model)
    relus = [layer for layer in model.layers if getattr(layer, "activation", None) is keras.activations.relu]
    if not relus:
        return b"{}"
    pixels = images[:IMAGES, ..., np.newaxis].astype(np.float32) / (255.0 if scaled else 1.0)
    inner = keras.Model(model.inputs[0], [layer.output for layer in relus])
    outputs = inner(pixels, training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    shares = {}
    for layer, output in zip(relus, outputs, strict=True):
        values = np.asarray(keras.ops.cast(output, "float32"))
        most = values.max(axis=tuple(range(values.ndim - 1)))
        shares[layer.name] = float(np.mean(most <= 0))
    return json.dumps(shares).encode()
