"""Counts units that have died: those that give 0 whatever the image."""

from __future__ import annotations

import json

import keras
import numpy as np

from mnist_core.models.plan import INPUT_SHAPE

IMAGES = 500
"""As many as show whether a unit ever wakes."""


def health(model: keras.Model, images: np.ndarray, scaled: bool) -> bytes:
    """JSON ``{layer: share}`` of the dead units or filters of every ReLU layer.

    Args:
        images: ``uint8 (N, 28, 28)``; the first 500 are used.
    """
    values, shares = _pixels(images[:IMAGES], scaled), {}
    # Our networks are chains, and a subclassed one has no graph to ask for what its layers give.
    chain = getattr(model, "stack", model.layers)
    for layer in (layer for layer in chain if not isinstance(layer, keras.layers.InputLayer)):
        values = layer(values, training=False)
        if getattr(layer, "activation", None) is keras.activations.relu:
            found = np.asarray(keras.ops.cast(values, "float32"))
            most = found.max(axis=tuple(range(found.ndim - 1)))
            shares[layer.name] = float(np.mean(most <= 0))
    return json.dumps(shares).encode()


def _pixels(images: np.ndarray, scaled: bool) -> np.ndarray:
    return images.reshape(-1, *INPUT_SHAPE).astype(np.float32) / (255.0 if scaled else 1.0)
