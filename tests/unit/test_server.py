"""The loop around the engine's rounds: when it ends, and what it outlives."""

import threading
from types import SimpleNamespace

import pytest

from mnist_core.engine import server
from mnist_core.errors import StoreError

# -- the loop around the rounds ------------------------------------------------------------------------------------


class Played:
    """An engine whose rounds the test plays."""

    def __init__(self, *rounds, idle=0.0):
        self.rounds, self.idle_seconds, self.beats = list(rounds), idle, 0

    def tick(self):
        act = self.rounds.pop(0)
        if isinstance(act, Exception):
            raise act
        act()

    def beat(self):
        self.beats += 1
        return []


@pytest.fixture
def loop(settings, monkeypatch):
    """Runs the loop to its end, without waiting; the lease is kept so many times."""
    monkeypatch.setattr(server, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(server, "BEAT_SECONDS", 0.0)

    def loop(engine, stopping, keeps=99):
        answers = [True] * keeps + [False]
        lease = SimpleNamespace(renew=lambda *_: answers.pop(0))
        server._loop(engine, lease, "tcp://here", settings, stopping)

    return loop


def test_the_loop_ends_when_it_is_told_to(loop):
    stopping = threading.Event()
    engine = Played(lambda: None, lambda: None, stopping.set)
    loop(engine, stopping)
    assert (engine.rounds, engine.beats) == ([], 3)


def test_the_loop_ends_when_nobody_needs_the_engine(loop, settings):
    engine = Played(lambda: None, idle=settings.idle_seconds + 1)
    loop(engine, threading.Event())
    assert engine.beats == 1


def test_the_loop_ends_when_another_engine_has_the_lease(loop):
    engine = Played(*[lambda: None] * 3)
    loop(engine, threading.Event(), keeps=2)
    assert engine.beats == 3


def test_the_loop_outlives_a_store_that_is_full_for_a_while(loop):
    stopping = threading.Event()
    engine = Played(StoreError("The disk is full."), StoreError("The disk is full."), lambda: None, stopping.set)
    loop(engine, stopping)
    assert (engine.rounds, engine.beats) == ([], 4)
