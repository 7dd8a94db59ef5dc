"""Corruptions keep what they should: kind and size, chance by seed, and nothing at strength 0."""

import numpy as np
import pytest
from scipy import ndimage

from mnist_core.data import mnist
from mnist_core.robustness.corruptions import CORRUPTIONS, USUAL, corrupt


@pytest.fixture(scope="module")
def images():
    return mnist.load("test").images[:50]


def test_there_are_the_fifteen_of_mnist_c():
    assert len(CORRUPTIONS) == 15
    assert all(c.sentence.endswith(".") for c in CORRUPTIONS.values())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_gives_pictures_repeatably_and_nothing_at_zero(images, name):
    spoiled = corrupt(images, name)
    assert spoiled.shape == images.shape and spoiled.dtype == np.uint8
    assert (corrupt(images, name) == spoiled).all()
    assert (spoiled != images).any(axis=(1, 2)).mean() > 0.9
    assert (corrupt(images, name, 0.0) == images).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_stronger_is_further_away(images, name):
    def away(strength):
        return np.abs(corrupt(images, name, strength).astype(int) - images).mean()

    assert away(0.15) < away(USUAL) <= away(1.0) * 1.02


def test_brightness_adds_and_stripe_inverts(images):
    np.testing.assert_allclose(corrupt(images, "brightness"), np.minimum(images + 127.5, 255), atol=0.51)
    stripe, sides = corrupt(images, "stripe"), np.r_[:7, 21:28]
    assert (stripe[:, :, sides] == 255 - images[:, :, sides]).all()
    assert (stripe[:, :, 7:21] == images[:, :, 7:21]).all()


def test_noise_is_as_frequent_as_it_says(images):
    changed = corrupt(np.full((200, 28, 28), 128, np.uint8), "impulse_noise") != 128
    assert changed.mean() == pytest.approx(0.17, abs=0.01)
    shot = corrupt(np.full((200, 28, 28), 128, np.uint8), "shot_noise").astype(float)
    assert set(np.unique(shot)) == {0, 85, 170, 255}, "three photons at most on full ink, but for those cut off"


def test_fog_leaves_a_quarter_of_the_contrast_and_is_thickest_somewhere():
    sheet = np.zeros((100, 28, 28), np.uint8)
    sheet[:, 10:18, 10:18] = 255
    foggy = corrupt(sheet, "fog").astype(float)
    clear = np.sort(foggy[sheet == 255]).mean() - np.sort(foggy[sheet == 0]).mean()
    assert clear / 255 == pytest.approx(1 / (1 + 3), abs=0.05)


def test_drops_hide_the_digit(images):
    white = np.full((200, 28, 28), 255, np.uint8)
    spotted = corrupt(white, "spatter")
    assert 0.1 < (spotted < 200).mean() < 0.4 and spotted.min() >= 63


@pytest.mark.parametrize(("name", "inwards"), [
    ("rotate", [[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]]), ("shear", [[1, 0], [np.tan(0.4), 1]]),
])  # fmt: skip
def test_turned_and_slanted_by_four_tenths_of_a_radian_either_way(images, name, inwards):
    """Rows and columns of the new image to those of the old one, by SciPy's affine map."""
    either = set()
    for image, found in zip(images, corrupt(images, name), strict=True):
        for sign in (1, -1):
            matrix = np.array(inwards) * [[1, sign], [sign, 1]]
            expected = ndimage.affine_transform(image / 255, matrix, 13.5 - matrix @ [13.5, 13.5], order=1)
            if np.abs(found / 255 - expected).max() < 0.01:
                either.add(sign)
                break
        else:
            pytest.fail("turned or slanted by something else")
    assert either == {1, -1}


def test_moved_by_three_pixels_each_way(images):
    padded = np.pad(images, ((0, 0), (3, 3), (3, 3)))
    corners = [padded[:, down : down + 28, right : right + 28] for down in (0, 6) for right in (0, 6)]
    moved = corrupt(images, "translate")
    assert np.any([(moved == corner).all(axis=(1, 2)) for corner in corners], axis=0).all()


def test_scale_is_scipys(images):
    spoiled, matrix = corrupt(images, "scale"), np.eye(2) / 0.7
    for image, found in zip(images, spoiled, strict=True):
        expected = ndimage.affine_transform(image / 255, matrix, 13.5 - matrix @ [13.5, 13.5], order=1)
        np.testing.assert_allclose(found / 255, expected, atol=0.01)
