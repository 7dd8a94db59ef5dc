"""Pictures that are no digits: as MNIST's are made, the same for the same seed, of every kind."""

import numpy as np
import pytest

from mnist_core.data import others as module
from mnist_core.data.others import LETTERS, kinds, others

COUNT = 64


@pytest.fixture(scope="module")
def pictures():
    return others(COUNT, 3)


def test_they_are_framed_like_digits(pictures):
    assert pictures.shape == (COUNT, 28, 28) and pictures.dtype == np.uint8
    assert (pictures.max(axis=(1, 2)) > 200).all()
    rows, columns = pictures.any(axis=2).sum(axis=1), pictures.any(axis=1).sum(axis=1)
    assert (np.maximum(rows, columns) <= 20).all()


def test_a_seed_draws_the_same_and_another_draws_others(pictures):
    module._series.cache_clear()
    assert (others(COUNT, 3) == pictures).all()
    assert (others(COUNT, 4) != pictures).any()


def test_fewer_are_the_first_of_more(pictures):
    assert (others(10, 3) == pictures[:10]).all()


def test_every_picture_is_of_one_kind():
    places = kinds(COUNT)
    assert sorted(np.concatenate(list(places.values()))) == list(range(COUNT))
    assert set(places) == {"letters and signs", "scribbles", "shapes", "silhouettes", "spoiled digits"}


def test_letters_that_are_written_as_digits_are_left_out():
    assert not set("BDIOSZbgloqsz") & set(LETTERS)
