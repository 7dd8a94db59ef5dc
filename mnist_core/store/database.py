"""Opens the database and says in plain words what is wrong with it."""

from __future__ import annotations

import re
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mnist_core.errors import StoreBusy, StoreError
from mnist_core.store import schema

LOCK_SECONDS = 15
"""How long a write waits for another process's write before it is refused."""

EMPTY_SECONDS = 1.0
"""How long a database without a byte may be one that another process is just making."""

PAGE_BYTES = 16_384
"""Of a new SQLite file: models and checkpoints of megabytes go into fewer pages than with SQLite's 4 KB."""

LOG_BYTES = 64 * 2**20
"""How far SQLite's log grows before it is copied into the file. After each 4 MB, as SQLite would, a training's
checkpoint every second is written twice and waited for; checkpoints overwrite each other, so most are never copied."""

REACH_SECONDS = 10
"""How long a database server on another machine may take to answer before it counts as away."""

PASSING = (
    *("disk is full", "locked", "disk i/o"),
    *("no space left", "could not extend", "lock timeout", "deadlock detected", "too many clients"),
    *("the database system is", "terminating connection", "connection failed", "closed the connection"),
    *("connection timeout", "connection is lost", "connection is closed", "connection not open"),
    *("connection timed out", "could not receive data", "could not send data", "connection has been closed"),
    *("resolve host", "translate host"),
)
"""Signs of trouble that may pass by itself or by somebody's making room; after the first line those of PostgreSQL."""

LASTING = ("authentication failed", "does not exist", "no pg_hba.conf entry")
"""Signs of trouble with reaching a server that will not pass by itself."""

_HELD_BY_POSTGRES = """
SELECT pg_database_size(current_database()) - pg_total_relation_size('blobs')
    + (SELECT coalesce(sum(pg_column_size(data)), 0) FROM blobs)
"""
"""PostgreSQL keeps the room of deleted rows in its files. Nearly all of it lies in ``blobs``, so those are counted by
what is in them, as it is stored: their lengths stand in the rows, and no data is read."""

_PLAIN_WORDS = (
    ("disk is full", "The disk is full: nothing more can be saved in {where}. Free some space; nothing saved is lost."),
    ("readonly", "{where} cannot be written to. Give write permission, or set MNIST_LAB_HOME to another folder."),
    ("read-only", "{where} cannot be written to. Give write permission, or set MNIST_LAB_HOME to another folder."),
    ("unable to open", "{where} cannot be opened. Check that the folder exists and may be written to."),
    ("locked", "{where} is in use by another program for too long. Close that program and try again."),
    ("malformed", "{where} is damaged and was left as it is. Move it away, or put a backup in its place."),
    ("not a database", "{where} is not a database of runs and was left as it is. Move it away, or name another."),
    ("no such column", "{where} holds other tables than ours and was left as it is. Move it away, or name another."),
    ("no such table", "{where} is incomplete and was left as it is. Move it away, or put a backup in its place."),
    ("disk i/o", "{where} could not be read or written (disk error). Check the disk; nothing was overwritten."),
    ("no space left", "{where} has a full disk: nothing more can be saved. Free some space; nothing saved is lost."),
    ("could not extend", "{where} has a full disk: nothing more can be saved. Free some space; nothing saved is lost."),
    ("lock timeout", "{where} is in use by another program for too long. Close that program and try again."),
    ("authentication failed", "{where} refuses this name or password. Mend MNIST_LAB_DATABASE."),
    ("no pg_hba.conf entry", "{where} lets nobody in from this machine. Allow it in its pg_hba.conf."),
    ("resolve host", "{where} is not found by its name. Check the host in MNIST_LAB_DATABASE; trainings wait."),
    ("translate host", "{where} is not found by its name. Check the host in MNIST_LAB_DATABASE; trainings wait."),
    ("fatal:  database", "{where} has no database of that name. Make it with createdb, or mend MNIST_LAB_DATABASE."),
    ("fatal:  role", "{where} does not know this user. Make it with createuser, or mend MNIST_LAB_DATABASE."),
    ("does not exist", "{where} holds other tables than ours and was left as it is. Name another database."),
    ("permission denied", "{where} does not let this user write. Give it the right to, or mend MNIST_LAB_DATABASE."),
    ("connection", "{where} cannot be reached. It is tried again; check that it runs, and MNIST_LAB_DATABASE."),
    ("the database system is", "{where} is starting or stopping. It is tried again."),
)  # fmt: skip


