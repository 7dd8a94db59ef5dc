"""Who is the engine of this store, and who wants it to stay: two small tables instead of lock files.

A lease is taken by one atomic statement and kept alive by beats. It falls to the next taker when its beats
stop, or at once when its process is gone from the same machine.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import psutil
from sqlalchemy import delete, select, update

from mnist_core.errors import StoreError
from mnist_core.store.database import Database, upserting
from mnist_core.store.tables import attendance, engine_lease

STALE_SECONDS = 15
"""Beats come every second; so many missed ones mean that a process on another machine is gone."""

BROKEN_SECONDS = 20
"""How long the last words of an engine that could not work are shown before another is tried."""

SILENT_SECONDS = 180
"""Longer than who attends is silent: most sign every five seconds, and who waits for an answer, after two minutes."""

HOST = socket.gethostname()

NEEDED = {
    "train": "no worker that trains has joined "
    "(start one: dask worker {address} --nthreads 1 --resources train=1 --memory-limit 0)",
    "predict": "no worker that answers drawings has joined "
    "(start one: dask worker {address} --nthreads 2 --resources predict=1,files=1 --memory-limit 0)",
}
"""What is missing, by kind of worker, where workers are started by hand."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

OUT_OF_REACH = (
    "The engine trains, but cannot read drawings from here: its workers can be reached on {host} alone. "
    "Set MNIST_LAB_SCHEDULER, on every machine, to a Dask scheduler that all of them reach."
)


@dataclass(frozen=True)
class EngineStatus:
    """What the engine last said of itself; ``state`` is starting, ready, ending, broken or away."""

    state: str
    address: str = ""
    workers: tuple[dict[str, Any], ...] = ()
    pid: int = 0
    host: str = ""
    problem: str = ""
    """Why it is broken, in words."""
    beat: float = 0.0
    """When it last gave a sign of life, in seconds since 1970."""
    owner: str = ""
    """Who holds the lease: another engine has another owner, also with the same process number."""
    out_of_reach: str = ""
    """Why its workers cannot be asked from this machine, in words; runs are trained all the same."""

    @property
    def ready(self) -> bool:
        return self.state == "ready"

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Workers that ``train`` or ``predict``, but for those that said why they cannot."""
        return [worker for worker in self.workers if worker["kind"] == kind and not worker.get("problem")]

    @property
    def problems(self) -> list[str]:
        """Why it, or some of its workers, cannot work."""
        own = [self.problem] if self.state == "broken" else []
        return own + [worker["problem"] for worker in self.workers if worker.get("problem")]

    @property
    def crippled(self) -> bool:
        """Whether it cannot work, or nobody is left who could train, or answer drawings, of those who should."""
        troubled = {worker["kind"] for worker in self.workers if worker.get("problem")}
        return self.state == "broken" or any(not self.of(kind) for kind in troubled)

    @property
    def unused_gpu(self) -> str:
        """The host of the first worker with a GPU that its TensorFlow cannot use; empty if there is none."""
        return next((worker["host"] for worker in self.workers if worker.get("unused_gpu")), "")

    @property
    def missing(self) -> str:
        """Which workers have not joined the scheduler, and how to start one; empty if there is one of each kind."""
        absent = [kind for kind in NEEDED if self.ready and not any(worker["kind"] == kind for worker in self.workers)]
        return "; ".join(NEEDED[kind].format(address=self.address) for kind in absent)


def engine_status(database: Database, scheduler: str = "") -> EngineStatus:
    """The engine as pages show it; ``away`` if there is none or its process is gone.

    Args:
        scheduler: that the settings of this machine name. At an address that each machine has for itself, and at the
            engine's port, it is one that a tunnel leads to, as from the engine's machine.
    """
    with database.read() as connection:
        row = connection.execute(select(engine_lease)).first()
    if row is not None and row.state == "broken" and time.time() - row.beat < BROKEN_SECONDS:
        return EngineStatus("broken", problem=row.problem)
    if row is None or not process_alive(row.host, row.pid, row.beat):
        return EngineStatus("away")
    status = EngineStatus(row.state, row.address, tuple(json.loads(row.workers)), row.pid, row.host)
    # Two machines have one database only if it is a server's; with a file, this one has got another name.
    elsewhere = row.host != HOST and not database.url.startswith("sqlite")
    tunnel = is_loopback(scheduler) and urlsplit(scheduler).port == urlsplit(row.address).port
    alone = elsewhere and is_loopback(row.address) and not tunnel
    reach = OUT_OF_REACH.format(host=row.host) if alone else ""
    return replace(status, beat=row.beat, owner=row.owner, out_of_reach=reach)


def is_loopback(address: str) -> bool:
    """Whether it is one that each machine has for itself."""
    return any(host in address for host in LOOPBACK)


def revoke(database: Database, status: EngineStatus) -> None:
    """Takes the lease from the engine that said ``status`` last, unless it has given a sign of life since.

    In a copied store stand those who attended the other store's engine, too: they are forgotten with it.
    """
    held = (engine_lease.c.owner == status.owner) & (engine_lease.c.beat == status.beat)
    with database.write() as connection:
        if connection.execute(delete(engine_lease).where(held)).rowcount:
            copied = (attendance.c.host == HOST) & (attendance.c.beat < status.beat + STALE_SECONDS)
            connection.execute(delete(attendance).where(copied))


class Lease:
    """The right to be the engine of a store. ``take`` it, ``renew`` it every second, ``release`` it."""

    def __init__(self, database: Database):
        self._database = database
        self._owner = uuid.uuid4().hex

    def take(self) -> bool:
        """Whether this process now is the engine; ``False`` if a living one has the lease."""
        row = {"owner": self._owner, "host": HOST, "pid": os.getpid(), "beat": time.time(), "state": "starting"}
        row |= {"address": "", "workers": "[]", "problem": ""}
        with self._database.read() as connection:
            held = connection.execute(select(engine_lease)).first()
        if held and process_alive(held.host, held.pid, held.beat):
            return False
        with self._database.write() as connection:
            if held:
                query = update(engine_lease).where(engine_lease.c.owner == held.owner).values(row)
            else:
                query = upserting(connection, engine_lease).values(id=1, **row).on_conflict_do_nothing()
            # Of an INSERT, SQLAlchemy forgets with PostgreSQL's driver how many rows it made.
            taken = connection.execute(query, execution_options={"preserve_rowcount": True}).rowcount == 1
            if taken:
                # In a copied store stand those who attended the other store's engine, and may live for long.
                copied = (attendance.c.host == HOST) & (attendance.c.beat < time.time() - SILENT_SECONDS)
                connection.execute(delete(attendance).where(copied))
            return taken

    def renew(
        self, state: str, address: str = "", workers: Sequence[dict[str, Any]] = (), problem: str = ""
    ) -> bool:
        """Beats and publishes the engine's state; ``False`` if another process has taken over."""
        values = {"beat": time.time(), "state": state, "address": address, "workers": json.dumps(list(workers))}
        values["problem"] = problem
        with self._database.write() as connection:
            query = update(engine_lease).where(engine_lease.c.owner == self._owner).values(values)
            return connection.execute(query).rowcount == 1

    def release(self) -> None:
        with self._database.write() as connection:
            connection.execute(delete(engine_lease).where(engine_lease.c.owner == self._owner))


