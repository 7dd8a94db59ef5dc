"""The real engine: trains, stops, pauses, predicts, and goes on when its processes are killed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine import jobs
from mnist_core.engine.client import EngineClient
from mnist_core.errors import ModelFileError, UnknownRun
from mnist_core.store.lease import engine_status
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs
from tests.helpers import assert_friendly, eventually, processes_of

SHORT = RunConfig.parse(
    {
        "architecture": {"name": "softmax"},
        "data": {"subset": 1000, "validation_fraction": 0.02},
        "training": {"epochs": 3, "batch_size": 100},
    }
)
MIDDLING = SHORT.replace({"training.epochs": 120, "training.batch_size": 20})
"""Lasts a few seconds, in many epochs."""

LONG = SHORT.replace({"training.epochs": 500, "training.batch_size": 1})
"""Lasts longer than any test."""

ENDED = ("finished", "stopped", "failed", "cancelled", "paused")


@pytest.fixture
def client(engine):
    return engine[2]


@pytest.fixture(autouse=True)
def _nothing_goes_on(engine):
    """Each test begins with an engine that is up, and leaves none of its runs behind."""
    _, store, client = engine
    client.wait()
    yield
    for run in store.list():
        store.delete(run.id)


@pytest.fixture
def ended(store, client):
    """Waits until a run has ended, as a page does, which also wants the engine to be there."""

    def ended(run_id, seconds=90):
        return eventually(lambda: client.ensure() and (run := store.get(run_id)).status in ENDED and run, seconds)

    return ended


@pytest.fixture
def begun(store):
    """Waits until a run has completed some epochs."""

    def begun(run_id, epochs=2):
        return eventually(lambda: (run := store.get(run_id)).epoch >= epochs and run.status == "running" and run, 60)

    return begun


@pytest.fixture(scope="module")
def undisturbed():
    """Probabilities of MIDDLING when nothing happens to it, trained in this process."""
    trainer = Trainer(MIDDLING, Programs(mnist.load("train")))
    trainer.fit()
    _, probabilities = trainer.evaluation.evaluate(mnist.load("test"))
    return probabilities


def pid_of(run):
    return int(run.worker.rpartition(":")[2])


def assert_as_undisturbed(store, run_id, undisturbed):
    run = store.get(run_id)
    assert run.status == "finished"
    assert (run.epoch, run.step) == (120, run.steps)
    assert [row["epoch"] for row in store.epochs(run_id)] == list(range(1, 121))
    assert store.load_blob(run_id, "checkpoint") is None
    probabilities = store.load_array(run_id, "test_probabilities")
    np.testing.assert_array_equal(probabilities, undisturbed, err_msg=str(store.events(run_id)))


# -- what it is for ------------------------------------------------------------------------------------------------


def test_a_run_finishes_and_its_model_predicts_as_its_file_does(store, client, ended, digits):
    run = ended(store.create(SHORT))
    assert run.status == "finished"
    assert (run.epoch, run.step, run.steps) == (3, 30, 30)
    assert run.device == jobs.cpu_name()
    assert run.test_accuracy > 0.6
    rows = store.epochs(run.id)
    assert [row["step"] for row in rows] == [10, 20, 30]
    assert rows[0]["loss"] > rows[2]["loss"]
    assert all(row["seconds"] > 0 and 0 < row["val_accuracy"] <= 1 for row in rows)
    assert store.batches(run.id)

    images = digits.images[:50]
    found = client.predict(run.id, images)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(store.load_blob(run.id, "model.keras"))
        model = keras.models.load_model(path)
    np.testing.assert_allclose(found, model.predict(images[..., None] / np.float32(255), verbose=0), atol=1e-6)
    np.testing.assert_array_equal(client.predict_file(store.load_blob(run.id, "model.keras"), images), found)
    tested = client.predict(run.id, mnist.load("test").images[:50])
    np.testing.assert_allclose(tested, store.load_array(run.id, "test_probabilities")[:50], atol=1e-6)


def test_the_log_tells_of_a_run_by_its_id(store, client, settings, ended):
    run = ended(store.create(SHORT))
    eventually(lambda: client.ensure() and "has ended" in told_of(settings, run.id, "engine"))
    assert "handed to the workers" in told_of(settings, run.id, "engine")
    events = [row["text"] for row in store.events(run.id)]
    assert [text for text in told_of(settings, run.id, "train worker") if text in events] == events


def told_of(settings, run_id, process):
    """What a process has written of a run into the engine's log, which has a JSON object in each line of ours."""
    lines = settings.log_file.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines if run_id in line]
    return [line["message"] for line in found if (line["run"], line["process"]) == (run_id, process)]


def test_the_engine_tells_what_it_has(client, store):
    def warm():
        status = client.ensure()
        return status.workers and all(worker["ready"] for worker in status.workers) and status

    status = eventually(warm)
    kinds = [worker["kind"] for worker in status.workers]
    assert kinds[0] == "predict"
    assert set(kinds[1:]) == {"train"}
    assert all("CPU" in worker["device"] for worker in status.workers)
    assert (status.state, status.pid) == ("ready", engine_status(store.database).pid)
    assert status.address.startswith("tcp://127.0.0.1:")


