"""Pictures drawn one after the other: once each, whoever asks and whatever comes between."""

from itertools import count

import numpy as np
import pytest

from mnist_core.data.series import Series


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def series(drawn):
    return Series(np.full((28, 28), drawn.append(n) or n, np.uint8) for n in count())


def test_each_picture_is_drawn_once(series, drawn):
    assert series.first(3)[:, 0, 0].tolist() == [0, 1, 2]
    assert series.first(2)[:, 0, 0].tolist() == [0, 1]
    assert series.first(4)[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert drawn == [0, 1, 2, 3]


def test_none_are_an_empty_array(series, drawn):
    assert series.first(0).shape == (0, 28, 28) and series.first(0).dtype == np.uint8 and not drawn


def test_who_looks_sees_every_new_picture_and_may_end_it(series, drawn):
    class Enough(Exception):
        pass

    def look():
        if len(drawn) == 3:
            raise Enough

    with pytest.raises(Enough):
        series.first(5, look)
    assert drawn == [0, 1, 2]
    looks = []
    assert series.first(5, lambda: looks.append(len(drawn)))[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert looks == [4, 5]
