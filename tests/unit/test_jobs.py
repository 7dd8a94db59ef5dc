"""What a train worker does with a run, in this process and on few images."""

import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.engine import jobs, reading, tasks
from mnist_core.errors import DataError, StoreBusy, StoreError
from mnist_core.models import blobs
from mnist_core.recipes import RECIPES
from mnist_core.store import patience
from mnist_core.store.lease import HOST
from mnist_core.store.run import DEATHS
from tests.helpers import assert_friendly

QUICK = {
    "architecture": {"name": "softmax"},
    "data": {"subset": 500},
    "training": {"epochs": 2, "batch_size": 100},
    "augmentation": {"shift": 0.1},  # so that XLA, which takes seconds to compile, is left out
}


@pytest.fixture
def run_id(store):
    return store.create(RunConfig.parse(QUICK))


@pytest.fixture(autouse=True)
def _in_this_process(train_worker):
    pass


def files(store, run_id):
    with store.database.read() as connection:
        query = f"SELECT name FROM blobs WHERE run_id = '{run_id}'"
        return set(connection.exec_driver_sql(query).scalars())


def test_a_run_is_trained_scored_and_kept(store, run_id, train, digits):
    answer, run = train(run_id)
    assert answer == run.status == "finished"
    assert (run.epoch, run.step, run.steps, run.wish) == (2, 10, 10, "")
    assert run.started <= run.ended
    assert [row["epoch"] for row in store.epochs(run_id)] == [1, 2]
    # No checkpoint is left.
    assert files(store, run_id) == {"model.keras", "test_probabilities", "calibration", "start", "health"}

    probabilities = store.load_array(run_id, "test_probabilities")
    assert (probabilities.argmax(axis=1) == digits.labels).mean() == pytest.approx(run.test_accuracy)
    true = probabilities[np.arange(1200), digits.labels]
    assert -np.log(true).mean() == pytest.approx(run.test_loss, rel=1e-4)
    model = blobs.from_bytes(store.load_blob(run_id, "model.keras"))
    images = digits.images[..., None] / np.float32(255)
    np.testing.assert_allclose(model.predict(images, verbose=0), probabilities, atol=1e-5)
    told = [row["text"] for row in store.events(run_id)]
    assert told[0].startswith("Starts on ")
    assert told[-1] == f"Finished after 10 steps with {run.test_accuracy:.2%} on the test set."


def test_a_run_that_is_to_stop_when_it_has_finished_does_not_say_that_it_was_stopped(store, run_id, train, monkeypatch):
    calibrate = jobs.calibrate

    def asked_meanwhile(*arguments):
        store.ask(run_id, "stop", "Stopped after 2 minutes.")
        return calibrate(*arguments)

    monkeypatch.setattr(jobs, "calibrate", asked_meanwhile)
    _, run = train(run_id)
    assert (run.status, run.wish, run.message) == ("finished", "", "")


RAW = {"name": "softmax", "api": "variables"}


@pytest.mark.parametrize("architecture", [{"api": "subclassed"}, {"api": "functional"}, {"output": "logits"}, RAW])
def test_networks_written_in_other_ways_end_as_well(store, train, digits, architecture):
    run_id = store.create(RunConfig.parse(QUICK | {"architecture": architecture}))
    _, run = train(run_id)
    assert (run.status, run.message) == ("finished", "")
    kept = reading.predict_run(run_id, digits.images, store.database.url)
    np.testing.assert_array_equal(kept, store.load_array(run_id, "test_probabilities"))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_ends_as_a_run(store, train, name):
    found = RECIPES[name].config
    changes = {"data.subset": 500}
    if found.architecture.family == "network":
        changes |= {"training.steps": 20, "training.history": 0} if found.training.steps else {"training.epochs": 1}
        changes |= {f"data.{name}": min(getattr(found.data, name), 500) for name in ("not_digits", "written")}
    run_id = store.create(found.replace(changes))
    _, run = train(run_id)
    assert (run.status, run.message) == ("finished", "")
    assert 0 < run.test_accuracy < 1
    judged = [row for row in store.epochs(run_id) if row["val_accuracy"] is not None]
    assert bool(judged) == bool(found.data.validation_fraction)


