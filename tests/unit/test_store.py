"""The store keeps what it is told, once, whoever writes at the same time, and loses nothing when it cannot."""

import io
import time

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import StoreError, UnknownRun
from mnist_core.recipes import recipe
from mnist_core.store import RunStore
from mnist_core.store.runs import NAME_LENGTH, NOTE_LENGTH
from tests.helpers import assert_friendly
from tests.rows import epoch, point

STATUSES = ("queued", "running", "paused", "interrupted", "stopped", "finished", "failed", "cancelled")

pytestmark = pytest.mark.usefixtures("both_databases")


# -- what readers do -----------------------------------------------------------------------------------------------


def test_a_new_run_waits_with_its_configuration(store):
    config = recipe("cnn-32-64-64").config
    before = time.time()
    run = store.get(store.create(config, name="My run", recipe="cnn-32-64-64"))
    assert run.settings == config
    assert (run.name, run.recipe, run.status, run.wish) == ("My run", "cnn-32-64-64", "queued", "")
    assert run.parameters == 61_514
    assert before <= run.created == run.queued <= time.time()
    assert (run.epoch, run.step, run.steps, run.progress) == (0, 0, 0, 0.0)
    assert run.started is run.ended is run.test_accuracy is None
    assert run.active
    assert not run.usable


def test_a_name_is_found_for_those_without(store):
    assert store.get(store.create(RunConfig(), recipe="quick")).name == "quick"
    assert store.get(store.create(RunConfig(), name="  ")).name == RunConfig().summary()
    assert store.get(store.create(RunConfig(), name=" a\x00b " + "c" * 999)).name == ("ab " + "c" * 999)[:NAME_LENGTH]


def test_names_and_notes_can_be_changed(store, run_id):
    store.rename(run_id, " Better ")
    store.annotate(run_id, "Line one\nTwo: " + "x" * 20_000)
    run = store.get(run_id)
    assert run.name == "Better"
    assert run.note.startswith("Line one\nTwo: x")
    assert len(run.note) == NOTE_LENGTH
    with pytest.raises(StoreError) as error:
        store.rename(run_id, "  ")
    assert_friendly(error, "must not be empty")
    assert store.get(run_id).name == "Better"


def test_lists_are_newest_first_and_by_status(store):
    ids = [store.create(RunConfig(seed=seed)) for seed in range(4)]
    store.record(ids[1], {"status": "finished", "test_accuracy": 0.9})
    store.record(ids[2], {"status": "failed"})
    assert [run.id for run in store.list()] == ids[::-1]
    assert [run.id for run in store.list(limit=2)] == [ids[3], ids[2]]
    assert [run.id for run in store.list(statuses=("finished", "failed"))] == [ids[2], ids[1]]
    assert store.statistics() == {"queued": 2, "finished": 1, "failed": 1}
    assert [run.usable for run in store.list()] == [False, False, True, False]


def test_the_queue_is_first_come_first_served(store):
    ids = [store.create(RunConfig(seed=seed)) for seed in range(3)]
    assert store.queue() == ids
    store.mark_running(ids[0])
    assert store.queue() == ids[1:]
    store.requeue(ids[0])  # its worker died: it keeps its place
    assert store.queue() == ids
    store.record(ids[0], {"status": "paused"})
    store.resume(ids[0])  # a reader paused it: it comes last
    assert store.queue() == [*ids[1:], ids[0]]


def test_deleting_a_run_takes_all_that_hangs_off_it(store, run_id):
    other = store.create(RunConfig())
    for one in (run_id, other):
        store.record(one, {}, [point(1)], [epoch(1)], {"model.keras": b"bytes"})
        store.record(one, {}, event="Something happened.")
    store.delete(run_id)
    with store.database.read() as connection:
        for table in ("runs", "epochs", "batches", "events", "blobs"):
            key = "id" if table == "runs" else "run_id"
            found = connection.exec_driver_sql(f"SELECT {key} FROM {table}").scalars().all()
            assert found == [other], table


