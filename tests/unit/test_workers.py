"""Workers that join, warm up, grow too large and are started anew, with a Dask client that is played by hand."""

from itertools import pairwise

import pytest

from mnist_core.config import RunConfig
from mnist_core.engine.dispatch import Dispatcher
from mnist_core.engine.workers import FULL_BYTES, GROWTH_BYTES
from mnist_core.errors import DataError, StoreError
from mnist_core.store.run import DEATHS, KILLED


def test_new_workers_are_warmed_and_shown_when_they_are(dask, store, settings):
    fresh = Dispatcher(settings, store, dask)
    dask.join("tcp://1", "train-0", "train")
    dask.join("tcp://2", "predict-0", "predict")
    dask.join("tcp://3", "of-somebody-else", "other")
    new = {"device": "", "gpu": False, "ready": False, "problem": "", "memory": 8e8}
    assert fresh.beat() == [
        {"name": "predict-0", "kind": "predict", **new},
        {"name": "train-0", "kind": "train", **new},
    ]
    warming = {future.arguments[0]: future for future in dask.futures}
    assert warming["train"].options["workers"] == ["tcp://1"]
    assert warming["train"].options["resources"] == {"train": 1}
    warming["train"].end({"kind": "train", "device": "Example GPU", "gpu": True})
    warming["predict"].end(StoreError("It is damaged."), status="error")
    predict, train = fresh.beat()
    assert train == {"name": "train-0", "kind": "train", "device": "Example GPU", "gpu": True} | {
        "ready": True,
        "problem": "",
        "memory": 8e8,
    }
    assert (predict["ready"], predict["problem"]) == (False, "It is damaged.")
    assert len(dask.futures) == 2

    # A worker that was restarted has a new address and must warm up anew; one that has gone is forgotten.
    dask.workers = {}
    dask.join("tcp://4", "train-0", "train")
    assert fresh.beat() == [{"name": "train-0", "kind": "train", **new}]
    assert len(dask.futures) == 3


def test_workers_that_join_late_get_work(dask, store, settings):
    late = Dispatcher(settings, store, dask)
    store.create(RunConfig())
    late.beat()
    late.tick()
    assert dask.trainings == []
    dask.join("tcp://1", "train-0", "train")
    late.beat()
    late.tick()
    assert len(dask.trainings) == 1


def fill_while_training(scripted, dask):
    """The first train worker outgrows its memory in the midst of a run, and the engine has seen it."""
    scripted.tick()
    dask.join("tcp://0", "train-0", "train", memory=FULL_BYTES + GROWTH_BYTES)
    dask.busy["tcp://0"] = ("train-…",)
    for _ in range(2):
        scripted.beat()


def test_a_worker_that_has_grown_too_large_is_started_anew_between_runs(scripted, dask, store):
    ids = [store.create(RunConfig(seed=seed)) for seed in range(4)]
    fill_while_training(scripted, dask)
    assert dask.restarted == []  # it still trains
    store.record(ids[0], {"status": "finished"})
    dask.trainings[0].end("finished")
    scripted.tick()
    assert len(dask.trainings) == 2  # it gets nothing new
    del dask.busy["tcp://0"]
    scripted.beat()
    assert dask.restarted == ["tcp://0"]
    del dask.workers["tcp://0"]
    dask.join("tcp://2", "train-0", "train")
    scripted.beat()
    scripted.tick()
    assert [future.arguments[0] for future in dask.trainings] == ids[:3]


def test_a_full_worker_that_trains_leaves_the_other_its_place(scripted, dask, store):
    ids = [store.create(RunConfig(seed=seed)) for seed in range(3)]
    fill_while_training(scripted, dask)
    store.record(ids[1], {"status": "finished"})
    dask.trainings[1].end("finished")
    scripted.tick()
    scripted.beat()
    scripted.tick()
    assert [future.arguments[0] for future in dask.trainings] == ids


def test_a_worker_that_is_large_from_the_start_gets_work(dask, store, settings):
    dispatcher = Dispatcher(settings, store, dask)
    store.create(RunConfig())
    dask.join("tcp://0", "train-0", "train", memory=3 * FULL_BYTES)
    for _ in range(3):
        dispatcher.beat()
    dispatcher.tick()
    assert dask.restarted == []
    assert len(dask.trainings) == 1


def test_a_worker_that_has_just_filled_up_is_given_a_moment(scripted, dask):
    dask.join("tcp://0", "train-0", "train", memory=FULL_BYTES + GROWTH_BYTES)
    scripted.beat()
    assert dask.restarted == []
    scripted.beat()
    assert dask.restarted == ["tcp://0"]


@pytest.fixture
def one_sound(scripted, dask):
    """Of two train workers one reads other images, so that runs may go to the other one alone."""
    scripted.beat()
    del dask.workers["tcp://1"]
    dask.join("tcp://9", "train-1", "train")
    scripted.beat()
    dask.futures[-1].end(DataError("It reads other images."), status="error")
    scripted.beat()
    return scripted


def start_anew(dispatcher, dask, before, after):
    """The sound worker's process has died; its nanny has another one soon, at another address."""
    del dask.workers[before]
    dispatcher.beat()
    dispatcher.tick()
    dask.join(after, "train-0", "train")
    dispatcher.beat()
    dispatcher.tick()


