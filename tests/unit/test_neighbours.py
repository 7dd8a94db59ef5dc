"""The most similar training images are those of scikit-learn."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from mnist_core.data import mnist
from mnist_core.data.mnist import Digits
from mnist_core.explain import neighbours
from mnist_core.explain.neighbours import Search


@pytest.fixture(scope="module")
def drawings():
    """Digits that are not among the training images: turned by a quarter."""
    return np.rot90(mnist.load("test").images[:6], axes=(1, 2)).copy()


@pytest.fixture(scope="module")
def search(digits):
    return Search(digits)


def flat(images):
    return images.reshape(len(images), -1) / 255


def test_they_are_the_nearest_by_pixels(search, digits, drawings):
    judge = NearestNeighbors(n_neighbors=25, algorithm="brute").fit(flat(digits.images))
    for drawing in drawings:
        distances, indices = judge.kneighbors(flat(drawing[None]))
        found, measured = search.nearest(drawing, 25)
        np.testing.assert_array_equal(found, indices[0])
        np.testing.assert_allclose(measured, distances[0])


def test_an_image_is_most_like_itself(search, digits):
    similar = neighbours.by_pixels(digits, search.nearest(digits.images[77]))
    assert (similar.indices[0], similar.likeness[0]) == (77, 0)
    assert len(similar.images) == neighbours.SHOWN
    np.testing.assert_array_equal(similar.images[0], digits.images[77])
    np.testing.assert_array_equal(similar.labels, digits.labels[similar.indices])
    assert (np.diff(similar.likeness) >= 0).all()


def test_the_earlier_of_two_equals_comes_first():
    images = np.zeros((50, 28, 28), np.uint8)
    images[20:, 3, 3] = 9
    found, _ = Search(Digits(images, np.zeros(50, np.uint8))).nearest(images[30], 5)
    np.testing.assert_array_equal(found, range(20, 25))


def test_blank_and_full_drawings(search, digits):
    """Blank paper is most like the image with least ink."""
    for drawing in (np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)):
        found, measured = search.nearest(drawing, 3)
        distances = np.linalg.norm(flat(digits.images) - flat(drawing[None]), axis=1)
        np.testing.assert_array_equal(found, np.argsort(distances)[:3])
        np.testing.assert_allclose(measured, np.sort(distances)[:3])


def test_fewer_images_than_are_asked_for(digits, drawings):
    found, _ = Search(Digits(digits.images[:7], digits.labels[:7])).nearest(drawings[0])
    assert sorted(found) == list(range(7))


def test_by_features_among_the_nearest(search, digits, drawings):
    """Of a random projection; scikit-learn looks among the same candidates."""
    weights = np.random.default_rng(0).normal(size=(784, 12))
    near, _ = search.nearest(drawings[0])
    similar = neighbours.by_features(digits, near, drawings[0], lambda images: flat(images) @ weights, "by chance")
    judge = NearestNeighbors(n_neighbors=neighbours.SHOWN, algorithm="brute").fit(flat(digits.images[near]) @ weights)
    distances, places = judge.kneighbors(flat(drawings[:1]) @ weights)
    np.testing.assert_array_equal(similar.indices, near[places[0]])
    np.testing.assert_allclose(similar.likeness, distances[0])
    assert (similar.by, similar.measure) == ("by chance", "distance")


def test_examples_of_one_label(search, digits, drawings):
    found = search.examples(drawings[0], 3, 4)
    threes = digits.images[digits.labels == 3]
    judge = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(flat(threes))
    np.testing.assert_array_equal(found, threes[judge.kneighbors(flat(drawings[:1]))[1][0]])
