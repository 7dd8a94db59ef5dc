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
    assert (corrupt(images, "brightness", 0.5) == np.rint(np.clip(images / 255 + 0.4, 0, 1) * 255)).all()
    stripe = corrupt(images, "stripe", 0.5)
    assert (stripe[:, :, 12:16] == 255 - images[:, :, 12:16]).all() and (stripe[:, :, :9] == images[:, :, :9]).all()


def test_noise_is_as_frequent_as_it_says(images):
    changed = corrupt(np.full((200, 28, 28), 128, np.uint8), "impulse_noise", 1.0) != 128
    assert changed.mean() == pytest.approx(0.3, abs=0.01)


def test_scale_is_scipys(images):
    spoiled, matrix = corrupt(images, "scale", 0.5), np.eye(2) * 1.5
    for image, found in zip(images, spoiled, strict=True):
        expected = ndimage.affine_transform(image / 255, matrix, 13.5 - matrix @ [13.5, 13.5], order=1)
        np.testing.assert_allclose(found / 255, expected, atol=0.01)
