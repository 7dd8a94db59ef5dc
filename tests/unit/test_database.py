"""A database that cannot be used: nothing is lost, and the reason is told."""

import os
import sqlite3
import tempfile
import threading
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from mnist_core.config import RunConfig
from mnist_core.errors import StoreBusy, StoreError
from mnist_core.store import RunStore, database
from tests.helpers import assert_friendly
from tests.rows import epoch, point

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


def test_a_pool_that_is_used_up_is_busy_and_no_error_of_ours(store, monkeypatch):
    pool = store.database._engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.05)
    with ExitStack() as stack:
        for _ in range(pool.size() + pool._max_overflow):
            stack.enter_context(store.database.read())
        with pytest.raises(StoreBusy) as error, store.database.read():
            pass
    assert_friendly(error, "too many", "again")


@pytest.mark.parametrize(
    "problem",
    [
        "could not receive data from server: Connection timed out",
        "SSL connection has been closed unexpectedly",
        "server closed the connection unexpectedly",
    ],
)
def test_a_connection_that_was_lost_may_come_back(store, problem):
    with pytest.raises(StoreBusy) as error, store.database.read():
        raise OperationalError("SELECT 1", {}, Exception(problem))
    assert_friendly(error, "cannot be reached")


@pytest.mark.parametrize(
    "problem",
    [
        "failed to resolve host 'database': [Errno -3] Temporary failure in name resolution",
        "failed to resolve host 'database': [Errno -2] Name or service not known",  # while its container is started
        'could not translate host name "database" to address: Name or service not known',
    ],
)
def test_a_server_whose_name_is_not_found_may_come_back(store, problem):
    with pytest.raises(StoreBusy) as error, store.database.read():
        raise OperationalError("SELECT 1", {}, Exception(problem))
    assert_friendly(error, "not found by its name", "trainings wait", "MNIST_LAB_DATABASE")


def test_an_address_that_leads_nowhere_is_told():
    with pytest.raises(StoreBusy) as error:
        RunStore("postgresql+psycopg://lab:secret@no-such-host.invalid/lab")
    assert_friendly(error, "no-such-host.invalid", "not found", "MNIST_LAB_DATABASE")
    assert "secret" not in str(error.value)


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
        lambda content: content[: len(content) // 2],
        lambda content: content[:50],
        lambda content: b"",
    ],
    ids=["text", "header", "pages", "half", "cut short", "empty"],
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
        ("postgresql+psycopg://lab:secret@host:abc/runs", ["//…@host:abc/runs' is no database URL"]),
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


@pytest.mark.parametrize("older", [False, True], ids=["a new file", "one of an older version"])
def test_checkpoints_overwrite_each_other_in_sqlites_log_before_it_is_copied(home, older):
    """In pages that suit them, where the file is new; an older one keeps the pages that it has, and as long a log."""
    home.mkdir()
    if older:
        with closing(sqlite3.connect(home / "runs.sqlite")) as file:
            file.executescript("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; CREATE TABLE other (id)")
    page_bytes = 4096 if older else database.PAGE_BYTES
    store = RunStore(f"sqlite:///{home}/runs.sqlite")
    with store.database.read() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("page_size", "wal_autocheckpoint")]
    assert found == [page_bytes, database.LOG_BYTES // page_bytes]
