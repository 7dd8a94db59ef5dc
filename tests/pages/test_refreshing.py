"""Parts of pages that are drawn again by themselves: one after the other, and nobody waits for ever."""

import threading

import pytest
import streamlit as st

from mnist_core.ui import refreshing as module
from mnist_core.ui.refreshing import refreshing
from tests.helpers import eventually


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """Streamlit's fragments are called as they are; how often each is to be run again."""
    found = []
    monkeypatch.setattr(st, "fragment", lambda draw, run_every: found.append(run_every) or draw)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60.0)
    return found


def together(draw, count):
    threads = [threading.Thread(target=draw) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_it_is_streamlits_own_fragment_with_the_name_and_the_value_of_what_it_draws(asked):
    def words(name, mark="."):
        return f"Hello {name}{mark}"

    drawn = refreshing(2.5)(words)
    assert (drawn("Ada", mark="!"), drawn.__qualname__, asked) == ("Hello Ada!", words.__qualname__, [2.5])


def test_one_is_drawn_at_a_time():
    begun, now, most = [], set(), []

    @refreshing(1.0)
    def draw():
        now.add(threading.get_ident())
        most.append(len(now))
        eventually(lambda: len(begun) == 8)  # all others want to be drawn by now
        now.discard(threading.get_ident())

    for thread in together(lambda: begun.append(True) or draw(), 8):
        thread.join()
    assert most == [1] * 8


def test_one_that_stands_inside_another_does_not_wait_for_it():
    drawn = []
    inner = refreshing(1.0)(lambda: drawn.append("inner"))
    (thread,) = together(refreshing(1.0)(inner), 1)
    thread.join(30)
    assert drawn == ["inner"]


def test_an_error_ends_a_turn():
    def fail():
        raise ValueError("no store")

    with pytest.raises(ValueError, match="no store"):
        refreshing(1.0)(fail)()
    drawn = []
    (thread,) = together(refreshing(1.0)(lambda: drawn.append(True)), 1)
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
