"""The weights of a network's first layer as small pictures, where that layer looks at pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mnist_core.models.plan import INPUT_SHAPE

MOST_TILES = 64


def first_layer_tiles(model: Any) -> np.ndarray:
    """``float32 (tiles, rows, columns)`` of a Keras model: one tile per unit or filter, the first 64 at most.

    A fully connected layer on all pixels gives a weight per pixel, 28 x 28; a convolution its kernels. No tiles, of
    shape ``(0, 0, 0)``, if the first layer with a kernel does not look at pixels.
    """
    rows, columns, channels = INPUT_SHAPE
    kernel = next((np.asarray(layer.kernel) for layer in _leaves(model) if _has_kernel(layer)), np.empty(0))
    kernel = kernel.astype(np.float32)
    if kernel.ndim == 2 and kernel.shape[0] == rows * columns:
        tiles = kernel.T.reshape(-1, rows, columns)
    elif kernel.ndim == 4 and kernel.shape[2] == channels:
        tiles = kernel[:, :, 0].transpose(2, 0, 1)
    elif kernel.ndim == 3 and kernel.shape[1] == columns:
        tiles = kernel.transpose(2, 0, 1)  # a convolution along the rows of a picture
    else:
        tiles = np.empty((0, 0, 0), np.float32)
    return np.ascontiguousarray(tiles[:MOST_TILES])


def _leaves(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield from _leaves(layer) if hasattr(layer, "layers") else (layer,)


def _has_kernel(layer: Any) -> bool:
    return getattr(layer, "kernel", None) is not None
