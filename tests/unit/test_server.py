"""The loop around the engine's rounds: when it ends, and what it outlives."""

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mnist_core.engine import server
from mnist_core.engine.dispatch import Dispatcher
from mnist_core.errors import EngineError, StoreError
from mnist_core.store.lease import engine_status
from tests.helpers import assert_friendly

# -- the loop around the rounds ------------------------------------------------------------------------------------


class Played:
    """An engine whose rounds the test plays."""

    def __init__(self, *rounds, idle=0.0, busy=False):
        self.rounds, self.idle_seconds, self.busy, self.beats = list(rounds), idle, busy, 0
        self.scheduler = "there"

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
        looks = []
        server._loop(engine, lease, "tcp://here", settings, stopping, lambda: looks.append(1))
        assert len(looks) == engine.beats - (keeps < engine.beats)  # with every beat that counts

    return loop


def test_the_loop_ends_when_it_is_told_to(loop):
    stopping = threading.Event()
    engine = Played(lambda: None, lambda: None, stopping.set)
    loop(engine, stopping)
    assert (engine.rounds, engine.beats) == ([], 3)


def test_the_loop_ends_when_nobody_needs_the_engine(loop, settings):
    engine = Played(lambda: None, idle=settings.idle_seconds + 1)
    loop(engine, threading.Event())
    assert (engine.rounds, engine.beats) == ([], 1)


def test_what_is_to_do_is_looked_at_before_the_loop_ends(loop, settings):
    stopping = threading.Event()

    def work():
        engine.idle_seconds = 0.0  # a round has found something that waits

    engine = Played(work, stopping.set, idle=settings.idle_seconds + 1)
    loop(engine, stopping)
    assert (engine.rounds, engine.beats) == ([], 2)


@pytest.mark.parametrize("busy", [False, True])
def test_without_its_store_the_loop_ends_only_when_nothing_trains(loop, settings, busy):
    stopping = threading.Event()
    lost = [StoreError("The database does not answer.")] * 3
    engine = Played(*lost, stopping.set, idle=settings.idle_seconds + 1, busy=busy)
    loop(engine, stopping)
    assert len(engine.rounds) == (0 if busy else 3)


def test_the_loop_ends_when_another_engine_has_the_lease(loop):
    engine = Played(*[lambda: None] * 3)
    loop(engine, threading.Event(), keeps=2)
    assert engine.beats == 3


@pytest.mark.parametrize(
    ("scheduler", "told"),
    [("tcp://here", ["tcp://here", "dask scheduler", "dask worker"]), ("", ["its own", "engine.log", "started again"])],
)
def test_a_scheduler_that_goes_away_for_good_ends_the_loop_with_a_sentence(settings, scheduler, told):
    def vanish():
        engine.scheduler = "awaited"
        raise KeyError("workers")

    engine = Played(vanish, lambda: setattr(engine, "scheduler", "gone"))
    named = replace(settings, scheduler=scheduler)
    lease = SimpleNamespace(renew=lambda *_: True)
    with pytest.raises(EngineError) as error:
        server._loop(engine, lease, "tcp://here", named, threading.Event(), lambda: None)
    assert_friendly(error, *told)


def test_a_connection_that_is_restored_within_the_wait_is_no_end(settings, store, dask, monkeypatch):
    monkeypatch.setattr(server, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(server, "BEAT_SECONDS", 0.0)
    beats = []

    class Stopping(threading.Event):
        def wait(self, timeout=None):
            dask.status = "running"  # time passes, and the scheduler answers again
            return super().wait(timeout)

    def sync(asked, n_workers):
        beats.append(1)
        if len(beats) == 1:
            dask.status = "connecting"
            raise KeyError("workers")
        stopping.set()
        return {"workers": {}}

    stopping, lease = Stopping(), SimpleNamespace(renew=lambda *_: True)
    dask.sync = sync
    assert server._loop(Dispatcher(settings, store, dask), lease, "tcp://here", settings, stopping, lambda: None)
    assert len(beats) == 2


def test_what_nobody_foresaw_is_told_in_words_and_logged(settings, store, monkeypatch):
    monkeypatch.setattr(server, "_connect", lambda *_: {}["workers"])
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    assert server.serve(settings) == 1
    assert_friendly(engine_status(store.database).problem, "KeyError", settings.log_file)


def test_the_loop_outlives_a_store_that_is_full_for_a_while(loop):
    stopping = threading.Event()
    engine = Played(StoreError("The disk is full."), StoreError("The disk is full."), lambda: None, stopping.set)
    loop(engine, stopping)
    assert (engine.rounds, engine.beats) == ([], 4)


def test_an_engine_that_ends_says_so_before_its_workers_are_gone(settings, store, monkeypatch):
    seen = []

    def connect(settings, stack):
        stack.callback(lambda: seen.append(engine_status(store.database)))
        return SimpleNamespace(scheduler=SimpleNamespace(address="tcp://here")), lambda: None

    def ready(dispatcher, lease, address, *_):
        lease.renew("ready", address, [{"name": "train-0"}])
        return True

    monkeypatch.setattr(server, "_connect", connect)
    monkeypatch.setattr(server, "_loop", ready)
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    assert server.serve(settings) == 0
    (status,) = seen
    assert (status.state, status.ready, status.address, status.workers) == ("ending", False, "", ())
    assert engine_status(store.database).state == "away"


def test_a_scheduler_that_is_not_there_is_told(settings, monkeypatch):
    monkeypatch.setattr(server, "REACH_SECONDS", 0.2)
    nowhere = replace(settings, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(EngineError) as error, ExitStack() as stack:
        server._connect(nowhere, stack)
    assert_friendly(error, "tcp://127.0.0.1:9", "dask worker", "MNIST_LAB_SCHEDULER")


def test_an_own_scheduler_that_ends_before_anything_joins_is_nothing_to_start_by_hand(settings, monkeypatch):
    @contextmanager
    def start(settings):
        yield SimpleNamespace(scheduler_address="tcp://127.0.0.1:9")

    monkeypatch.setattr(server, "REACH_SECONDS", 0.2)
    monkeypatch.setattr(server.cluster, "start", start)
    with pytest.raises(EngineError) as error, ExitStack() as stack:
        server._connect(settings, stack)
    assert_friendly(error, "its own", settings.log_file, "started again")
    assert "MNIST_LAB_SCHEDULER" not in str(error.value)


def test_workers_elsewhere_cannot_use_a_file_here(settings):
    with pytest.raises(EngineError) as error, ExitStack() as stack:
        server._connect(replace(settings, scheduler="tcp://elsewhere:8786"), stack)
    assert_friendly(error, "tcp://elsewhere:8786", "MNIST_LAB_DATABASE")