FOREST, LINEAR = {"name": "random_forest", "trees": 4}, {"name": "sgd_classifier", "max_iter": 20}


@pytest.mark.parametrize("architecture", [FOREST, LINEAR], ids=lambda architecture: architecture["name"])
def test_classical_models_are_runs_like_any_other(store, train, digits, architecture):
    run_id = store.create(RunConfig.parse({"architecture": architecture, "data": {"subset": 500}}))
    store.mark_running(run_id)
    store.ask(run_id, "pause")  # before the first tree or pass
    assert train(run_id)[0] == "paused"
    store.resume(run_id)
    answer, run = train(run_id)
    assert answer == run.status == "finished"
    assert run.step == run.steps == run.settings.total_steps
    assert [row["epoch"] for row in store.epochs(run_id)] == list(range(1, run.settings.epochs + 1))
    assert files(store, run_id) == {"model.npz", "calibration", "test_probabilities"}
    kept = reading.predict_run(run_id, digits.images, store.database.url)
    np.testing.assert_array_equal(kept, store.load_array(run_id, "test_probabilities"))
    assert (kept.argmax(axis=1) == digits.labels).mean() == run.test_accuracy > 0.5


@pytest.mark.parametrize("status", ["finished", "stopped", "failed", "cancelled", "paused"])
def test_a_run_that_is_not_waiting_is_left_alone(store, run_id, train, status):
    store.record(run_id, {"status": status})
    answer, run = train(run_id)
    assert answer == run.status == status
    assert run.step == 0


def test_a_run_that_was_deleted_is_no_trouble(store):
    assert jobs.train_run("nothing", store.database.url) == "deleted"


def test_a_run_that_is_deleted_meanwhile_is_no_trouble_either(store, run_id, monkeypatch):
    monkeypatch.setattr(jobs, "to_bytes", lambda model: store.delete(run_id) or b"")
    assert jobs.train_run(run_id, store.database.url) == "deleted"
    assert store.list() == []
    assert files(store, run_id) == set()


def test_a_paused_run_goes_on_and_a_stopped_one_keeps_its_weights(store, run_id, train):
    store.ask(run_id, "pause")
    store.resume(run_id)
    store.mark_running(run_id)
    store.ask(run_id, "pause")  # before its first step
    answer, run = train(run_id)
    assert answer == run.status == "paused"
    assert files(store, run_id) == {"checkpoint", "start"}
    store.resume(run_id)
    answer, run = train(run_id)
    assert answer == run.status == "finished"
    assert (run.epoch, run.step) == (2, 10)
    assert [row["text"].split()[0] for row in store.events(run_id)] == [
        "Starts",
        "Paused",
        "Goes",
        "Finished",
    ]


def test_a_stop_turns_the_last_checkpoint_into_a_model(store, run_id, train):
    whole = store.create(RunConfig.parse(QUICK | {"training": {"epochs": 1, "batch_size": 100}}))
    train(whole)
    stop_after_first_epoch(store, run_id, train)
    store.ask(run_id, "stop")
    answer, run = train(run_id)
    assert answer == run.status == "stopped"
    assert (run.epoch, run.step, run.steps) == (1, 5, 10)
    assert run.usable
    np.testing.assert_array_equal(
        store.load_array(run_id, "test_probabilities"), store.load_array(whole, "test_probabilities")
    )


def stop_after_first_epoch(store, run_id, train):
    """Leaves the run as a worker does that is paused at the end of the first epoch."""
    original, jobs.Recorder = jobs.Recorder, PauseAfterEpoch
    try:
        assert train(run_id)[0] == "paused"
    finally:
        jobs.Recorder = original


class PauseAfterEpoch(jobs.Recorder):
    def on_epoch_end(self, epoch, logs=None):
        self._store.ask(self._run_id, "pause")
        self._last_write = float("-inf")
        super().on_epoch_end(epoch, logs)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), ["not enough memory", "smaller batch size"]),
        (tf.errors.ResourceExhaustedError(None, None, "OOM"), ["not enough memory"]),
        (ZeroDivisionError("x"), ["MNIST Lab itself failed", "ZeroDivisionError", "log"]),
    ],
)
def test_what_goes_wrong_stands_in_the_store_in_plain_words(store, run_id, train, monkeypatch, error, words):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(jobs, "Trainer", fail)
    answer, run = train(run_id)
    assert answer == run.status == "failed"
    assert run.ended
    assert_friendly(run.message, *words)
    assert store.events(run_id)[-1]["text"] == run.message


