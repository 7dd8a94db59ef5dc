"""Parts of pages in turns: one after the other or a few at the same time, and nobody waits for ever."""

import threading

import pytest
import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.ui import turns as module
from mnist_core.ui.turns import ANSWERS_AT_ONCE, answering, refreshing
from tests.helpers import eventually

KINDS = [(refreshing(1.0), 1), (answering, ANSWERS_AT_ONCE)]
"""How many of each may be drawn at a time."""


@pytest.fixture
def asked(monkeypatch):
    """Streamlit's fragments are called as they are, as if run without their page; how often each is to be run again."""
    found = []
    monkeypatch.setattr(st, "fragment", lambda draw, run_every=None: found.append(run_every) or draw)
    monkeypatch.setattr(module, "_runs_alone", lambda: True)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60.0)
    return found


def together(draw, count):
    threads = [threading.Thread(target=draw) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


@pytest.fixture
def still(asked):
    """A part that draws itself and stands still in the middle of it."""
    begun, goes_on = threading.Event(), threading.Event()
    (thread,) = together(refreshing(1.0)(lambda: begun.set() or goes_on.wait()), 1)
    assert begun.wait(30)
    yield thread
    assert thread.is_alive()
    goes_on.set()
    thread.join()


@pytest.mark.parametrize(("in_turns", "every"), [(refreshing(2.5), 2.5), (refreshing(None), None), (answering, None)])
def test_it_is_streamlits_own_fragment_with_the_name_and_the_value_of_what_it_draws(asked, in_turns, every):
    def words(name, mark="."):
        return f"Hello {name}{mark}"

    drawn = in_turns(words)
    assert (drawn("Ada", mark="!"), drawn.__qualname__, asked) == ("Hello Ada!", words.__qualname__, [every])


@pytest.mark.parametrize(("in_turns", "at_once"), KINDS)
def test_no_more_are_drawn_at_a_time(asked, in_turns, at_once):
    begun, now, most = [], set(), []

    @in_turns
    def draw():
        now.add(threading.get_ident())
        most.append(len(now))
        # All others want to be drawn by now, and as many are as may.
        eventually(lambda: len(begun) == 8 and len(most) >= at_once)
        now.discard(threading.get_ident())

    for thread in together(lambda: begun.append(True) or draw(), 8):
        thread.join()
    assert (len(most), max(most)) == (8, at_once)


def test_a_drawing_does_not_wait_for_parts_that_draw_themselves(still):
    drawn = []
    (thread,) = together(answering(lambda: drawn.append(True)), 1)
    thread.join(30)
    assert drawn == [True]


@pytest.mark.parametrize(("in_turns", "at_once"), KINDS)
def test_a_part_that_is_drawn_with_its_page_waits_for_nobody(asked, monkeypatch, in_turns, at_once):
    monkeypatch.setattr(module, "_runs_alone", lambda: False)
    everybody = threading.Barrier(at_once + 1, timeout=30)  # more than may be drawn in turns

    for thread in together(in_turns(everybody.wait), at_once + 1):
        thread.join(30)
    assert not everybody.broken


def test_one_that_stands_still_does_not_hold_up_the_others_for_ever(still, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    drawn = []
    for thread in together(refreshing(1.0)(lambda: drawn.append(True)), 3):
        thread.join(30)
    assert drawn == [True] * 3


def test_one_that_stands_inside_another_does_not_wait_for_it(asked):
    drawn = []
    inner = refreshing(1.0)(lambda: drawn.append("inner"))
    (thread,) = together(refreshing(1.0)(inner), 1)
    thread.join(30)
    assert drawn == ["inner"]


@pytest.mark.parametrize("error", [ValueError, SystemExit])  # Streamlit ends a script by what is no Exception
@pytest.mark.parametrize(("in_turns", "at_once"), KINDS)
def test_an_error_ends_a_turn(asked, in_turns, at_once, error):
    def fail():
        raise error("no store")

    for _ in range(at_once):
        with pytest.raises(error, match="no store"):
            in_turns(fail)()
    drawn = []
    (thread,) = together(in_turns(lambda: drawn.append(True)), 1)
    thread.join(30)
    assert drawn == [True]


class Counted:
    """Turns that come at once, and how many did."""

    taken = 0

    def acquire(self, timeout):
        self.taken += 1
        return True

    def release(self):
        pass


@pytest.mark.parametrize(
    ("page", "turns"),
    [("Home", "_refreshing"), ("Train", "_refreshing"), ("Health", "_refreshing"), ("Draw", "_answering")],
)
def test_pages_take_turns(visit, store, monkeypatch, page, turns):
    counted = Counted()
    monkeypatch.setattr(module, turns, counted)
    monkeypatch.setattr(module, "_runs_alone", lambda: True)
    visit(page, run=store.create(RunConfig())) if page == "Train" else visit(page)
    assert counted.taken
