"""Parts of pages that draw themselves: one after the other, and nobody waits for ever."""

import threading

import pytest
import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.ui import turns as module
from mnist_core.ui.turns import refreshing
from tests.helpers import eventually


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


@pytest.mark.parametrize("every", [2.5, None])
def test_it_is_streamlits_own_fragment_with_the_name_and_the_value_of_what_it_draws(asked, every):
    def words(name, mark="."):
        return f"Hello {name}{mark}"

    drawn = refreshing(every)(words)
    assert (drawn("Ada", mark="!"), drawn.__qualname__, asked) == ("Hello Ada!", words.__qualname__, [every])


def test_one_is_drawn_at_a_time(asked):
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


def test_a_part_that_is_drawn_with_its_page_waits_for_nobody(still, monkeypatch):
    monkeypatch.setattr(module, "_runs_alone", lambda: False)
    drawn = []
    (thread,) = together(refreshing(1.0)(lambda: drawn.append(True)), 1)
    thread.join(30)
    assert drawn == [True]


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
def test_an_error_ends_a_turn(asked, error):
    def fail():
        raise error("no store")

    with pytest.raises(error, match="no store"):
        refreshing(1.0)(fail)()
    drawn = []
    (thread,) = together(refreshing(1.0)(lambda: drawn.append(True)), 1)
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


@pytest.mark.parametrize("page", ["Home", "Train", "Health"])
def test_pages_take_turns(visit, store, monkeypatch, page):
    counted = Counted()
    monkeypatch.setattr(module, "_one_at_a_time", counted)
    monkeypatch.setattr(module, "_runs_alone", lambda: True)
    visit(page, run=store.create(RunConfig())) if page == "Train" else visit(page)
    assert counted.taken