def test_a_run_whose_only_sound_worker_dies_goes_on_when_it_is_back(one_sound, dask, store):
    run_id = store.create(RunConfig())
    one_sound.tick()
    store.start(run_id, "here:0", "CPU")
    one_sound.beat()
    assert [future.options["workers"] for future in dask.trainings] == [["tcp://0"]]
    start_anew(one_sound, dask, "tcp://0", "tcp://2")
    assert [future.options["workers"] for future in dask.trainings] == [["tcp://0"], ["tcp://2"]]
    assert dask.trainings[0].status == "cancelled"
    assert (store.get(run_id).status, store.get(run_id).deaths) == ("running", 1)


def test_a_run_that_another_worker_has_begun_meanwhile_is_left_to_it(one_sound, dask, store, monkeypatch):
    """Between the engine's look at the row and its write to it."""
    run_id = store.create(RunConfig())
    one_sound.tick()
    seen = store.start(run_id, "here:0", "CPU")
    begun = store.start(run_id, "here:2", "CPU")  # which counts the death of the first
    del dask.workers["tcp://0"]
    with monkeypatch.context() as once:
        once.setattr(store, "list", lambda **_: [seen])
        one_sound._take_back()
    assert store.get(run_id) == begun and begun.deaths == 1
    assert dask.trainings[0].status == "pending"


@pytest.mark.parametrize("answer", [{"workers": {}}, OSError("Timed out")], ids=["emptied", "none"])
def test_a_look_that_says_nothing_takes_no_run_from_its_worker(one_sound, dask, store, monkeypatch, answer):
    """Dask's own look, which asks for no workers, writes to the same place as the client's ``scheduler_info``."""
    run_id = store.create(RunConfig())
    one_sound.tick()
    held = store.start(run_id, "here:0", "CPU")
    rows = one_sound.beat()

    def unanswered(*_, **__):
        raise answer

    with monkeypatch.context() as once:
        once.setattr(dask, "scheduler_info", lambda n_workers: {"workers": {}}, raising=False)
        if isinstance(answer, OSError):
            once.setattr(dask, "sync", unanswered)
        assert one_sound.beat() == rows
    one_sound.beat()
    one_sound.tick()
    assert (store.get(run_id), len(dask.trainings)) == (held, 1)


def test_a_run_that_kills_its_only_sound_worker_is_not_tried_for_ever(one_sound, dask, store, train_worker):
    from mnist_core.engine.jobs import train_run

    run_id = store.create(RunConfig())
    one_sound.tick()
    addresses = ["tcp://0", *(f"tcp://{10 + death}" for death in range(DEATHS))]
    for before, after in pairwise(addresses):
        store.start(run_id, "here:0", "CPU")
        start_anew(one_sound, dask, before, after)
    assert [future.options["workers"] for future in dask.trainings] == [[address] for address in addresses]
    assert train_run(run_id, store.database.url) == "failed"
    assert store.get(run_id).message == KILLED


def test_a_run_does_not_wait_behind_another_while_a_sound_worker_idles(one_sound, dask, store):
    """Bound to two workers, of which one is begun anew: Dask would have its run wait for the other one."""
    dask.join("tcp://2", "train-2", "train")
    one_sound.beat()
    dask.futures[-1].end({"device": "Example CPU", "gpu": False, "host": "here", "pid": 2})
    one_sound.beat()
    ids = [store.create(RunConfig(seed=seed)) for seed in range(2)]
    one_sound.tick()
    lives, dies = (store.start(run_id, f"here:{pid}", "CPU") for run_id, pid in zip(ids, (0, 2), strict=True))
    one_sound.beat()
    assert len(dask.trainings) == 2
    del dask.workers["tcp://2"]
    dask.join("tcp://3", "train-2", "train")
    one_sound.beat()
    one_sound.tick()
    assert store.get(lives.id) == lives
    assert [future.arguments[0] for future in dask.trainings] == [*ids, dies.id]
    assert sorted(dask.trainings[2].options["workers"]) == ["tcp://0", "tcp://3"]
    assert (dask.trainings[1].status, store.get(dies.id).deaths) == ("cancelled", 1)


def test_a_run_on_a_worker_that_has_not_yet_told_who_it_is_is_left_there(one_sound, dask, store):
    """Its warm-up has ended, its run has begun, and word of the first is still on its way."""
    del dask.workers["tcp://0"]
    dask.join("tcp://2", "train-0", "train")
    one_sound.beat()
    run_id = store.create(RunConfig())
    one_sound.tick()
    held = store.start(run_id, "here:2", "CPU")
    one_sound.beat()
    one_sound.tick()
    assert (store.get(run_id), len(dask.trainings)) == (held, 1)


def test_a_run_that_had_not_begun_there_has_lost_no_worker(one_sound, dask, store):
    waiting, deleted = store.create(RunConfig()), store.create(RunConfig(seed=1))
    one_sound.tick()
    start_anew(one_sound, dask, "tcp://0", "tcp://2")
    assert (store.get(waiting).deaths, len(dask.trainings)) == (0, 2)
    store.delete(waiting)
    start_anew(one_sound, dask, "tcp://2", "tcp://3")
    assert [future.arguments[0] for future in dask.trainings] == [waiting, waiting, deleted]


def test_a_worker_without_a_nanny_is_not_ended_and_goes_on_working(scripted, dask, store):
    """``dask worker --no-nanny``: nobody would start it again."""
    dask.join("tcp://0", "train-0", "train", memory=FULL_BYTES + GROWTH_BYTES, nanny=None)
    dask.join("tcp://1", "train-1", "train", memory=FULL_BYTES + GROWTH_BYTES)
    for _ in range(3):
        scripted.beat()
    assert set(dask.restarted) == {"tcp://1"}
    store.create(RunConfig())
    scripted.tick()
    assert len(dask.trainings) == 1
