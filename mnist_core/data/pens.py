"""What real hands, pens and scanners do to digits, imitated: other pens, hollow strokes, shaky lines, poor scans.

Each function takes and gives float32 ``(B, 28, 28, 1)`` with paper 0 and ink 1, and changes every image by draws of
its own. The same ``seed``, int32 ``(2,)``, gives the same changes.
"""

from __future__ import annotations

import tensorflow as tf

SIDE = 28
KNOTS = 5
"""Places per side where a shaky line is pushed; between them the push changes smoothly."""


def shaky(images: tf.Tensor, pixels: float, seed: tf.Tensor) -> tf.Tensor:
    """Moves every place of an image by a smooth random field of about so many pixels; in a quarter of the images each
    pixel by itself too, as ink on rough paper.

    An elastic distortion: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to
    visual document analysis" (2003), section 2.
    """
    count = tf.shape(images)[0]
    amount = pixels * tf.random.stateless_uniform((count, 1, 1, 1), seed)
    push = tf.random.stateless_normal((count, KNOTS, KNOTS, 2), seed + 1) * amount
    push = tf.image.resize(push, (SIDE, SIDE), "bicubic")
    rough = tf.random.stateless_uniform((count, 1, 1, 1), seed + 2, -3.0, 1.0)
    push += tf.nn.relu(rough) * tf.random.stateless_normal((count, SIDE, SIDE, 2), seed + 3)
    place = tf.stack(tf.meshgrid(tf.range(SIDE), tf.range(SIDE), indexing="ij"), axis=-1)
    return _looked_up(images, tf.cast(place, tf.float32) + push)