def test_unknown_ids_are_told(store):
    for call in (
        lambda: store.get("nothing"),
        lambda: store.rename("nothing", "x"),
        lambda: store.annotate("nothing", "x"),
        lambda: store.ask("nothing", "stop"),
        lambda: store.resume("nothing"),
        lambda: store.delete("nothing"),
        lambda: store.start("nothing", "host:1", "CPU"),
        lambda: store.record("nothing", {}, [point(1)], [epoch(1)], {"x": b""}),
        lambda: store.record("nothing", {}, event="x"),
    ):
        with pytest.raises(UnknownRun) as error:
            call()
        assert_friendly(error, "'nothing'")
    assert store.epochs("nothing") == store.batches("nothing") == store.events("nothing") == []
    assert store.load_blob("nothing", "model.keras") is None
    assert store.load_array("nothing", "test_probabilities") is None
    with store.database.read() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM blobs").scalar() == 0


# -- wishes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("begun", [False, True], ids=["new", "begun"])
@pytest.mark.parametrize("wish", ["stop", "pause", "resume"])
def test_wishes_in_every_status(store, run_id, status, begun, wish):
    store.record(run_id, {"status": status, "step": 7 * begun})
    run = store.resume(run_id) if wish == "resume" else store.ask(run_id, wish)
    assert run == store.get(run_id)

    unchanged = (status, "")
    expected = {
        # A worker has it: it reads the wish.
        ("running", "stop"): ("running", "stop"),
        ("running", "pause"): ("running", "pause"),
        # No worker has it, so it is done at once.
        ("queued", "pause"): ("paused", ""),
        ("paused", "resume"): ("queued", ""),
        ("interrupted", "resume"): ("queued", ""),
        # A stop keeps the weights, where there are any: a worker makes a model of them.
        ("queued", "stop"): ("queued", "stop") if begun else ("cancelled", ""),
        ("paused", "stop"): ("queued", "stop") if begun else ("cancelled", ""),
        ("interrupted", "stop"): ("queued", "stop") if begun else ("cancelled", ""),
    }.get((status, wish), unchanged)
    assert (run.status, run.wish) == expected
    assert (run.status == "cancelled" and status != "cancelled") == (run.ended is not None)


def test_a_wish_can_be_taken_back_while_nobody_has_obeyed(store, run_id):
    store.record(run_id, {"status": "running"})
    store.ask(run_id, "pause")
    assert store.resume(run_id).wish == ""
    store.ask(run_id, "pause")
    assert store.ask(run_id, "stop").wish == "stop"
    assert store.resume(run_id).wish == "stop"  # a stop is not taken back by resuming


def test_a_wish_is_not_lost_when_a_worker_takes_the_run_at_that_moment(store, run_id, monkeypatch):
    stale = store.get(run_id)
    store.start(run_id, "host:1", "CPU")
    answers = [stale]  # what a page saw last
    monkeypatch.setattr(store, "get", lambda run_id: answers.pop() if answers else RunStore.get(store, run_id))
    run = store.ask(run_id, "stop")
    assert (run.status, run.wish) == ("running", "stop")


def test_the_worker_hears_the_wish_with_its_next_record(store, run_id):
    store.start(run_id, "host:1", "CPU")
    assert store.record(run_id, {"step": 1}) == ""
    store.ask(run_id, "pause")
    assert store.record(run_id, {"step": 2}) == "pause"


# -- what workers do -----------------------------------------------------------------------------------------------


def test_a_start_is_known_by_worker_and_device(store, run_id):
    store.mark_running(run_id)
    assert store.get(run_id).status == "running"
    first = store.start(run_id, "host:12", "Example CPU")
    assert (first.status, first.worker, first.device) == ("running", "host:12", "Example CPU")
    assert first.started == pytest.approx(time.time(), abs=5)
    store.record(run_id, {"status": "paused", "ended": 1.0, "message": "x"})
    again = store.start(run_id, "host:13", "Example CPU")
    assert again.started == first.started
    assert (again.ended, again.message, again.worker) == (None, "", "host:13")


