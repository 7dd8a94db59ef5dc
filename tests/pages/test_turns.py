"""Parts of pages in turns: one after the other or a few at the same time, and nobody waits for ever."""

import threading

import pytest
import streamlit as st

from mnist_core.ui import turns as module
from mnist_core.ui.turns import ANSWERS_AT_ONCE, answering, refreshing
from tests.helpers import eventually


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """Streamlit's fragments are called as they are; how often each is to be run again."""
    found = []
    monkeypatch.setattr(st, "fragment", lambda draw, run_every=None: found.append(run_every) or draw)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60.0)
    return found


def together(draw, count):
    threads = [threading.Thread(target=draw) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize(("in_turns", "every"), [(refreshing(2.5), 2.5), (refreshing(None), None), (answering, None)])
def test_it_is_streamlits_own_fragment_with_the_name_and_the_value_of_what_it_draws(asked, in_turns, every):
    def words(name, mark="."):
        return f"Hello {name}{mark}"

    drawn = in_turns(words)
    assert (drawn("Ada", mark="!"), drawn.__qualname__, asked) == ("Hello Ada!", words.__qualname__, [every])


@pytest.mark.parametrize(("in_turns", "at_once"), [(refreshing(1.0), 1), (answering, ANSWERS_AT_ONCE)])
def test_no_more_are_drawn_at_a_time(in_turns, at_once):
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


def test_a_drawing_does_not_wait_for_pages_that_draw_themselves():
    goes_on, drawn = threading.Event(), []
    (still,) = together(refreshing(1.0)(goes_on.wait), 1)
    try:
        (thread,) = together(answering(lambda: drawn.append(True)), 1)
        thread.join(30)
        assert drawn == [True]
    finally:
        goes_on.set()
        still.join()


def test_one_that_stands_inside_another_does_not_wait_for_it():
    drawn = []
    inner = refreshing(1.0)(lambda: drawn.append("inner"))
    (thread,) = together(refreshing(1.0)(inner), 1)
    thread.join(30)
    assert drawn == ["inner"]


@pytest.mark.parametrize(("in_turns", "at_once"), [(refreshing(1.0), 1), (answering, ANSWERS_AT_ONCE)])
def test_an_error_ends_a_turn(in_turns, at_once):
    def fail():
        raise ValueError("no store")

    for _ in range(at_once):
        with pytest.raises(ValueError, match="no store"):
            in_turns(fail)()
    drawn = []
    (thread,) = together(in_turns(lambda: drawn.append(True)), 1)
    thread.join(30)
    assert drawn == [True]


def test_one_that_stands_still_does_not_hold_up_the_others_for_ever(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    goes_on, drawn = threading.Event(), []
    (still,) = together(refreshing(1.0)(goes_on.wait), 1)
    try:
        for thread in together(refreshing(1.0)(lambda: drawn.append(True)), 3):
            thread.join(30)
        assert (drawn, still.is_alive()) == ([True] * 3, True)
    finally:
        goes_on.set()
        still.join()
