"""Drawing pictures that might stand among MNIST's: smooth lines, a bent sheet, and MNIST's frame."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from mnist_core.ink import frame

CANVAS = 96
"""Pixels of a side of the sheet."""


def framed(picture: np.ndarray) -> np.ndarray:
    """``uint8 (H, W)`` as MNIST frames a digit; strokes stay as wide as they are, for the pens of the training to
    change.
    """
    ink = frame.fit(frame.crop(picture.astype(np.float32) / 255))
    return np.rint(frame.centre(ink) * 255).astype(np.uint8)


def smooth(knots: np.ndarray) -> np.ndarray:
    """A curve through the knots ``(N, 2)``, without the last: the one of Catmull and Rom (1974)."""
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    padded = np.concatenate([knots[:1], knots, knots[-1:]])
    parts = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate(parts)


def bent(image: Image.Image, random: np.random.Generator, turn: float = 20, slant: float = 25) -> np.ndarray:
    """Turned and slanted by up to so many degrees, stretched a little, and one corner pulled."""
    angle, slant = math.radians(random.uniform(-turn, turn)), math.radians(random.uniform(-slant, slant))
    across, down = random.uniform(0.75, 1.3, 2)
    a, b = math.cos(angle) * across, (math.sin(angle) + math.tan(slant)) * across
    d, e = -math.sin(angle) * down, math.cos(angle) * down
    middle = CANVAS / 2
    warp = (a, b, middle - (a + b) * middle, d, e, middle - (d + e) * middle, *random.uniform(-0.003, 0.003, 2))
    return np.asarray(image.transform(image.size, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BILINEAR))
