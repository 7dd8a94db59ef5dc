"""The engine's round of work, with a Dask client that is played by hand."""

import os
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from distributed import KilledWorker

from mnist_core.config import RunConfig
from mnist_core.engine.dispatch import ABANDONED_SECONDS, REFUSALS, Dispatcher
from mnist_core.errors import DataError, RunTaken, StoreError
from mnist_core.store.lease import HOST, attend, leave
from mnist_core.store.run import DEATHS, KILLED

pytestmark = pytest.mark.usefixtures("both_databases")

DIED = KilledWorker("train", SimpleNamespace(address="tcp://1"), 3)


@pytest.fixture
def joined(scripted, dask, store, settings):
    """Another engine, at a scheduler whose workers outlive engines."""
    dispatcher = Dispatcher(replace(settings, scheduler="tcp://scheduler:8786"), store, dask)
    dispatcher.beat()
    return dispatcher


def test_waiting_runs_are_handed_out_in_order_as_there_are_places(scripted, dask, store, settings):
    ids = [store.create(RunConfig(seed=seed)) for seed in range(4)]
    scripted.tick()
    scripted.tick()
    handed_out = [(run_id, settings.database_url, "") for run_id in ids[:2]]
    assert [future.arguments for future in dask.trainings] == handed_out
    assert all(future.options["resources"] == {"train": 1} for future in dask.trainings)
    assert [store.get(run_id).status for run_id in ids] == ["running", "running", "queued", "queued"]

    store.record(ids[0], {"status": "finished"})
    dask.trainings[0].end("finished")
    scripted.tick()
    assert [future.arguments[0] for future in dask.trainings] == ids[:3]
    assert len({future.options["key"] for future in dask.trainings}) == 3


def test_a_worker_that_cannot_work_gets_no_runs(scripted, dask, store):
    """Such as one that reads other images than the dashboard."""
    assert dask.futures[0].arguments == ("train", "")
    dask.join("tcp://9", "train-9", "train")
    scripted.beat()
    dask.futures[-1].end(DataError("It reads other images."), status="error")
    scripted.beat()
    ids = [store.create(RunConfig(seed=seed)) for seed in range(3)]
    scripted.tick()
    assert [future.arguments[0] for future in dask.trainings] == ids[:2]
    assert all(sorted(future.options["workers"]) == ["tcp://0", "tcp://1"] for future in dask.trainings)


@pytest.mark.parametrize("worker", ["", "here:0"], ids=["at first", "after its worker's death"])
def test_a_run_that_a_worker_with_other_images_refused_goes_on(scripted, dask, store, worker):
    """One that has just joined is given runs before its warm-up has told."""
    run_id = store.create(RunConfig())
    scripted.tick()
    if worker:
        store.start(run_id, worker, "CPU")
    dask.trainings[0].end(DataError("It reads other images."), status="error")
    scripted.tick()
    assert [future.arguments[0] for future in dask.trainings] == [run_id, run_id]
    assert (store.get(run_id).status, store.get(run_id).deaths) == ("running", int(bool(worker)))


def test_a_run_that_every_worker_refuses_is_failed_with_their_reason(scripted, dask, store):
    """As when the file of images is replaced while the engine runs."""
    run_id = store.create(RunConfig())
    for _ in range(REFUSALS):
        assert store.get(run_id).status != "failed"
        scripted.tick()
        dask.trainings[-1].end(DataError("It reads other images."), status="error")
    scripted.tick()
    assert (store.get(run_id).status, store.get(run_id).message) == ("failed", "It reads other images.")
    scripted.tick()
    assert len(dask.trainings) == REFUSALS


def test_a_run_whose_worker_died_too_often_is_marked(scripted, dask, store):
    run_id = store.create(RunConfig())
    store.record(run_id, {"deaths": DEATHS - 1})
    scripted.tick()
    dask.trainings[0].end(DIED, status="error")
    scripted.tick()
    run = store.get(run_id)
    assert (run.status, run.message, run.wish) == ("failed", KILLED, "")
    assert run.ended == pytest.approx(time.time(), abs=5)
    scripted.tick()
    assert len(dask.trainings) == 1


def test_a_run_that_waited_on_workers_that_died_is_tried_again_and_not_for_ever(scripted, dask, store):
    run_id = store.create(RunConfig())
    for deaths in range(1, DEATHS):
        scripted.tick()
        dask.trainings[-1].end(DIED, status="error")
        scripted.tick()
        assert (store.get(run_id).deaths, len(dask.trainings)) == (deaths, deaths + 1)
    dask.trainings[-1].end(DIED, status="error")
    scripted.tick()
    assert (store.get(run_id).status, store.get(run_id).message) == ("failed", KILLED)


def test_a_worker_that_dies_after_its_last_word_changes_nothing(scripted, dask, store):
    run_id = store.create(RunConfig())
    scripted.tick()
    store.record(run_id, {"status": "finished", "deaths": DEATHS})
    dask.trainings[0].end(DIED, status="error")
    scripted.tick()
    assert (store.get(run_id).status, store.get(run_id).message) == ("finished", "")


def test_what_trains_when_the_engine_ends_waits_for_the_next(scripted, dask, store):
    run_id = store.create(RunConfig())
    scripted.tick()
    store.start(run_id, f"{HOST}:{os.getpid()}", "CPU")
    scripted.hand_back()
    run = store.get(run_id)
    assert (run.status, run.holder, run.deaths) == ("queued", "", 0)


