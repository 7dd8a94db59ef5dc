"""The store keeps what it is told, once, whoever writes at the same time, and loses nothing when it cannot."""

import io
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from mnist_core.config import RunConfig
from mnist_core.errors import StoreError, UnknownRun
from mnist_core.recipes import recipe
from mnist_core.store import RunStore, database
from mnist_core.store.runs import NAME_LENGTH, NOTE_LENGTH
from tests.helpers import ROOT, assert_friendly

STATUSES = ("queued", "running", "paused", "interrupted", "stopped", "finished", "failed", "cancelled")


@pytest.fixture
def run_id(store):
    return store.create(RunConfig())


def epoch(number, loss=1.0, **more):
    return {"epoch": number, "step": 10 * number, "loss": loss, "accuracy": 0.5} | more


def point(step, loss=1.0):
    return {"step": step, "loss": loss, "accuracy": 0.5}


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


# -- many at once --------------------------------------------------------------------------------------------------


def test_threads_do_not_lose_each_others_writes(store):
    ids = [store.create(RunConfig()) for _ in range(4)]
    failures = []

    def write(run_id):
        try:
            for step in range(1, 31):
                store.record(run_id, {"step": step}, [point(step)])
                store.record(run_id, {}, event=str(step))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(run_id,)) for run_id in ids for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for run_id in ids:
        assert [row["step"] for row in store.batches(run_id)] == list(range(1, 31))
        assert len(store.events(run_id)) == 60


WRITER = """
import sys
from mnist_core.store import RunStore

store, run_id = RunStore(sys.argv[1]), sys.argv[2]
for step in range(1, 101):
    row = {"step": step, "loss": 1.0, "accuracy": 0.5}
    store.record(run_id, {"step": step}, [row], files={sys.argv[3]: b"x" * 9999})
    store.record(run_id, {}, event=sys.argv[3])
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def test_processes_do_not_lose_each_others_writes(store, run_id):
    processes = [start(WRITER, store.database.url, run_id, name) for name in ("one", "two")]
    while any(process.poll() is None for process in processes):
        store.list()  # readers never wait for writers
        store.batches(run_id)
    assert [process.communicate()[0] for process in processes] == ["", ""]
    assert len(store.batches(run_id)) == 100
    told = [row["text"] for row in store.events(run_id)]
    assert (told.count("one"), told.count("two")) == (100, 100)


OPENER = """
import sys
from mnist_core.store import RunStore

