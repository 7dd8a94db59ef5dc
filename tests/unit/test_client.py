"""The client: when it starts an engine, when it ends one, and what it says when there is none."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, insert

from mnist_core import serve
from mnist_core.engine import client, watchdog
from mnist_core.engine.client import EngineClient
from mnist_core.errors import EngineError, StoreBusy, StoreError
from mnist_core.settings import Settings
from mnist_core.store import RunStore, database
from mnist_core.store.lease import HOST, attended, engine_status
from mnist_core.store.tables import attendance, engine_lease
from tests.helpers import assert_friendly, eventually


@pytest.fixture
def started(monkeypatch):
    """Keeps what would be started; a sleeping process stands in for the engine."""
    started = []

    def popen(command, **options):
        process = subprocess_popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        started.append((command, options, process))
        return process

    subprocess_popen = subprocess.Popen
    monkeypatch.setattr(client.subprocess, "Popen", popen)
    yield started
    for _, _, process in started:
        process.stdin.close()
        process.kill()
        process.wait()


@pytest.fixture
def ours(settings, store):
    return EngineClient(settings, store)


def hold(store, pid, state="ready", host=HOST):
    row = {"id": 1, "owner": "x", "host": host, "pid": pid, "beat": time.time(), "state": state}
    with store.database.write() as connection:
        connection.execute(insert(engine_lease).values(row | {"address": "tcp://127.0.0.1:1", "workers": "[]"}))


def test_an_engine_that_is_away_is_started_once(ours, store, settings, started):
    assert ours.ensure().state == "starting"
    assert ours.ensure().state == "away"  # it is given time
    [(command, options, _)] = started
    assert command[1:] == ["-m", "mnist_core.engine.server"]
    assert options["start_new_session"]
    assert Settings.from_environment(options["env"]) == settings
    assert attended(store.database)


def test_a_locked_database_holds_up_one_caller_and_not_all(settings, started, monkeypatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 2)
    store = RunStore(settings.database_url)
    ours = EngineClient(settings, store)
    blocker = sqlite3.connect(store.database.where, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(ours.ensure) for _ in range(12)]
        failed = [answer.exception() for answer in answers if answer.exception()]
    blocker.execute("ROLLBACK")
    blocker.close()
    (busy,) = failed
    assert isinstance(busy, StoreBusy)
    assert ours.ensure().state in ("starting", "away")
    store.database.close()


@pytest.mark.parametrize("error", [StoreBusy("full"), StoreError("read-only")])
@pytest.mark.parametrize("answers", [True, False])
def test_an_engine_that_cannot_beat_because_nothing_can_be_written_is_asked(ours, store, monkeypatch, answers, error):
    hold(store, os.getpid())
    looks = []
    monkeypatch.setattr(ours._watchdog, "answers", lambda status: answers)
    monkeypatch.setattr(ours._watchdog, "look", lambda status, *answers: bool(looks.append((status.pid, *answers))))
    ours.ensure()
    monkeypatch.setattr(client, "ATTEND_SECONDS", -1.0)
    monkeypatch.setattr(client, "attend", lambda database: (_ for _ in ()).throw(error))
    with pytest.raises(StoreError):
        ours.ensure()
    assert looks == [(os.getpid(),), (os.getpid(), answers)]


def test_an_engine_for_other_settings_than_the_environments(tmp_path, started):
    """The client's own settings count, not the variables of this process."""
    settings = Settings.from_environment({"MNIST_LAB_HOME": str(tmp_path / "other"), "MNIST_LAB_TRAIN_WORKERS": "2"})
    store = RunStore(settings.database_url)
    EngineClient(settings, store).ensure()
    assert Settings.from_environment(started[0][1]["env"]) == settings
    assert settings.log_file.exists()
    store.database.close()


def test_one_that_is_there_is_taken(ours, store, started):
    hold(store, os.getpid())
    assert ours.wait().ready
    assert started == []


def test_one_that_does_not_come_is_waited_for_and_told_at_last(ours, started, monkeypatch, settings):
    monkeypatch.setattr(client, "RESTART_SECONDS", 0.0)
    with pytest.raises(EngineError) as error:
        ours.wait(seconds=0.5)
    assert_friendly(error, "did not start within", settings.log_file)
    assert len(started) == 1  # never two at a time


def test_one_that_has_died_is_started_again_after_a_while(ours, started, monkeypatch):
    ours.ensure()
    started[0][2].kill()
    started[0][2].wait()
    ours.ensure()
    assert len(started) == 1
    monkeypatch.setattr(client, "RESTART_SECONDS", 0.0)
    ours.ensure()
    assert len(started) == 2


