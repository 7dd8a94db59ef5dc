"""Augmentation is the affine map that it says, checked against SciPy's, and within the ranges asked for."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from mnist_core.config import Augmentation
from mnist_core.data.augment import augment

COUNT = 40
SEED = (3, 4)


@pytest.fixture(scope="module")
def images():
    """Smooth pictures (N, 28, 28, 1) with ink up to the rim."""
    noise = np.random.default_rng(0).random((COUNT, 28, 28))
    smooth = ndimage.gaussian_filter(noise, (0, 1.5, 1.5))
    return ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)[..., None]


def spots(*places):
    """Pictures (N, 28, 28, 1) with a soft spot of ink at each place (row, column), far from the rim."""
    rows, columns = np.mgrid[:28, :28]
    one = sum(np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 4) for r, c in places)
    return np.repeat(one[None, ..., None], COUNT, axis=0).astype(np.float32)


def run(images, seed=SEED, **ranges):
    return augment(tf.constant(images), Augmentation(**ranges), tf.constant(seed)).numpy()


def draws(seed=SEED):
    """The chance behind a call, each (N,) from -1 to 1: of angle, slant, zoom, and the two shifts."""
    return tf.random.stateless_uniform((5, COUNT), seed, -1.0, 1.0).numpy().astype("f8")


def by_scipy(images, matrix, shift=(0.0, 0.0)):
    """Every picture sampled at ``matrix @ (place - centre) + centre + shift``, places as (row, column)."""
    changed = []
    for i, image in enumerate(images[..., 0]):
        m = np.asarray(matrix)[..., i]
        offset = np.array([13.5, 13.5]) - m @ [13.5, 13.5] + [np.broadcast_to(s, COUNT)[i] for s in shift]
        changed.append(ndimage.affine_transform(image, m, offset, order=1, mode="grid-constant"))
    return np.stack(changed)[..., None]


def constant(value):
    return np.full(COUNT, float(value))


def test_nothing_asked_for_changes_nothing(images):
    np.testing.assert_allclose(run(images), images, atol=1e-6)


def test_shift_is_scipys(images):
    _, _, _, right, down = draws()
    one, zero = constant(1), constant(0)
    expected = by_scipy(images, [[one, zero], [zero, one]], (5 * down, 5 * right))
    np.testing.assert_allclose(run(images, shift=5), expected, atol=1e-4)


def test_rotate_is_scipys(images):
    angle = np.radians(30) * draws()[0]
    cos, sin = np.cos(angle), np.sin(angle)
    np.testing.assert_allclose(run(images, rotate=30), by_scipy(images, [[cos, -sin], [sin, cos]]), atol=1e-4)


def test_zoom_is_scipys(images):
    scale, zero = 1 / (1 + 0.4 * draws()[2]), constant(0)
    np.testing.assert_allclose(run(images, zoom=0.4), by_scipy(images, [[scale, zero], [zero, scale]]), atol=1e-4)


def test_shear_is_scipys(images):
    slant, one, zero = np.tan(np.radians(20) * draws()[1]), constant(1), constant(0)
    np.testing.assert_allclose(run(images, shear=20), by_scipy(images, [[one, zero], [slant, one]]), atol=1e-4)


def test_stretch_is_scipys(images):
    draws = tf.random.stateless_uniform((COUNT,), tf.constant(SEED) + 1, -1.0, 1.0).numpy()
    narrow, one, zero = 1 / (1 + 0.3 * draws), constant(1), constant(0)
    np.testing.assert_allclose(run(images, stretch=0.3), by_scipy(images, [[one, zero], [zero, narrow]]), atol=1e-4)


def test_all_together_is_one_map_after_the_other(images):
    angle, slant, zoom, right, down = draws()
    cos, sin, slant = np.cos(0.2 * angle), np.sin(0.2 * angle), np.tan(np.radians(10) * slant)
    one, zero = constant(1), constant(0)
    turn, slide = np.array([[cos, -sin], [sin, cos]]), np.array([[one, zero], [slant, one]])
    matrix = np.einsum("ijn,jkn->ikn", turn, slide) / (1 + 0.1 * zoom)
    expected = by_scipy(images, matrix, (2 * down, 2 * right))
    found = run(images, shift=2, rotate=np.degrees(0.2), zoom=0.1, shear=10)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_same_seed_repeats_and_every_picture_has_its_own_change(images):
    how = {"shift": 3, "rotate": 20, "zoom": 0.2, "shear": 10}
    first = run(images, **how)
    np.testing.assert_array_equal(first, run(images, **how))
    assert not np.allclose(first, run(images, seed=(3, 5), **how), atol=0.01)
    same = np.repeat(images[:1], COUNT, axis=0)
    changed = run(same, **how)
    assert len({picture.tobytes() for picture in changed}) == COUNT


def test_inside_a_compiled_function_it_is_the_same(images):
    how = Augmentation(shift=3, rotate=20)
    compiled = tf.function(lambda batch, seed: augment(batch, how, seed))
    found = compiled(tf.constant(images), tf.constant(SEED)).numpy()
    np.testing.assert_allclose(found, run(images, shift=3, rotate=20), atol=1e-5)


def centres(images):
    return np.array([ndimage.center_of_mass(image) for image in images[..., 0]])


def test_shifts_stay_in_their_range_and_use_it():
    moved = centres(run(spots((14, 14)), shift=4)) - centres(spots((14, 14)))
    assert np.abs(moved).max() <= 4 + 1e-3
    assert np.all(np.abs(moved).max(axis=0) > 3)
    assert np.all(moved.min(axis=0) < 0)
    assert np.all(moved.max(axis=0) > 0)


def test_turns_stay_in_their_range_and_use_it():
    turned = run(spots((7.5, 13.5)), rotate=25)
    rows, columns = (centres(turned) - 13.5).T
    angles = np.degrees(np.arctan2(columns, -rows))
    assert np.abs(angles).max() <= 25.5
    assert np.abs(angles).max() > 20
    np.testing.assert_allclose(np.hypot(rows, columns), 6, atol=0.1)


def test_zooms_stay_in_their_range_and_use_it():
    before = spots((13.5, 13.5))
    growth = run(before, zoom=0.3).sum(axis=(1, 2, 3)) / before.sum(axis=(1, 2, 3))
    sides = np.sqrt(growth)
    assert 0.7 - 0.02 < sides.min() < 0.75
    assert 1.25 < sides.max() < 1.3 + 0.02


def test_paper_comes_in_at_the_rim():
    ink = np.ones((COUNT, 28, 28, 1), np.float32)
    moved = run(ink, shift=8)
    assert moved.min() == 0
    assert moved.max() <= 1 + 1e-6
    _, _, _, right, down = 8 * draws()
    expected = (28 - np.abs(right)) * (28 - np.abs(down))
    np.testing.assert_allclose(moved.sum(axis=(1, 2, 3)), expected, rtol=1e-3)