def attend(database: Database) -> None:
    """Says that this process wants the engine to stay; call it at least every ``STALE_SECONDS``."""
    with database.write() as connection:
        query = upserting(connection, attendance).values(host=HOST, pid=os.getpid(), beat=time.time())
        keys = ["host", "pid"]
        connection.execute(query.on_conflict_do_update(index_elements=keys, set_={"beat": time.time()}))


def leave(database: Database) -> None:
    """Takes back ``attend``."""
    with database.write() as connection:
        here = (attendance.c.host == HOST) & (attendance.c.pid == os.getpid())
        connection.execute(delete(attendance).where(here))


def attended(database: Database, by_others: bool = False) -> bool:
    """Whether any living process wants the engine to stay, or any but this one. Those that are gone are forgotten."""
    with database.read() as connection:
        rows = connection.execute(select(attendance)).all()
    gone = [row for row in rows if not process_alive(row.host, row.pid, row.beat)]
    # Where nothing can be written for the moment, they are forgotten another time.
    if gone:
        with suppress(StoreError), database.write() as connection:
            for row in gone:
                here = (attendance.c.host == row.host) & (attendance.c.pid == row.pid)
                connection.execute(delete(attendance).where(here))
    own = (HOST, os.getpid()) if by_others else None
    return any(row not in gone and (row.host, row.pid) != own for row in rows)


def process_alive(host: str, pid: int, beat: float) -> bool:
    """Whether the process that beat last still is there: known at once on this machine, by its beats elsewhere."""
    if host != HOST:
        return time.time() - beat < STALE_SECONDS
    try:
        process = psutil.Process(pid)
        # A zombie is dead, and a younger process has only inherited the number.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() < beat
    except psutil.Error:
        return False