def test_what_is_left_of_a_killed_one_is_waited_for(ours, started, monkeypatch):
    """It is away already while the last of its threads goes: nobody else can take note of its end."""
    ours.ensure()
    monkeypatch.setattr(ours, "_started", float("-inf"))
    monkeypatch.setattr(client, "REAP_SECONDS", 30)
    old = started[0][2]
    ending = threading.Timer(0.2, old.kill)
    ending.start()
    assert ours.ensure().state == "starting"
    ending.join()
    assert old.returncode == -signal.SIGKILL
    assert len(started) == 2


def test_one_that_lives_and_never_comes_does_not_keep_others_from_coming(ours, started, monkeypatch):
    """As one that hangs and cannot be killed: it has lost its lease."""
    monkeypatch.setattr(client, "RESTART_SECONDS", 0.0)
    for _ in range(2):
        ours.ensure()
    assert len(started) == 1
    monkeypatch.setattr(client, "START_SECONDS", 0.0)
    ours.ensure()
    assert len(started) == 2


def test_a_folder_in_which_nothing_can_be_started_is_told(ours, monkeypatch, settings):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(client.subprocess, "Popen", fail)
    with pytest.raises(EngineError) as error:
        ours.ensure()
    assert "cannot be started" in str(error.value)
    assert str(settings.home) in str(error.value)


def test_stop_ends_the_engine_when_nobody_else_wants_it(ours, store, started):
    ours.ensure()
    hold(store, started[0][2].pid)
    ours.stop()
    assert started[0][2].poll() is not None
    assert not attended(store.database)
    assert engine_status(store.database).state == "away"


@pytest.mark.parametrize("why", ["locked", "read-only"])
def test_stop_ends_the_engine_although_nothing_can_be_written(settings, started, monkeypatch, why):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.1)
    store = RunStore(settings.database_url)
    with store.database.write() as connection:  # a web server that has just ended
        connection.execute(insert(attendance).values(host=HOST, pid=2**22 + 1, beat=time.time()))
    ours = EngineClient(settings, store)
    ours.ensure()
    blocker = sqlite3.connect(store.database.where, isolation_level=None)
    if why == "locked":
        blocker.execute("BEGIN IMMEDIATE")
    else:
        store.database.close()
        event.listen(store.database._engine, "connect", lambda opened, _: opened.execute("PRAGMA query_only=ON"))
    ours.stop()
    assert started[0][2].poll() is not None
    blocker.close()
    store.database.close()


def test_stop_ends_an_engine_that_has_not_come_up_yet(ours, store, started):
    ours.ensure()
    ours.stop()
    assert started[0][2].poll() is not None


def test_an_engine_that_does_not_end_is_told_when_the_dashboard_ends(ours, started, monkeypatch, capsys):
    ours.ensure()
    engine = started[0][2]  # no process that may be killed: it does not run the engine's module
    with monkeypatch.context() as deaf:
        deaf.setattr(watchdog, "END_SECONDS", 0.3)
        deaf.setattr(watchdog.os, "kill", lambda *_: None)
        serve._stop_engine(ours)
    assert_friendly(capsys.readouterr().err.removesuffix("\n"), "hangs", engine.pid)
    assert engine.poll() is None


def test_stop_leaves_the_engine_of_another_store_alone(ours, store):
    """As it stands in a copy of its store."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as other:
        hold(store, other.pid)
        ours.stop()
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=0.5)
        other.stdin.close()


def test_stop_leaves_the_engine_to_others_at_once(ours, store, started):
    ours.ensure()
    hold(store, started[0][2].pid)
    with store.database.write() as connection:
        row = {"host": "other-machine", "pid": 1, "beat": time.time()}
        connection.execute(insert(attendance).values(row))
    before = time.monotonic()
    ours.stop()
    assert time.monotonic() - before < 5
    assert started[0][2].poll() is None


def test_stop_without_an_engine_does_nothing(ours, store, started):
    ours.stop()
    hold(store, 2**22 + 1)
    ours.stop()
    assert started == []


def test_stop_never_touches_an_engine_elsewhere(ours, store, started, monkeypatch):
    hold(store, os.getpid(), host="other-machine")
    monkeypatch.setattr(client.os, "kill", lambda *_: pytest.fail("killed something"))
    ours.stop()


def test_the_engine_ends_with_a_sentence_when_the_settings_are_wrong(home):
    environment = os.environ | {"MNIST_LAB_TRAIN_WORKERS": "many"}
    done = subprocess.run(
        [sys.executable, "-m", "mnist_core.engine.server"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "MNIST_LAB_TRAIN_WORKERS is 'many'" in done.stderr
    assert "Traceback" not in done.stderr
    assert eventually(lambda: not home.exists() or not list(home.iterdir()))