def _looked_up(images: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Values at ``places`` (B, 28, 28, 2), between pixels by how near each is; the rim goes on outside."""
    places = tf.clip_by_value(places, 0.0, SIDE - 1.001)
    corner = tf.floor(places)
    near = places - corner
    corner, flat = tf.cast(corner, tf.int32), tf.reshape(images, (-1, SIDE * SIDE))
    first = tf.reshape(corner[..., 0] * SIDE + corner[..., 1], (-1, SIDE * SIDE))
    y, x = (tf.reshape(near[..., axis], (-1, SIDE * SIDE)) for axis in (0, 1))

    def at(step: int) -> tf.Tensor:
        return tf.gather(flat, first + step, batch_dims=1)

    upper = at(0) * (1 - x) + at(1) * x
    lower = at(SIDE) * (1 - x) + at(SIDE + 1) * x
    return tf.reshape(upper * (1 - y) + lower * y, (-1, SIDE, SIDE, 1))


def pens(images: tf.Tensor, pixels: float, seed: tf.Tensor) -> tf.Tensor:
    """Thickens or thins the strokes by up to so many pixels, half of it on either side."""
    amount = pixels * tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed, -1.0, 1.0)
    for _ in range(2):
        thicker = tf.nn.max_pool2d(images, 3, 1, "SAME")
        images += tf.clip_by_value(amount / 2, 0.0, 1.0) * (thicker - images)
        amount -= tf.clip_by_value(amount, 0.0, 2.0)
    thinner = -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    kept = images + tf.clip_by_value(-amount / 2, 0.0, 0.7) * (thinner - images)
    # A thin stroke is not a pale one.
    strongest = tf.reduce_max(kept, axis=(1, 2, 3), keepdims=True)
    return kept / tf.maximum(strongest, 1e-3) * tf.reduce_max(images, axis=(1, 2, 3), keepdims=True)


def outlines(images: tf.Tensor, share: float, seed: tf.Tensor) -> tf.Tensor:
    """Hollow strokes, as in drawn or printed capitals: in so many of the images only the rim of the ink is left, on
    the inner or the outer side.
    """
    draws = tf.random.stateless_uniform((3, tf.shape(images)[0], 1, 1, 1), seed)
    ink = tf.cast(images > 0.25 + 0.4 * draws[0], tf.float32)
    wider, narrower = tf.nn.max_pool2d(ink, 3, 1, "SAME"), -tf.nn.max_pool2d(-ink, 3, 1, "SAME")
    rim = tf.where(draws[1] < 0.5, wider - ink, ink - narrower)
    return tf.where(draws[2] < share, rim, images)


def scans(images: tf.Tensor, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Low resolution, blur, other contrast and noise, each in some of the images; ``strength`` 0 to 1.

    In half of those of low resolution edges are clear again, as the ink pipeline redraws them.
    """
    draws = tf.random.stateless_uniform((6, tf.shape(images)[0], 1, 1, 1), seed)
    coarse = draws[0] < 0.45 * strength
    finer = tf.where(draws[1] < 0.7, _coarse(images, 10), _coarse(images, 14))
    cells = tf.where(draws[1] < 0.2, _coarse(images, 8), finer)
    edge = tf.random.stateless_uniform((2, tf.shape(images)[0], 1, 1, 1), seed + 5)
    cells = tf.where(edge[0] < 0.5, 0.5 + (2 + 4 * edge[1]) * (cells - 0.45), cells)
    images = tf.where(coarse, tf.clip_by_value(cells, 0.0, 1.0), images)
    images += strength * draws[2] * tf.cast(draws[3] < 0.4, tf.float32) * (_blurred(images) - images)
    images = tf.pow(images + 1e-6, tf.exp(strength * (2 * draws[4] - 1)))
    noise = tf.random.stateless_normal(tf.shape(images), seed + 2) * 0.35 * draws[5]
    noisy = tf.random.stateless_uniform((2, tf.shape(images)[0], 1, 1, 1), seed + 3)
    images += noise * tf.cast(noisy[0] < 0.3 * strength, tf.float32)
    specks = tf.random.stateless_uniform(tf.shape(images), seed + 4)
    share = 0.1 * noisy[1] * tf.cast(draws[1] < 0.15 * strength, tf.float32)
    images = tf.where(specks < share, 1.0, tf.where(specks > 1 - share, 0.0, images))
    return tf.clip_by_value(images, 0.0, 1.0)


def _coarse(images: tf.Tensor, side: int) -> tf.Tensor:
    return tf.image.resize(tf.image.resize(images, (side, side), "area"), (SIDE, SIDE), "bicubic")


def _blurred(images: tf.Tensor) -> tf.Tensor:
    weights = tf.constant([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    images = tf.nn.conv2d(images, tf.reshape(weights, (5, 1, 1, 1)), 1, "SAME")
    return tf.nn.conv2d(images, tf.reshape(weights, (1, 5, 1, 1)), 1, "SAME")


def clutter(images: tf.Tensor, share: float, seed: tf.Tensor) -> tf.Tensor:
    """Paper that is not clean, each in about ``share`` / 3 of the images: grey or cloudy ground, a band printed the
    other way round, stray lines, whole or dotted.
    """
    count = tf.shape(images)[0]
    kind = tf.random.stateless_uniform((count, 1, 1, 1), seed)
    draws = tf.random.stateless_uniform((4, count, 1, 1, 1), seed + 5)
    ground = tf.image.resize(tf.random.stateless_uniform((count, 4, 4, 1), seed + 6), (SIDE, SIDE), "bicubic")
    ground = 0.6 * draws[0] * (draws[1] * ground + 1 - draws[1])
    cloudy = tf.clip_by_value(ground + (1 - ground) * images, 0.0, 1.0)
    across = tf.cast(tf.range(SIDE), tf.float32)[tf.newaxis, tf.newaxis, :, tf.newaxis] - SIDE * draws[2]
    banded = tf.where(tf.abs(across) < 1 + 4 * draws[3], 1 - images, images)
    lined = tf.maximum(images, tf.maximum(_line(count, seed + 7), _line(count, seed + 8)))
    part = share / 3
    return tf.where(kind < part, cloudy, tf.where(kind < 1.4 * part, banded, tf.where(kind < 3 * part, lined, images)))


def _line(count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A straight line of about one pixel anywhere, of some length, whole or dotted."""
    draws = tf.random.stateless_uniform((7, count, 1, 1, 1), seed)
    rows = tf.cast(tf.range(SIDE), tf.float32)[tf.newaxis, :, tf.newaxis, tf.newaxis] - SIDE * draws[0]
    columns = tf.cast(tf.range(SIDE), tf.float32)[tf.newaxis, tf.newaxis, :, tf.newaxis] - SIDE * draws[1]
    angle = 3.14159 * draws[2]
    along = tf.cos(angle) * columns + tf.sin(angle) * rows
    aside = tf.cos(angle) * rows - tf.sin(angle) * columns
    ink = tf.clip_by_value(1.2 - tf.abs(aside), 0.0, 1.0) * tf.cast(tf.abs(along) < 3 + 20 * draws[3], tf.float32)
    gaps = tf.cast(tf.math.floormod(along, 4.0) < 2.0, tf.float32)
    return ink * tf.where(draws[4] < 0.5, gaps, 1.0) * (0.5 + 0.5 * draws[5])