def test_a_store_that_has_refused_for_long_is_for_the_engine_to_mark(store, run_id, train, monkeypatch):
    def fail(*_, **__):
        raise StoreError("The disk is full.")

    monkeypatch.setattr(jobs, "Trainer", fail)
    with pytest.raises(StoreError):
        train(run_id)


def test_a_run_that_another_worker_has_by_now_is_left_to_it(store, run_id, train, monkeypatch):
    original = jobs.to_bytes
    monkeypatch.setattr(jobs, "to_bytes", lambda model: store.start(run_id, "host:2", "CPU") and original(model))
    answer, run = train(run_id)
    assert (answer, run.status, run.worker, run.test_accuracy) == ("taken", "running", "host:2", None)


def test_a_run_that_has_killed_its_worker_three_times_is_not_tried_again(store, run_id, train):
    for _ in range(DEATHS):
        assert store.get(run_id).status in ("queued", "running")
        store.start(run_id, "host:1", "CPU")
    answer, run = train(run_id)
    assert answer == run.status == "failed"
    assert_friendly(run.message, "died three times", "memory")
    assert (run.step, run.deaths) == (0, DEATHS)


def test_a_run_that_is_taken_back_before_its_first_step_has_no_model(store, run_id, train):
    store.mark_running(run_id)
    store.ask(run_id, "stop")
    answer, run = train(run_id)
    assert answer == run.status == "cancelled"
    assert store.load_blob(run_id, "model.keras") is None


def test_a_gpu_that_is_not_there_fails_the_run_with_the_reason(store, train):
    run_id = store.create(RunConfig.parse(QUICK | {"training": {"device": "gpu"}}))
    answer, run = train(run_id)
    assert answer == "failed"
    assert_friendly(run.message, "asks for a GPU", "training.device")


def test_a_worker_warms_up_and_tells_what_it_has():
    assert jobs.warm_up("predict")["kind"] == "predict"
    assert "CPU" in jobs.warm_up("train")["device"]


def test_a_worker_tells_of_a_gpu_that_its_tensorflow_cannot_use(monkeypatch):
    assert jobs.warm_up("train")["unused_gpu"] is False
    monkeypatch.setattr(jobs, "visible_gpus", lambda: ["0"])
    assert jobs.warm_up("train")["unused_gpu"] is True
    monkeypatch.setattr(jobs, "gpu_names", lambda: ("NVIDIA A100",))
    assert jobs.warm_up("train")["unused_gpu"] is False


def test_a_worker_with_other_images_than_the_engine_says_so():
    with pytest.raises(DataError) as error:
        jobs.warm_up("train", "of another file")
    assert_friendly(error, HOST, "MNIST_LAB_DATA")


def test_a_worker_with_other_images_than_the_engine_trains_nothing(store, run_id):
    before = store.get(run_id)
    with pytest.raises(DataError):
        tasks.train(run_id, store.database.url, "of another file")
    assert store.get(run_id) == before
    assert tasks.train(run_id, store.database.url, "") == "finished"


def test_a_database_that_cannot_be_reached_at_first_is_waited_for(store, run_id, monkeypatch):
    away = [StoreBusy("The database is not found by its name.")] * 2

    def store_at(url):
        if away:
            raise away.pop()
        return store

    monkeypatch.setattr(jobs, "store_at", store_at)
    monkeypatch.setattr(patience.time, "sleep", lambda seconds: None)
    assert jobs.train_run(run_id, store.database.url) == "finished"


def test_a_worker_that_alone_cannot_reach_the_database_says_where_it_is(store, run_id, monkeypatch):
    def store_at(url):
        raise StoreBusy("The database is not found by its name. Check it.")

    monkeypatch.setattr(jobs, "store_at", store_at)
    monkeypatch.setattr(jobs, "OPENING_SECONDS", 0.0)
    with pytest.raises(StoreBusy) as error:
        jobs.train_run(run_id, store.database.url)
    assert_friendly(error, HOST, "not found by its name")
