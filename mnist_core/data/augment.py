"""Random changes of digits, computed on the worker for every batch anew: here where they stand, in ``pens`` how they
are written and scanned."""

from __future__ import annotations

import math

import tensorflow as tf

from mnist_core.config import Augmentation
from mnist_core.data import pens

CENTRE = 13.5
"""Middle of a 28-pixel side, in pixel coordinates 0..27."""


def augment(images: tf.Tensor, how: Augmentation, seed: tf.Tensor, ink: float = 1.0) -> tf.Tensor:
    """Changes every image by draws of its own.

    Args:
        images: float32 ``(B, 28, 28, 1)`` from 0, paper, to ``ink``.
        seed: int32 ``(2,)``; the same seed gives the same changes, so a resumed run repeats them.

    Returns:
        float32 ``(B, 28, 28, 1)``.
    """
    before = images
    if any((how.shift, how.rotate, how.zoom, how.shear, how.stretch)):
        images = moved(images, how, seed)
    changes = pens.shaky, pens.pens, pens.outlines, pens.clutter, pens.scans
    for number, change in enumerate(changes, start=1):
        strength = getattr(how, change.__name__)
        if strength:
            images = ink * change(images / ink, strength, tf.random.experimental.stateless_fold_in(seed, number))
    if not how.untouched:
        return images
    seed = tf.random.experimental.stateless_fold_in(seed, 0)
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed)
    return tf.where(draws < how.untouched, before, images)


def moved(images: tf.Tensor, how: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Shifts, turns, zooms, slants and stretches: an affine map, bilinear, with paper (0) coming in at the rim."""
    draws = tf.random.stateless_uniform((5, tf.shape(images)[0]), seed, -1.0, 1.0)
    angle = draws[0] * math.radians(how.rotate)
    slant = tf.tan(draws[1] * math.radians(how.shear))
    # The map goes from the new image back to the old one, so growing divides.
    scale = 1.0 / (1.0 + draws[2] * how.zoom)
    right, down = draws[3] * how.shift, draws[4] * how.shift
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    xx, xy = cos, cos * slant + sin
    yx, yy = -sin, cos - sin * slant
    if how.stretch:
        wider = 1.0 + how.stretch * tf.random.stateless_uniform(tf.shape(angle), seed + 1, -1.0, 1.0)
        xx, yx = xx / wider, yx / wider
    x0 = CENTRE - CENTRE * (xx + xy) + right
    y0 = CENTRE - CENTRE * (yx + yy) + down
    zero = tf.zeros_like(angle)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([xx, xy, x0, yx, yy, y0, zero, zero], axis=1),
        output_shape=tf.constant([28, 28]),
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
