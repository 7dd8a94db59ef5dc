"""Digits of other schools: as MNIST's are made, of every form, repeatable, and legible."""

import numpy as np
import pytest

from mnist_core.data import written as module
from mnist_core.data.sketch import smooth
from mnist_core.data.written import FORMS, points, written

COUNT = 300


@pytest.fixture(scope="module")
def drawn():
    return written(COUNT, 3)


def test_they_are_framed_like_mnists(drawn):
    images, labels = drawn
    assert images.shape == (COUNT, 28, 28) and images.dtype == labels.dtype == np.uint8
    assert (np.bincount(labels) == COUNT // 10).all()
    assert (images.max(axis=(1, 2)) == 255).all()
    rows, columns = images.any(axis=2).sum(axis=1), images.any(axis=1).sum(axis=1)
    assert (np.maximum(rows, columns) <= 20).all()


def test_a_seed_draws_the_same_and_another_draws_others(drawn):
    module._series.cache_clear()
    assert (written(COUNT, 3)[0] == drawn[0]).all()
    assert (written(COUNT, 4)[0] != drawn[0]).any(axis=(1, 2)).mean() > 0.9


def test_fewer_are_the_first_of_more(drawn):
    images, labels = written(10, 3)
    assert (images == drawn[0][:10]).all() and (labels == np.arange(10)).all()
    assert written(0)[0].shape == (0, 28, 28)


def test_every_form_stays_in_its_box_and_is_used(monkeypatch):
    seen = set()
    monkeypatch.setattr(module, "points", lambda stroke: seen.add(stroke) or points(stroke))
    module._series.cache_clear()
    written(600, 5)
    strokes = [stroke for forms in FORMS.values() for form in forms for stroke in form]
    assert seen == set(strokes) and set(FORMS) == set(range(10))
    for stroke in strokes:
        places, corners = points(stroke)
        assert len(places) == len(corners) >= 2 and not corners[[0, -1]].any()
        assert (places >= -0.1).all() and (places <= 1.1).all()


def test_a_stroke_is_read_from_its_words():
    places, corners = points("0,50 60,0! 60,100")
    np.testing.assert_allclose(places, [[0, 0.5], [0.6, 0], [0.6, 1]])
    assert corners.tolist() == [False, True, False]


def test_a_pen_that_is_asked_seldom_leaves_straight_lines_of_equal_length():
    way = module._seldom(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]]), 5)
    np.testing.assert_allclose(way, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]])


def test_a_smooth_line_passes_through_its_knots():
    knots = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]])
    np.testing.assert_allclose(smooth(knots)[::12], knots[:-1])


def test_nearest_neighbours_of_mnist_read_most_of_them(drawn):
    """Forms are others than MNIST's, but they are these digits: a reader of MNIST alone reads most."""
    from sklearn.neighbors import KNeighborsClassifier

    from mnist_core.data import mnist

    train, (images, labels) = mnist.load("train"), drawn
    reader = KNeighborsClassifier(3).fit(train.images[:20000].reshape(-1, 784) / 255, train.labels[:20000])
    right = reader.predict(images.reshape(-1, 784) / 255) == labels
    assert right.mean() > 0.6
    assert all(right[labels == digit].mean() > 0.25 for digit in range(10))
