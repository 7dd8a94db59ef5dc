"""An engine that lives and gives no sign of life is ended, with what it began; no other is, but it loses the lease."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest
from sqlalchemy import insert

from mnist_core.engine import watchdog
from mnist_core.engine.watchdog import ENGINE, HUNG_LOOKS, Watchdog
from mnist_core.errors import EngineError
from mnist_core.store.lease import HOST, EngineStatus, Lease, engine_status
from mnist_core.store.tables import engine_lease
from tests.helpers import assert_friendly, eventually

WITH_A_CHILD = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]).wait()
"""


@pytest.fixture(autouse=True)
def every_look_counts(monkeypatch):
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.0)


@pytest.fixture
def begin():
    """Begins a process with a child, called as asked, and gives both as psutil sees them."""
    begun = []

    def begin(settings, *arguments, folder=None, **variables):
        command = [sys.executable, "-c", WITH_A_CHILD, *arguments]
        process = subprocess.Popen(command, env=os.environ | settings.environment() | variables, cwd=folder)
        here = psutil.Process(process.pid)
        begun.append((process, [here, *eventually(here.children)]))
        return begun[-1][1]

    yield begin
    for process, family in begun:
        for member in family:
            if member.is_running():
                member.kill()
        process.wait()


@pytest.fixture
def stuck(begin, settings):
    return begin(settings, ENGINE)


@pytest.fixture
def dog(settings, store):
    return Watchdog(settings, store.database)


@pytest.fixture
def hold(store):
    """Gives a process the lease, which then beats no more; gives what stands in the store."""

    def hold(pid):
        row = {"id": 1, "owner": "somebody", "host": HOST, "pid": pid, "beat": time.time(), "state": "ready"}
        with store.database.write() as connection:
            connection.execute(insert(engine_lease).values(row))
        return engine_status(store.database)

    return hold


def status(pid, beat, host=HOST, state="ready"):
    return EngineStatus(state, "tcp://127.0.0.1:1", (), pid, host, beat=beat)


def gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("state", ["starting", "ready", "ending"])
def test_one_that_gives_no_sign_of_life_is_ended_with_its_children(dog, stuck, state):
    hung = status(stuck[0].pid, time.time(), state=state)
    for _ in range(HUNG_LOOKS):
        assert not dog.look(hung)
    assert not any(map(gone, stuck))
    assert dog.look(hung)
    eventually(lambda: all(map(gone, stuck)))


def test_one_that_is_told_to_end_and_does_not_is_killed_with_its_children(dog, stuck, monkeypatch):
    monkeypatch.setattr(watchdog, "END_SECONDS", 0.3)
    dog.dismiss(status(stuck[0].pid, time.time()))
    eventually(lambda: all(map(gone, stuck)))


def test_one_whose_children_cannot_be_listed_is_ended_all_the_same(dog, stuck, monkeypatch):
    def refuse(*_, **__):
        raise psutil.AccessDenied

    with monkeypatch.context() as guarded:
        guarded.setattr(psutil.Process, "children", refuse)
        assert dog.end(status(stuck[0].pid, time.time()))
    assert gone(stuck[0]) and not gone(stuck[1])


def test_one_that_cannot_even_be_killed_is_told(dog, stuck, monkeypatch):
    monkeypatch.setattr(watchdog, "END_SECONDS", 0.3)
    monkeypatch.setattr(dog, "end", lambda status: False)
    with pytest.raises(EngineError) as error:
        dog.dismiss(status(stuck[0].pid, time.time()))
    assert_friendly(error, stuck[0].pid, "cannot be ended", "by hand")


def test_every_beat_begins_the_count_anew(dog, stuck):
    now = time.time()
    for beat in range(3):
        assert not any(dog.look(status(stuck[0].pid, now + beat)) for _ in range(HUNG_LOOKS))
    assert not gone(stuck[0])


def test_an_answer_begins_the_count_anew(dog, stuck):
    hung = status(stuck[0].pid, time.time())
    for _ in range(3):
        assert not any(dog.look(hung) for _ in range(HUNG_LOOKS - 1))
        assert not dog.look(hung, answers=True)
    assert not gone(stuck[0])


SCHEDULER = """
import asyncio
from distributed import Scheduler

async def serve():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address="127.0.0.1:0") as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()

asyncio.run(serve())
"""


def test_a_scheduler_answers_unless_it_is_frozen(dog, settings, store, monkeypatch):
    monkeypatch.setattr(watchdog, "ANSWER_SECONDS", 1.0)
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", SCHEDULER], **options) as process:
        asked = EngineStatus("ready", process.stdout.readline().strip())
        try:
            assert dog.answers(asked)
            process.send_signal(signal.SIGSTOP)
            assert not dog.answers(asked)
        finally:
            process.kill()
    assert not dog.answers(asked)
    assert dog.answers(EngineStatus("starting")), "nobody knows"
    assert Watchdog(replace(settings, scheduler=asked.address), store.database).answers(asked), "it is not the engine"


def test_looks_that_follow_at_once_count_as_one(dog, stuck, monkeypatch):
    """However many pages are open, and however short the time: an engine is not judged by it."""
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 3600.0)
    hung = status(stuck[0].pid, time.time())
    assert not any(dog.look(hung) for _ in range(3 * HUNG_LOOKS))
    assert not gone(stuck[0])


def test_one_elsewhere_or_none_is_not_judged(dog, stuck):
    for other in (status(stuck[0].pid, time.time(), host="elsewhere"), EngineStatus("away")):
        assert not any(dog.look(other) for _ in range(2 * HUNG_LOOKS))
    assert not gone(stuck[0])


def test_an_engine_of_another_store_is_left_alone_and_loses_the_lease(dog, begin, hold, settings, store, tmp_path):
    """As it stands in a copy of its store, in which its beats come no more."""
    [other, child] = begin(replace(settings, home=tmp_path / "another"), ENGINE)
    copied = hold(other.pid)
    assert copied.ready
    assert not any(dog.look(copied) for _ in range(HUNG_LOOKS))
    assert dog.look(copied)
    assert not gone(other) and not gone(child)
    assert engine_status(store.database).state == "away"
    assert Lease(store.database).take()


def test_the_same_store_by_another_way_is_ours(dog, begin, settings, tmp_path):
    (tmp_path / "by-a-link").symlink_to(settings.home)
    [engine, _] = begin(replace(settings, home=tmp_path / "by-a-link"), ENGINE)
    assert dog.ours(status(engine.pid, time.time()))


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+pysqlite"])
def test_a_store_is_where_it_stands_from_the_folder_of_its_engine(
    begin, settings, store, tmp_path, driver, monkeypatch
):
    monkeypatch.chdir(settings.home)
    dog = Watchdog(replace(settings, database=f"{driver}:///{settings.home}/own.sqlite"), store.database)
    for folder, ours in ((settings.home, True), (tmp_path, False)):
        [engine, _] = begin(settings, ENGINE, folder=folder, MNIST_LAB_DATABASE="sqlite:///own.sqlite")
        assert bool(dog.ours(status(engine.pid, time.time()))) == ours


def test_a_process_that_is_no_engine_is_left_alone(dog, begin, hold, settings, store):
    [other, child] = begin(settings)
    held = hold(other.pid)
    assert any(dog.look(held) for _ in range(HUNG_LOOKS + 1))
    assert not gone(other) and not gone(child)
    assert engine_status(store.database).state == "away"


def test_a_younger_process_with_the_same_number_is_left_alone(dog, stuck):
    assert any(dog.look(status(stuck[0].pid, 1.0)) for _ in range(HUNG_LOOKS + 1))
    assert not any(map(gone, stuck))