def test_what_cannot_be_predicted_is_told(store, client):
    images = np.zeros((1, 28, 28), np.uint8)
    with pytest.raises(UnknownRun) as error:
        client.predict("nothing", images)
    assert_friendly(error, "'nothing'")
    with pytest.raises(ModelFileError) as error:
        client.predict_file(b"nothing", images)
    assert_friendly(error, ".keras file")


def test_runs_are_trained_one_after_the_other_while_drawings_are_answered(store, client, begun, ended, undisturbed):
    finished = ended(store.create(SHORT))
    client.predict(finished.id, np.zeros((1, 28, 28), np.uint8))
    first, second = store.create(MIDDLING), store.create(SHORT)
    begun(first)
    assert client.predict(finished.id, np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)
    assert store.get(first).status == "running"
    assert store.get(second).status == "queued"
    if hasattr(os, "setpriority"):
        trainer = pid_of(store.get(first))
        threads = [int(thread.name) for thread in Path(f"/proc/{trainer}/task").iterdir()]
        assert len(threads) > 1
        assert min(os.getpriority(os.PRIO_PROCESS, thread) for thread in threads) >= jobs.NICENESS
    assert ended(first).ended <= ended(second).started
    assert_as_undisturbed(store, first, undisturbed)


# -- wishes --------------------------------------------------------------------------------------------------------


def test_stop_is_obeyed_at_once_and_keeps_a_model(store, client, begun, ended):
    run_id = store.create(LONG)
    begun(run_id)
    store.ask(run_id, "stop")
    run = ended(run_id)
    assert run.status == "stopped"
    assert 0 < run.step < run.steps
    assert run.test_accuracy > 0.5
    assert client.predict(run_id, np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)
    assert len(store.epochs(run_id)) == run.epoch


def test_a_paused_run_goes_on_as_if_nothing_had_been(store, begun, ended, undisturbed):
    run_id = store.create(MIDDLING)
    begun(run_id)
    store.ask(run_id, "pause")
    run = ended(run_id)
    assert run.status == "paused"
    assert 0 < run.step < run.steps
    assert store.load_blob(run_id, "checkpoint")
    store.resume(run_id)
    assert ended(run_id).status == "finished"
    assert_as_undisturbed(store, run_id, undisturbed)


def test_a_paused_run_can_be_stopped_for_good(store, begun, ended):
    run_id = store.create(LONG)
    begun(run_id)
    store.ask(run_id, "pause")
    paused = ended(run_id)
    store.ask(run_id, "stop")
    stopped = eventually(lambda: (run := store.get(run_id)).status == "stopped" and run)
    assert stopped.step == paused.step
    # A pause on the last step of an epoch leaves the reckoning of its end to whoever goes on.
    assert stopped.epoch == stopped.step // LONG.steps_per_epoch
    assert stopped.usable


def test_a_waiting_run_can_be_cancelled_and_a_training_one_deleted(store, begun, ended):
    training, waiting, last = store.create(LONG), store.create(SHORT), store.create(SHORT)
    begun(training, epochs=1)
    assert store.ask(waiting, "stop").status == "cancelled"
    store.delete(training)
    assert ended(last).status == "finished"  # its worker is free again
    assert store.get(waiting).step == 0
    assert {run.id for run in store.list()} == {waiting, last}


# -- misfortunes ---------------------------------------------------------------------------------------------------


def test_a_run_survives_the_death_of_its_worker(store, begun, ended, undisturbed):
    run_id = store.create(MIDDLING)
    run = begun(run_id)
    os.kill(pid_of(run), signal.SIGKILL)
    after = ended(run_id)
    assert pid_of(after) != pid_of(run)
    assert_as_undisturbed(store, run_id, undisturbed)
    assert [row["text"].split()[0] for row in store.events(run_id)] == ["Starts", "Goes", "Finished"]


def test_a_run_survives_the_death_of_the_engine(store, client, settings, begun, ended, undisturbed):
    run_id = store.create(MIDDLING)
    begun(run_id)
    old = client.ensure().pid
    orphans = [process for process in processes_of(settings.home) if process.pid != old]
    os.kill(old, signal.SIGKILL)
    eventually(lambda: engine_status(store.database).state == "away")
    assert ended(run_id).status == "finished"
    assert client.ensure().pid != old
    assert_as_undisturbed(store, run_id, undisturbed)
    eventually(lambda: not any(process.is_running() and process.status() != "zombie" for process in orphans))


def test_a_second_engine_ends_at_once(store, client, settings):
    first = client.wait()
    done = subprocess.run(
        [sys.executable, "-m", "mnist_core.engine.server"], env=os.environ | settings.environment(),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert "another engine serves this store" in done.stderr
    assert engine_status(store.database).pid == first.pid


def test_another_web_server_uses_the_same_engine(store, settings, ended, client):
    run_id = store.create(SHORT)
    ended(run_id)
    other = EngineClient(settings, store)
    assert other.wait().pid == client.wait().pid
    assert other.predict(run_id, np.zeros((2, 28, 28), np.uint8)).shape == (2, 10)
    other.close()
