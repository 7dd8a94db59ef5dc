"""Drawings in the store: the last ones, those kept with a label, and whose they are."""

import numpy as np
import pytest

from mnist_core.errors import StoreError
from mnist_core.store import drawings
from mnist_core.store.drawings import LAST, Drawings, as_digits
from tests.helpers import assert_friendly

pytestmark = pytest.mark.usefixtures("both_databases")


def image(value):
    return np.full((28, 28), value, np.uint8)


def strokes(count):
    return [{"path": [["M", 1, 2], ["L", 3, 4.5]], "number": number} for number in range(count)]


@pytest.fixture
def own(store):
    return Drawings(store.database)


def test_what_was_drawn_comes_back(own):
    assert own.remember("a", image(7), strokes(2), "7", 0.9)
    (found,) = own.last()
    np.testing.assert_array_equal(found.image, image(7))
    assert (found.id, found.answer, found.sure, found.label) == ("a", "7", 0.9, None)
    assert found.strokes == strokes(2)


def test_a_drawing_that_goes_on_stays_one(own):
    for count in (1, 2, 1):
        own.remember("a", image(count), strokes(count), str(count), 0.5)
    (found,) = own.last()
    assert (found.answer, len(found.strokes), found.image[0, 0]) == ("1", 1, 1)


def test_a_drawing_seen_again_keeps_its_place_and_is_as_it_looks_now(own):
    for name in "ab":
        own.remember(name, image(1), strokes(1), "1", 0.5)
    another = [{"path": [["M", 9, 9]]}]  # drawn in place of a stroke that was undone, unless it came back rounded
    own.remember("a", image(2), another, "4", 0.6)
    second, first = own.last()
    assert (second.id, second.answer, second.image[0, 0]) == ("b", "1", 1)
    assert (first.id, first.answer, first.sure, first.image[0, 0], first.strokes) == ("a", "4", 0.6, 2, another)


def test_only_the_last_stay_but_all_that_are_kept(own):
    for number in range(LAST + 6):
        own.remember(f"d{number}", image(number), strokes(1), "0", 0.5)
        if number == 2:
            own.keep("d2", 3)
    assert [found.id for found in own.last(LAST)] == [f"d{number}" for number in range(LAST + 5, 5, -1)]
    assert [found.id for found in own.kept()] == ["d2"]


def test_kept_ones_are_a_labelled_set(own):
    for number in (3, 1, 4):
        own.remember(f"d{number}", image(number), strokes(1), "9", 0.5)
        own.keep(f"d{number}", number)
    digits = as_digits(own.kept())
    assert digits.images.dtype == digits.labels.dtype == np.uint8
    assert digits.labels.tolist() == digits.images[:, 0, 0].tolist() == [4, 1, 3]
    own.keep("d1", None)
    own.remove(["d4", "gone"])
    assert as_digits(own.kept()).labels.tolist() == [3]
    assert own.label_of("d1") is own.label_of("d4") is None
    own.remove(["d3"])
    assert as_digits(own.kept()).images.shape == (0, 28, 28)


def test_a_kept_drawing_that_goes_on_is_another_one(own):
    own.remember("a", image(1), strokes(1), "1", 0.5)
    own.keep("a", 1)
    assert own.remember("a", image(2), strokes(1), "1", 0.5), "the same strokes"
    assert not own.remember("a", image(2), strokes(2), "7", 0.5)
    (kept,) = own.kept()
    assert (kept.image[0, 0], len(kept.strokes)) == (1, 1)


def test_nobody_sees_anothers(store):
    one, other = Drawings(store.database, "one"), Drawings(store.database, "other")
    one.remember("a", image(1), strokes(1), "1", 0.5)
    one.keep("a", 1)
    assert other.last() == other.kept() == []
    other.remember("a", image(2), strokes(1), "2", 0.5)  # one photo may be chosen by two
    other.remove(["a"])
    assert [found.label for found in one.kept()] == [1]


def test_there_is_room_for_so_many(own, monkeypatch):
    monkeypatch.setattr(drawings, "MOST_KEPT", 2)
    for name in "abc":
        own.remember(name, image(1), strokes(1), "1", 0.5)
    own.keep("a", 1)
    own.keep("b", 1)
    with pytest.raises(StoreError) as refused:
        own.keep("c", 1)
    assert_friendly(refused, "My handwriting")
    own.keep("b", 2)  # another label for one that is kept
    own.remove(["a"])
    own.keep("c", 1)


def test_what_cannot_be_kept_is_refused_in_words(own):
    own.remember("a", image(1), strokes(1), "1", 0.5)
    for name, label in (("gone", 1), ("a", 10)):
        with pytest.raises(StoreError) as refused:
            own.keep(name, label)
        assert_friendly(refused)


def test_endless_strokes_are_not_kept_but_the_picture_is(own):
    own.remember("a", image(1), strokes(5000), "1", 0.5)
    own.keep("a", 1)
    assert own.last() == [] and own.kept()[0].strokes == []


def test_endless_strokes_that_go_on_are_kept_as_they_look_now(own):
    for count in (5000, 5001):
        assert own.remember("a", image(count % 100), strokes(count), "1", 0.5)
    own.keep("a", 3)
    (kept,) = own.kept()
    assert (kept.image[0, 0], kept.label) == (1, 3)
    assert own.remember("a", image(9), strokes(5001), "1", 0.5), "the same strokes, however they are rendered"
    assert not own.remember("a", image(1), strokes(5002), "1", 0.5), "a dot makes another drawing"


def test_long_strokes_go_when_a_drawing_is_kept_and_it_stays_the_same_one(own):
    assert own.remember("a", image(1), strokes(500), "1", 0.5)
    assert own.last()[0].strokes == strokes(500)
    own.keep("a", 1)
    (kept,) = own.kept()
    assert kept.strokes == [] and drawings.MOST_KEPT * drawings.MOST_STROKES_KEPT <= 10_000_000
    assert own.remember("a", image(11), strokes(500), "1", 0.5), "as a browser gives it back"
    assert not own.remember("a", image(1), strokes(501), "1", 0.5), "a dot makes another drawing"
    own.keep("a", None)
    assert own.remember("a", image(1), strokes(500), "1", 0.5)
    assert own.last()[0].strokes == strokes(500), "taken back, it can be drawn again"


def test_the_last_ones_of_those_who_never_come_again_go(store, own, monkeypatch):
    own.remember("a", image(1), strokes(1), "1", 0.5)
    own.remember("b", image(1), strokes(1), "1", 0.5)
    own.keep("b", 1)
    monkeypatch.setattr(drawings, "FORGOTTEN_SECONDS", -1)
    Drawings(store.database, "another").remember("c", image(1), strokes(1), "1", 0.5)
    assert [found.id for found in own.last()] == ["b"]
