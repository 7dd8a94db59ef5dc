"""Who may write to a run, and how often its worker has died."""

import pytest

from mnist_core.errors import RunTaken, UnknownRun
from tests.helpers import assert_friendly
from tests.rows import epoch, point

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def lost(store, run_id):
    """The word of a worker that was thought dead, whose run another one has by now."""
    store.mark_running(run_id)
    first = store.start(run_id, "host:1", "CPU")
    store.record(run_id, {"epoch": 1, "step": 5}, [point(5)], [epoch(1)], holder=first.holder)
    store.start(run_id, "host:2", "CPU")
    return first.holder


def test_only_the_last_worker_that_began_may_write(store, run_id, lost):
    for write in (
        lambda: store.record(run_id, {"epoch": 2}, [point(10)], [epoch(2)], {"checkpoint": b"x"}, "y", lost),
        lambda: store.forget_after(run_id, 0, 0, lost),
        lambda: store.record(run_id, {"status": "failed"}, holder=lost),
    ):
        with pytest.raises(RunTaken) as error:
            write()
        assert_friendly(error, run_id)
    assert [row["epoch"] for row in store.epochs(run_id)] == [1]
    assert [row["step"] for row in store.batches(run_id)] == [5]
    assert store.load_blob(run_id, "checkpoint") is None
    assert store.events(run_id) == []
    run = store.get(run_id)
    assert (run.status, run.epoch, run.worker) == ("running", 1, "host:2")
    store.record(run_id, {"epoch": 2}, [], [epoch(2)], holder=run.holder)
    assert [row["epoch"] for row in store.epochs(run_id)] == [1, 2]


@pytest.mark.parametrize("end", ["requeue", "finished", "failed", "paused", "interrupted"])
def test_a_run_that_no_worker_has_takes_no_rows(store, run_id, end):
    store.mark_running(run_id)
    holder = store.start(run_id, "host:1", "CPU").holder
    store.requeue(run_id) if end == "requeue" else store.record(run_id, {"status": end})
    with pytest.raises(RunTaken):
        store.record(run_id, {}, [], [epoch(1)], holder=holder)
    assert store.epochs(run_id) == []


def test_a_deleted_run_is_told_apart_from_a_lost_one(store, run_id):
    holder = store.start(run_id, "host:1", "CPU").holder
    store.delete(run_id)
    with pytest.raises(UnknownRun):
        store.record(run_id, {}, holder=holder)


def test_a_run_at_its_end_is_not_begun_again(store, run_id):
    for status in ("finished", "stopped", "failed", "cancelled"):
        store.record(run_id, {"status": status})
        with pytest.raises(RunTaken):
            store.start(run_id, "host:1", "CPU")


def test_deaths_of_workers_are_counted_and_those_of_engines_are_not(store, run_id):
    def begin():
        store.mark_running(run_id)
        return store.start(run_id, "host:1", "CPU").deaths

    assert begin() == 0
    assert begin() == 1  # the scheduler gave it to another worker, since the first had gone
    store.requeue(run_id)  # the engine had died, and its workers with it
    assert begin() == 1
    store.ask(run_id, "pause")
    store.record(run_id, {"status": "paused", "wish": ""})
    store.resume(run_id)
    assert begin() == 1
    store.requeue(run_id, died=True)
    assert begin() == 2


def test_a_death_that_the_next_worker_has_counted_is_not_counted_again(store, run_id):
    store.mark_running(run_id)
    first = store.start(run_id, "host:1", "CPU")
    second = store.start(run_id, "host:2", "CPU")  # the scheduler was quicker than who looks after vanished workers
    assert not store.requeue(run_id, died=True, holder=first.holder)
    assert (store.get(run_id).status, store.get(run_id).deaths) == ("running", 1)
    assert store.requeue(run_id, died=True, holder=second.holder)
    assert (store.get(run_id).status, store.get(run_id).deaths) == ("queued", 2)