def test_a_run_that_could_not_be_written_says_so_and_can_go_on(scripted, dask, store):
    run_id = store.create(RunConfig())
    scripted.tick()
    dask.trainings[0].end(StoreError("The disk is full."), status="error")
    scripted.tick()
    run = store.get(run_id)
    assert (run.status, run.message) == ("interrupted", "The disk is full.")
    assert store.resume(run_id).status == "queued"
    scripted.tick()
    assert len(dask.trainings) == 2


def test_a_run_whose_connection_was_lost_goes_on(scripted, dask, store):
    run_id = store.create(RunConfig())
    scripted.tick()
    dask.trainings[0].end(status="lost")
    scripted.tick()
    assert store.get(run_id).status == "running"
    assert [future.arguments[0] for future in dask.trainings] == [run_id, run_id]


def test_a_run_is_not_handed_out_while_its_last_task_still_ends(scripted, dask, store):
    run_id = store.create(RunConfig())
    scripted.tick()
    store.record(run_id, {"status": "paused"})
    store.resume(run_id)
    scripted.tick()
    assert len(dask.trainings) == 1
    dask.trainings[0].end("paused")
    scripted.tick()
    assert len(dask.trainings) == 2


def test_a_run_that_another_engine_took_is_left_to_it(joined, dask, store, monkeypatch):
    run_id = store.create(RunConfig())
    monkeypatch.setattr(store, "queue", lambda: [run_id])
    store.mark_running(run_id)
    store.start(run_id, f"{HOST}:{os.getpid()}", "CPU")
    joined.tick()
    assert dask.trainings == []


def test_a_full_store_is_asked_again(scripted, dask, store, monkeypatch):
    run_id = store.create(RunConfig())
    scripted.tick()
    store.start(run_id, f"{HOST}:{os.getpid()}", "CPU")  # by a worker that lives on when the run has failed
    dask.trainings[0].end(StoreError("The disk is full."), status="error")
    with monkeypatch.context() as full:
        full.setattr(store, "record", lambda *_, **__: (_ for _ in ()).throw(StoreError("The disk is full.")))
        for _ in range(2):
            with pytest.raises(StoreError):
                scripted.tick()
    scripted.tick()
    assert store.get(run_id).status == "interrupted"


def test_a_run_that_was_deleted_is_no_trouble(scripted, dask, store):
    run_id = store.create(RunConfig())
    scripted.tick()
    store.delete(run_id)
    dask.trainings[0].end(DIED, status="error")
    scripted.tick()
    assert store.list() == []


@pytest.mark.parametrize("worker", ["", f"{HOST}:{2**22 + 1}", "gone-machine:12"], ids=["none", "dead", "gone"])
def test_runs_that_an_earlier_engine_left_behind_go_on(scripted, dask, store, worker):
    run_id = store.create(RunConfig())
    store.start(run_id, worker, "CPU")
    store.record(run_id, {"step": 9})
    if worker.startswith("gone"):
        with store.database.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET beat = beat - 60")
    scripted.tick()
    [training] = dask.trainings
    assert training.arguments[0] == run_id
    assert store.get(run_id).step == 9


def test_runs_that_somebody_still_trains_are_left_alone(joined, dask, store):
    here, elsewhere = store.create(RunConfig()), store.create(RunConfig())
    store.start(here, f"{HOST}:{os.getpid()}", "CPU")
    store.start(elsewhere, "other-machine:12", "CPU")
    joined.tick()
    assert dask.trainings == []


def test_a_run_that_another_labs_worker_trains_goes_on_here_at_once(scripted, dask, store):
    """As it stands in a copy of that lab's store: the engine's own workers train nothing that it did not hand out."""
    run_id = store.create(RunConfig())
    there = store.start(run_id, f"{HOST}:{os.getpid()}", "CPU")
    scripted.tick()
    assert [training.arguments[0] for training in dask.trainings] == [run_id]
    with pytest.raises(RunTaken):
        store.record(run_id, {"step": 9}, holder=there.holder)
    assert store.start(run_id, "here:1", "CPU").deaths == 0


def test_a_run_that_a_living_worker_has_given_up_goes_on(joined, dask, store):
    run_id = store.create(RunConfig())
    store.start(run_id, f"{HOST}:{os.getpid()}", "CPU")
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET beat = beat - {ABANDONED_SECONDS + 1}")
    joined.tick()
    assert [training.arguments[0] for training in dask.trainings] == [run_id]


def test_idle_is_the_time_in_which_nobody_needed_it(scripted, dask, store, monkeypatch):
    clock = SimpleNamespace(now=time.monotonic() + 100)
    monkeypatch.setattr("mnist_core.engine.dispatch.time.monotonic", lambda: clock.now)
    scripted.tick()
    scripted.beat()
    assert scripted.idle_seconds >= 100

    attend(store.database)  # a page is open
    scripted.beat()
    assert scripted.idle_seconds == 0
    leave(store.database)
    clock.now += 7
    scripted.beat()
    assert scripted.idle_seconds == 7

    store.create(RunConfig())  # or a run is on its way
    scripted.tick()
    assert scripted.idle_seconds == 0
    clock.now += 60
    scripted.tick()
    assert scripted.idle_seconds == 0
