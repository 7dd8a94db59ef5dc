"""The Health page: what is there, what waits, and what is wrong."""

import json
import re
from dataclasses import replace

import pytest

from mnist_core import checkup
from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.store.lease import OUT_OF_REACH, EngineStatus
from tests.pages.conftest import words

WORKER = {"name": "train-0", "kind": "train", "device": "Test processor", "ready": True, "problem": ""}
WORKER |= {"host": "here", "pid": 1234, "memory": 9e8}
PREDICTS = WORKER | {"name": "predict-0", "kind": "predict"}


@pytest.fixture
def ready(lease):
    lease.renew("ready", "tcp://127.0.0.1:7", [WORKER])


def test_all_is_well(both_databases, visit, ready, finish):
    finish()
    app = visit("Health")
    assert app.success[0].value == "All is well."
    said = words(app)
    database = r"runs.sqlite: [\d,.]+ MB, answers" if both_databases == "sqlite" else r"at 127.0.0.1: answers"
    assert "127.0.0.1:7" in said and re.search(rf"{database} in [\d,.]+ ms", said) and "GB are free" in said
    (table,) = app.dataframe
    row = table.value.iloc[0]
    assert [row[key] for key in ("worker", "state", "process", "memory (MB)")] == ["train-0", "ready", 1234, 900]


def test_what_trains_waits_and_was_interrupted(visit, ready, store):
    ids = [store.create(RunConfig(seed=seed), f"run {seed}") for seed in range(3)]
    store.start(ids[1], "here:1234", "CPU")
    store.start(ids[1], "here:1235", "CPU")
    store.record(ids[2], {"status": "interrupted", "message": "The disk is full."})
    app = visit("Health")
    assert [(metric.label, metric.value) for metric in app.metric] == [
        ("Training", "1"), ("Waiting", "1"), ("Interrupted", "1"), ("Runs in all", "3"),
    ]  # fmt: skip
    runs = [text.value for text in app.markdown if text.value.startswith("- **run")]
    assert "run 1" in runs[0] and "here:1235" in runs[0] and "died 1 times" in runs[0]


def test_a_worker_that_cannot_work(visit, lease):
    lease.renew("ready", "tcp://127.0.0.1:7", [WORKER | {"ready": False, "problem": "No GPU driver."}])
    app = visit("Health")
    assert "No GPU driver" in app.error[0].value
    assert app.dataframe[0].value["state"].tolist() == ["No GPU driver."]


def test_some_workers_that_cannot_work_are_no_end(visit, lease):
    others = [WORKER | {"name": "train-1", "ready": False, "problem": "No GPU driver."}, PREDICTS]
    lease.renew("ready", "tcp://127.0.0.1:7", [WORKER, *others])
    app = visit("Health")
    assert "of 3 workers, 1 cannot work" in app.warning[0].value and not app.error


def test_a_worker_in_trouble_hides_none_that_is_missing(visit, lease, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_SCHEDULER", "tcp://127.0.0.1:7")
    lease.renew("ready", "tcp://127.0.0.1:7", [WORKER, WORKER | {"name": "train-1", "problem": "No GPU driver."}])
    assert "no worker that answers drawings" in visit("Health").error[0].value


def test_the_only_worker_in_trouble_hides_none_that_is_missing(visit, lease, monkeypatch, settings):
    monkeypatch.setenv("MNIST_LAB_SCHEDULER", "tcp://127.0.0.1:7")
    lease.renew("ready", "tcp://127.0.0.1:7", [WORKER | {"problem": "No GPU driver."}])
    told = visit("Health").error[0].value
    assert "No GPU driver." in told and "no worker that answers drawings" in told
    found = checkup.engine(replace(settings, scheduler="tcp://127.0.0.1:7")).found
    assert "No GPU driver." in found and "no worker that answers drawings" in found


def test_the_engines_own_worker_that_is_started_again_is_no_error(visit, lease):
    lease.renew("ready", "tcp://127.0.0.1:7", [WORKER, WORKER | {"name": "train-1", "problem": "No GPU driver."}])
    app = visit("Health")
    assert "of 2 workers, 1 cannot work" in app.warning[0].value and not app.error


def test_workers_that_nobody_has_started_are_asked_for(visit, lease, monkeypatch, settings):
    monkeypatch.setenv("MNIST_LAB_SCHEDULER", "tcp://127.0.0.1:7")
    lease.renew("ready", "tcp://127.0.0.1:7", [PREDICTS])
    app = visit("Health")
    # As Markdown has to have it.
    assert "dask worker tcp:\\//127.0.0.1:7 --nthreads 1 --resources train=1" in app.error[0].value
    check = checkup.engine(replace(settings, scheduler="tcp://127.0.0.1:7"))
    assert not check.ok and "dask worker tcp://127.0.0.1:7 --nthreads 1 --resources train=1" in check.found


def test_workers_that_are_out_of_reach_are_told(visit, lease, monkeypatch, settings):
    told = OUT_OF_REACH.format(host="other-machine")
    away = EngineStatus("ready", "tcp://127.0.0.1:7", (WORKER, PREDICTS), 7, "other-machine", out_of_reach=told)
    monkeypatch.setattr(EngineClient, "ensure", lambda _: away)
    app = visit("Health")
    assert "reached on other-machine alone" in app.error[0].value and not app.success
    monkeypatch.setattr(checkup, "engine_status", lambda _, scheduler: away)
    check = checkup.engine(settings)
    assert (check.ok, check.found) == (False, told)


def test_what_trains_is_shown_however_long_the_queue_is(visit, ready, store):
    first = store.create(RunConfig(), "the one that trains")
    store.start(first, "here:1234", "CPU")
    for seed in range(25):
        store.create(RunConfig(seed=seed))
    assert "the one that trains" in next(t.value for t in visit("Health").markdown if t.value.startswith("- **"))


def test_a_disk_that_is_nearly_full(visit, ready, monkeypatch):
    monkeypatch.setattr(checkup, "LEAST_DISK", 10**18)
    assert "Disk" in visit("Health").warning[0].value


def test_an_engine_that_is_not_there_yet(visit, lease):
    for state in ("starting", "ready"):
        lease.renew(state)
        app = visit("Health")
        assert "starting" in app.info[0].value
        assert not app.success


def test_the_latest_warnings_with_their_runs(visit, ready, settings):
    line = {"time": "2026-01-01T10:00:00.000+00:00", "level": "warning", "process": "train worker", "run": "1234abcd"}
    settings.log_file.write_text(json.dumps(line | {"message": "waiting to write: <b>The disk</b> is full."}))
    said = words(visit("Health"))
    assert "1234abcd" in said and r"\<b>The disk" in said
