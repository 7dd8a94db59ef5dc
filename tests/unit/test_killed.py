"""Processes that are killed at any moment, and a disk that takes nothing for a while: no run is lost."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import distributed
import numpy as np
import psutil
import pytest

from benchmarks.chaos import chaos, lacking
from mnist_core.config import RunConfig
from mnist_core.engine import watchdog
from mnist_core.engine.client import ANSWER_SECONDS
from mnist_core.errors import EngineError
from mnist_core.store.lease import engine_status
from mnist_core.store.run import DEATHS
from tests.commands import start
from tests.helpers import assert_friendly, eventually, processes_of

ENDED = ("finished", "stopped", "failed", "cancelled", "paused", "interrupted")

SECONDS_LONG = RunConfig.parse(
    {
        "architecture": {"name": "softmax"},
        "data": {"subset": 1000, "validation_fraction": 0.02},
        "training": {"epochs": 60, "batch_size": 10},
    }
)

NOTHING = np.zeros((1, 28, 28), np.uint8)


@pytest.fixture
def client(engine):
    engine[2].wait()
    return engine[2]


@pytest.fixture
def ended(store, client):
    """Waits until a run has ended, as a page does."""
    return lambda run_id: eventually(
        lambda: client.ensure() and (run := store.get(run_id)).status in ENDED and run, 280
    )


@pytest.fixture
def begun(store):
    """Waits until a run has completed another epoch with a worker that is not ``but``; gives that worker's process."""

    def begun(run_id, but=0):
        at_first = store.get(run_id).epoch

        def worker():
            run = store.get(run_id)
            pid = int(run.worker.rpartition(":")[2] or 0)
            return run.status == "running" and run.epoch > at_first and pid != but and pid

        return eventually(worker, 280)

    return begun


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def reader(client, but=0):
    """The process of the predict worker, when one that is not ``but`` is ready."""
    rows = (row for row in client.ensure().workers if row["kind"] == "predict")
    return next((row["pid"] for row in rows if row.get("pid", but) != but), None)


def whole(store, run_id):
    run = store.get(run_id)
    assert run.status == "finished", (run.status, run.message)
    assert lacking(store, run_id) == (0, 0)
    return run


def test_a_run_that_kills_its_worker_three_times_is_marked_failed_with_the_reason(store, client, begun, ended):
    run_id = store.create(SECONDS_LONG.replace({"training.epochs": 500, "training.batch_size": 1}))
    pid = 0
    for _ in range(DEATHS):
        pid = begun(run_id, but=pid)
        kill(pid)
    run = ended(run_id)
    assert run.status == "failed"
    assert_friendly(run.message, "died three times", "memory")
    assert store.events(run_id)[-1]["text"] == run.message
    rows = [row["epoch"] for row in store.epochs(run_id)]
    assert rows == list(range(1, len(rows) + 1))
    store.delete(run_id)


def test_a_drawing_is_answered_after_the_predict_worker_was_killed(store, client, ended):
    run = ended(store.create(SECONDS_LONG))
    expected = client.predict(run.id, NOTHING)
    kill(eventually(lambda: reader(client)))
    np.testing.assert_array_equal(client.predict(run.id, NOTHING), expected)


def test_a_drawing_whose_predict_worker_is_killed_meanwhile_gets_an_answer_or_a_sentence(store, client, ended):
    run = ended(store.create(SECONDS_LONG.replace({"training.epochs": 1})))
    expected = client.predict(run.id, NOTHING)
    killed = eventually(lambda: reader(client))
    with ThreadPoolExecutor() as pool, distributed.Client(client.ensure().address, set_as_default=False) as looking:
        try:
            os.kill(killed, signal.SIGSTOP)  # so that it cannot answer before it is killed
            asked = pool.submit(client.predict, run.id, NOTHING)
            eventually(lambda: [task for tasks in looking.processing().values() for task in tasks if "predict" in task])
        finally:
            kill(killed)
        try:
            np.testing.assert_array_equal(asked.result(timeout=ANSWER_SECONDS + 30), expected)
        except EngineError as error:
            assert_friendly(error, "The engine did not answer", "Try again")
    eventually(lambda: reader(client, but=killed), 120)
    np.testing.assert_array_equal(client.predict(run.id, NOTHING), expected)


def test_an_engine_that_hangs_is_replaced_and_its_run_goes_on(store, client, begun, ended, monkeypatch):
    """It lives and its workers train, but nobody gets an answer or a new run from it."""
    longer_than_a_new_engine_takes = {"training.epochs": 500, "training.batch_size": 1, "data.subset": 10_000}
    run_id = store.create(SECONDS_LONG.replace(longer_than_a_new_engine_takes))
    before = begun(run_id)
    hung = psutil.Process(engine_status(store.database).pid)
    hung.suspend()
    with monkeypatch.context() as impatient:
        impatient.setattr(watchdog, "LOOK_SECONDS", 0.2)
        eventually(lambda: client.ensure().pid != hung.pid, 120)
    eventually(lambda: client.ensure().ready, 280)
    begun(run_id, but=before)
    store.ask(run_id, "stop")
    run = ended(run_id)
    assert (run.status, run.deaths) == ("stopped", 0)
    assert lacking(store, run_id) == (0, 0)


def test_a_disk_that_takes_nothing_for_a_while_stops_no_run(store, client, begun, ended):
    run_id = store.create(SECONDS_LONG.replace({"training.epochs": 200}))
    worker = psutil.Process(begun(run_id))
    worker.rlimit(psutil.RLIMIT_FSIZE, (0, psutil.RLIM_INFINITY))  # what it writes is refused
    frozen = eventually(lambda: epoch_that_stands(store, run_id, worker), 280)
    assert store.get(run_id).status == "running"
    assert worker.is_running()
    worker.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    assert ended(run_id).epoch > frozen
    assert whole(store, run_id).deaths == 0


def epoch_that_stands(store, run_id, worker):
    """The epoch in the store, if no other comes while the worker trains on for more than a second of the processor."""
    epoch, used = store.get(run_id).epoch, worker.cpu_times().user
    eventually(lambda: worker.cpu_times().user > used + 1.5, 240)
    return epoch if store.get(run_id).epoch == epoch else None


def test_the_engine_outlives_the_dashboard_and_ends_when_it_is_done(home, store):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with start("serve", "--port", port) as dashboard:
        try:
            assert "is open at" in dashboard.stdout.readline()
            run_id = store.create(SECONDS_LONG)
            eventually(lambda: store.get(run_id).epoch, 280)
            engine = engine_status(store.database).pid
        finally:
            web = [child for child in psutil.Process(dashboard.pid).children() if "streamlit" in child.cmdline()]
            for process in (dashboard, *web):
                kill(process.pid)
    eventually(lambda: not store.get(run_id).active, 280)
    assert whole(store, run_id).deaths == 0
    assert engine_status(store.database).pid == engine
    eventually(lambda: not processes_of(home), 60)  # nobody attends and nothing is to do


@pytest.mark.timeout(900)  # with every core taken, an engine needs a minute to come back
def test_random_kills_lose_nothing():
    """``python -m benchmarks.chaos`` at a smaller size."""
    found = chaos(kills=3, kinds=("softmax", "mlp"), longest=2.0)
    assert found.pop("runs") >= 2
    assert found == {"kills": 3, "lost": 0, "duplicate_epochs": 0, "missing_epochs": 0, "other_numbers": 0}