print("ready", flush=True)
sys.stdin.readline()
RunStore(sys.argv[1]).create(__import__("mnist_core.config").config.RunConfig())
"""


def test_a_new_database_can_be_opened_by_many_processes_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'new' / 'runs.sqlite'}"
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(5)
    ]  # fmt: skip
    for opener in openers:
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    assert [opener.communicate()[0] for opener in openers] == [""] * 5
    store = RunStore(url)
    assert len(store.list()) == 5
    store.database.close()


# -- when the database cannot be used ------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_nothing_is_lost(store, run_id):
    store.record(run_id, {"step": 5}, [point(5)], [epoch(1)], {"checkpoint": b"the old one"})
    with store.database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    limit_pages(store, pages + 2)
    with pytest.raises(StoreError) as error:
        store.record(run_id, {"step": 9}, [point(9)], [epoch(2)], {"checkpoint": bytes(10**6)})
    assert_friendly(error, "disk is full", store.database.where, "nothing saved is lost")

    # All of it or nothing: neither step nor rows went in without their checkpoint.
    assert store.get(run_id).step == 5
    assert [row["step"] for row in store.batches(run_id)] == [5]
    assert store.load_blob(run_id, "checkpoint") == b"the old one"
    limit_pages(store, 2**30)  # space was freed
    store.record(run_id, {"step": 9}, [point(9)], [epoch(2)], {"checkpoint": bytes(10**6)})
    assert store.get(run_id).step == 9


def limit_pages(store, pages):
    """No connection of the store may let the database grow beyond so many pages."""
    store.database.close()
    event.listen(
        store.database._engine,
        "connect",
        lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages}"),
    )


def test_a_database_that_is_locked_for_long_is_told(home, monkeypatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.1)
    store = RunStore(f"sqlite:///{home}/runs.sqlite")
    run_id = store.create(RunConfig())
    blocker = sqlite3.connect(home / "runs.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as error:
        store.rename(run_id, "new")
    assert_friendly(error, "in use by another program", "runs.sqlite")
    assert store.get(run_id).name  # reading goes on
    blocker.execute("ROLLBACK")
    blocker.close()
    store.rename(run_id, "new")
    assert store.get(run_id).name == "new"
    store.database.close()


def test_a_short_lock_is_waited_for(store, run_id):
    blocker = sqlite3.connect(store.database.where, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: blocker.execute("ROLLBACK"))
    timer.start()
    store.rename(run_id, "patience")
    timer.join()
    blocker.close()
    assert store.get(run_id).name == "patience"


@contextmanager
def as_somebody_else():
    """Without the powers of root, who may write everywhere; does nothing for others."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def locked_folder():
    """A folder with a database in it that may be read, but not written to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = RunStore(f"sqlite:///{folder / 'runs.sqlite'}")
        store.create(RunConfig(), name="kept")
        store.database.close()
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_folder_that_may_not_be_written_to_is_told(locked_folder):
    path = locked_folder / "runs.sqlite"
    before = path.read_bytes()
    with as_somebody_else(), pytest.raises(StoreError) as error:
        RunStore(f"sqlite:///{path}").create(RunConfig())
    assert_friendly(error, path, "written to")
    with as_somebody_else(), pytest.raises(StoreError) as error:
        RunStore(f"sqlite:///{locked_folder / 'new' / 'runs.sqlite'}")
    assert_friendly(error, locked_folder / "new", "MNIST_LAB_HOME")
    with as_somebody_else(), pytest.raises(StoreError) as error:
        RunStore(f"sqlite:///{locked_folder / 'other.sqlite'}")
    assert_friendly(error, locked_folder / "other.sqlite")
    assert path.read_bytes() == before


def test_a_write_to_a_read_only_database_is_told(store, run_id):
    store.database.close()
    event.listen(store.database._engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    with pytest.raises(StoreError) as error:
        store.rename(run_id, "new")
    assert_friendly(error, "cannot be written to", "MNIST_LAB_HOME")


def test_a_home_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as error:
        RunStore(f"sqlite:///{tmp_path}/file/runs.sqlite")
    assert_friendly(error, f"{tmp_path}/file", "MNIST_LAB_HOME")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"This is a text file and no database at all. " * 100,
        lambda content: b"\x00" * 100 + content[100:],
        lambda content: content[:4096] + b"\xff" * (len(content) - 4096),
        lambda content: content[:50],
    ],
    ids=["text", "header", "pages", "cut short"],
)
def test_a_damaged_database_is_told_and_left_as_it_is(home, damage):
    path = home / "runs.sqlite"
    store = RunStore(f"sqlite:///{path}")
    for i in range(30):
        store.record(store.create(RunConfig(seed=i)), {}, files={"x": bytes(5000)})
    store.database.close()
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(StoreError) as error:
        RunStore(f"sqlite:///{path}").list()
    assert_friendly(error, path, "was left as it is")
    assert path.read_bytes() == damaged


def test_a_truncated_database_is_told_when_the_missing_part_is_read(home):
    path = home / "runs.sqlite"
    store = RunStore(f"sqlite:///{path}")
    run_id = store.create(RunConfig())
    store.record(run_id, {}, files={"model.keras": bytes(500_000)})
    store.database.close()
    truncated = path.read_bytes()[:200_000]
    path.write_bytes(truncated)
    with pytest.raises(StoreError) as error:
        RunStore(f"sqlite:///{path}").load_blob(run_id, "model.keras")
    assert_friendly(error, path)
    assert path.read_bytes() == truncated


def test_tables_of_another_program_are_told(home):
    home.mkdir()
    with sqlite3.connect(home / "runs.sqlite") as other:
        other.execute("CREATE TABLE runs (distance REAL)")
    other.close()
    with pytest.raises(StoreError) as error:
        RunStore(f"sqlite:///{home}/runs.sqlite")
    assert_friendly(error, home / "runs.sqlite", "left as it is")
    with sqlite3.connect(home / "runs.sqlite") as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    other.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("runs.sqlite", ["'runs.sqlite' is no database URL", "sqlite:////folder/runs.sqlite"]),
        ("", ["is no database URL"]),
        ("oracle9://host/runs", ["is no database URL"]),
        ("sqlite://", ["is no database URL"]),
        ("sqlite:///:memory:", ["is no database URL"]),
        ("mssql+pymssql://lab:secret@host/runs", ["pymssql", "pip install"]),
    ],
)
def test_addresses_that_are_none_are_told_without_their_password(url, words):
    with pytest.raises(StoreError) as error:
        RunStore(url)
    assert_friendly(error, *words)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["with space", "Ümläut", "100% & #1", "a'b"])
def test_folders_may_have_any_name(tmp_path, name):
    folder = tmp_path / name
    store = RunStore(f"sqlite:///{folder / 'runs.sqlite'}")
    store.create(RunConfig())
    store.database.close()
    assert (folder / "runs.sqlite").stat().st_size > 0
    assert {path.name for path in folder.iterdir()} == {"runs.sqlite"}  # nothing temporary is left behind