class Database:
    """A connection pool to the store's database, made ready on first use.

    Raises:
        StoreError: if it cannot be opened, written or understood; what is there is never overwritten.
    """

    def __init__(self, url: str):
        self.url = url
        shown = re.sub("//.*@", "//…@", url)  # a password is nobody's business
        try:
            parsed = make_url(url)
            self._engine = _open(parsed)
        except (ArgumentError, ValueError):  # a port that is no number is a ValueError
            raise StoreError(f"{shown!r} is no database URL. It looks like sqlite:////folder/runs.sqlite.") from None
        except ImportError as error:
            raise StoreError(
                f"{shown!r} needs the Python package {error.name}. Install it with pip install {error.name}."
            ) from None
        # Whoever forgets a database leaves no connection open: from 3.13 on Python complains of those.
        weakref.finalize(self, self._engine.dispose)
        self.where = parsed.database if parsed.drivername.startswith("sqlite") else f"The database at {parsed.host}"
        if parsed.drivername.startswith("sqlite"):
            _make_folder(Path(parsed.database).parent)
            _require_content(Path(parsed.database))
        schema.make_ready(self)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._plainly(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it is kept, or none.

        In SQLite nobody else writes between what it reads and what it writes; in PostgreSQL lock the rows where that
        matters (``lock_run``).
        """
        with self._plainly(), self._engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                # Python's driver would begin at the first change, after what was read before it may have gone.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def stored_bytes(self) -> int:
        """How much the database holds, without room that deleted runs have left."""
        with self.read() as connection:
            if connection.dialect.name == "postgresql":
                return connection.exec_driver_sql(_HELD_BY_POSTGRES).scalar()
            page, pages, free = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("page_size", "page_count", "freelist_count")
            )
            return page * (pages - free)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise StoreBusy(f"{self.where} is busy: too many wait for it at once. Try again in a while.") from error
        except DBAPIError as error:
            problem = str(error.orig)
            passing = _has(problem, PASSING) and not _has(problem, LASTING)
            kind = StoreBusy if passing else StoreError
            raise kind(self._explain(problem)) from error

    def _explain(self, problem: str) -> str:
        for sign, sentence in _PLAIN_WORDS:
            if _has(problem, (sign,)):
                return sentence.format(where=self.where)
        return f"{self.where} refused: {problem.partition(chr(10))[0].rstrip('.')}."


def _has(problem: str, signs: tuple[str, ...]) -> bool:
    return any(sign in problem.lower() for sign in signs)


def upserting(connection: Connection, table: Table):
    """An ``INSERT`` that knows ``ON CONFLICT``, which each database spells in its own dialect."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The data folder {folder} cannot be made ({error.strerror}). "
            f"Set MNIST_LAB_HOME to a folder that may be written to."
        ) from None


def _require_content(file: Path) -> None:
    """Refuses a file without a byte: it was cut off, and SQLite would begin anew in it without a word."""
    deadline = time.monotonic() + EMPTY_SECONDS
    while file.is_file() and file.stat().st_size == 0:
        if time.monotonic() > deadline:
            raise StoreError(
                f"{file} is empty, as if it had been cut off, and was left as it is. Put a backup in its place, "
                f"or move it away to begin anew."
            )
        time.sleep(EMPTY_SECONDS / 20)


def _open(url) -> Engine:
    if url.drivername.startswith("sqlite") and url.database in (None, "", ":memory:"):
        raise ArgumentError("workers are processes of their own, so the database must be a file")
    if not url.drivername.startswith("sqlite"):
        # A server that vanishes without a word must be noticed too, by workers that write to it for hours.
        patience = {"connect_timeout": REACH_SECONDS, "options": f"-c lock_timeout={LOCK_SECONDS}s"}
        patience |= {"keepalives_idle": REACH_SECONDS, "tcp_user_timeout": 3000 * REACH_SECONDS}
        postgres = url.get_backend_name() == "postgresql"
        return create_engine(url, pool_pre_ping=True, connect_args=patience if postgres else {})
    engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS})

    event.listen(engine, "connect", prepare_sqlite)
    return engine


def prepare_sqlite(connection: sqlite3.Connection, _record: Any = None) -> None:
    """How every connection to a file begins, Optuna's too: whoever writes copies the log when it has grown."""
    # WAL lets pages read while a worker writes; NORMAL syncs when the log is copied into the file, so a power cut
    # may cost what the system had not yet put on the disk, the last half minute, never the file.
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA page_size={PAGE_BYTES}")  # of a new file
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    (page_bytes,) = cursor.execute("PRAGMA page_size").fetchone()
    cursor.execute(f"PRAGMA wal_autocheckpoint={LOG_BYTES // page_bytes}")
    cursor.close()
