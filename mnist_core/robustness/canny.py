"""Canny's edges of many small pictures at once.

J. Canny, "A computational approach to edge detection", IEEE Transactions on Pattern Analysis and Machine Intelligence
8 (1986), sections V to VII: smooth, keep what is steepest along its own slope, and of that what is clear somewhere.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SIGMA = 1.0
"""Standard deviation of the smoothing, in pixels."""

CLEAR, FAINT = 0.2, 0.1
"""Slopes of Sobel's operator, for ink from 0 to 1: an edge begins where it is clear and goes on while it is faint."""


def edges(images: np.ndarray) -> np.ndarray:
    """Where ``float32 (N, H, W)`` pictures, 0 to 1, have an edge: bool ``(N, H, W)``, lines of one pixel."""
    smooth = ndimage.gaussian_filter(images.astype(float), (0, SIGMA, SIGMA), mode="constant")
    down, across = _sobel(smooth, 1, 2), _sobel(smooth, 2, 1)
    slope = np.hypot(down, across)
    thin = (slope >= FAINT) & (slope >= _beside(slope, down, across)) & (slope >= _beside(slope, -down, -across))
    thin[:, [0, -1]] = thin[:, :, [0, -1]] = False  # nobody knows what lies beyond
    touching = np.zeros((3, 3, 3), bool)
    touching[1] = True
    pieces, count = ndimage.label(thin, touching)
    clear = np.zeros(count + 1, bool)
    clear[np.unique(pieces[thin & (slope >= CLEAR)])] = True
    return clear[pieces] & thin


def _sobel(pictures: np.ndarray, along: int, beside: int) -> np.ndarray:
    """Sobel's slope within each picture; SciPy's own would smooth from one picture to the next as well."""
    return ndimage.correlate1d(ndimage.correlate1d(pictures, [-1, 0, 1], along), [1, 2, 1], beside)


def _beside(slope: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The slope one step further in a direction: between the two neighbours that the direction passes through."""
    padded = np.pad(slope, ((0, 0), (1, 1), (1, 1)))
    each, rows, columns = np.ogrid[: slope.shape[0], 1 : slope.shape[1] + 1, 1 : slope.shape[2] + 1]
    steep = np.abs(down) >= np.abs(across)
    step_down, step_across = np.sign(down).astype(int), np.sign(across).astype(int)
    straight = np.where(steep, padded[each, rows + step_down, columns], padded[each, rows, columns + step_across])
    oblique = padded[each, rows + step_down, columns + step_across]
    larger = np.maximum(np.maximum(np.abs(down), np.abs(across)), 1e-12)
    share = np.minimum(np.abs(down), np.abs(across)) / larger
    return share * oblique + (1 - share) * straight
