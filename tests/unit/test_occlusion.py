"""Occlusion, by a plain loop over all pixels and patches."""

import numpy as np
import pytest

from mnist_core.explain.occlusion import PATCH, STRIDE, occlusion


@pytest.fixture(scope="module")
def probabilities():
    """A model of pixels times weights, as any other that gives ten probabilities."""
    weights = np.random.default_rng(0).normal(size=(784, 10)) / 3

    def probabilities(images):
        exponential = np.exp(images.reshape(len(images), -1) / 255 @ weights)
        return (exponential / exponential.sum(axis=1, keepdims=True)).astype(np.float32)

    return probabilities


def by_hand(probabilities, image, digit):
    uncovered = probabilities(image[None])[0, digit]
    falls = [[[] for _ in range(28)] for _ in range(28)]
    answers = [uncovered]
    for top in range(0, 28 - PATCH + 1, STRIDE):
        for left in range(0, 28 - PATCH + 1, STRIDE):
            covered = image.copy()
            covered[top : top + PATCH, left : left + PATCH] = 0
            answers.append(probabilities(covered[None])[0, digit])
            for y in range(top, top + PATCH):
                for x in range(left, left + PATCH):
                    falls[y][x].append(uncovered - answers[-1])
    return np.array([[np.mean(cell) for cell in row] for row in falls]), min(answers), uncovered


@pytest.mark.parametrize("index", range(4))
def test_every_pixel_has_the_mean_of_its_patches(index, probabilities, digits):
    image = digits.images[index]
    found = occlusion(probabilities, image, 4)
    expected = by_hand(probabilities, image, 4)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
    assert found[1:] == pytest.approx(expected[1:], abs=1e-6)


def test_only_patches_with_ink_are_asked(probabilities):
    asked = []

    def counted(images):
        asked.append(len(images))
        return probabilities(images)

    image = np.zeros((28, 28), np.uint8)
    image[0, 0] = 255
    values, _, _ = occlusion(counted, image, 0)
    assert asked == [2]  # the drawing, and with its one dot covered
    assert values[0, 0] != 0
    blank, lowest, uncovered = occlusion(counted, np.zeros((28, 28), np.uint8), 0)
    assert not blank.any()
    assert lowest == uncovered