def test_only_waiting_runs_are_handed_out_and_only_running_ones_go_back(store, run_id):
    for status in STATUSES:
        store.record(run_id, {"status": status})
        store.mark_running(run_id)
        assert store.get(run_id).status == ("running" if status == "queued" else status)
        store.record(run_id, {"status": status})
        store.requeue(run_id)
        assert store.get(run_id).status == ("queued" if status == "running" else status)


def test_rows_stand_once_however_often_they_come(store, run_id):
    for loss in (3.0, 2.0, 1.0):
        store.record(run_id, {"epoch": 2}, [point(5, loss), point(6, loss)], [epoch(1, loss), epoch(2, loss)])
    assert store.epochs(run_id) == [
        {"run_id": run_id, "val_loss": None, "val_accuracy": None, "learning_rate": None, "seconds": None}
        | epoch(number, 1.0)
        for number in (1, 2)
    ]
    assert store.batches(run_id) == [{"run_id": run_id} | point(step, 1.0) for step in (5, 6)]


def test_a_repeated_epoch_replaces_every_number(store, run_id):
    store.record(run_id, {}, epoch_rows=[epoch(1, val_loss=0.5, val_accuracy=0.9, learning_rate=0.1, seconds=2.0)])
    store.record(
        run_id,
        {},
        epoch_rows=[epoch(1, 0.25, val_loss=0.4, val_accuracy=0.8, learning_rate=0.2, seconds=1.0)],
    )
    [row] = store.epochs(run_id)
    assert row == {"run_id": run_id} | epoch(
        1, 0.25, val_loss=0.4, val_accuracy=0.8, learning_rate=0.2, seconds=1.0
    )  # fmt: skip


def test_readers_ask_for_what_is_new(store, run_id):
    store.record(run_id, {}, [point(step) for step in (9, 3, 6)], [epoch(2), epoch(1), epoch(3)])
    assert [row["epoch"] for row in store.epochs(run_id)] == [1, 2, 3]
    assert [row["epoch"] for row in store.epochs(run_id, after=2)] == [3]
    assert [row["step"] for row in store.batches(run_id, after=3)] == [6, 9]
    assert store.batches(run_id, after=9) == []


def test_what_lies_beyond_a_checkpoint_is_forgotten(store, run_id):
    other = store.create(RunConfig())
    for one in (run_id, other):
        store.record(one, {}, [point(step) for step in (5, 10, 15)], [epoch(1), epoch(2)])
    store.forget_after(run_id, step=10, epoch=1)
    assert [row["step"] for row in store.batches(run_id)] == [5, 10]
    assert [row["epoch"] for row in store.epochs(run_id)] == [1]
    assert len(store.batches(other)) == 3


def test_blobs_are_replaced_and_discarded(store, run_id):
    packed = io.BytesIO()
    np.save(packed, np.eye(3))
    store.record(run_id, {}, files={"checkpoint": b"old", "numbers": packed.getvalue()})
    store.record(run_id, {}, files={"checkpoint": b"new"})
    assert store.load_blob(run_id, "checkpoint") == b"new"
    np.testing.assert_array_equal(store.load_array(run_id, "numbers"), np.eye(3))
    store.record(run_id, {}, files={"checkpoint": None})
    store.record(run_id, {}, files={"checkpoint": None})
    assert store.load_blob(run_id, "checkpoint") is None
    assert store.load_blob(run_id, "numbers") is not None


def test_the_diary_is_in_order(store, run_id):
    for text in ("Starts.", "Goes on.", "Ends."):
        store.record(run_id, {}, event=text)
    assert [row["text"] for row in store.events(run_id)] == ["Starts.", "Goes on.", "Ends."]
    assert all(abs(row["time"] - time.time()) < 5 for row in store.events(run_id))


def test_progress_is_the_share_of_steps_done(store, run_id):
    for step, steps, progress in ((0, 0, 0.0), (5, 20, 0.25), (20, 20, 1.0), (21, 20, 1.0)):
        store.record(run_id, {"step": step, "steps": steps})
        assert store.get(run_id).progress == progress
