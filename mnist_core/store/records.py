"""What the engine and its workers write of a run, and who may: each training holds its run by a word of its own.

Every method may raise ``StoreError``, and ``UnknownRun`` if the run is not there.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, case, delete, func, insert, select, update

from mnist_core.errors import RunTaken, UnknownRun
from mnist_core.store.database import Database, upserting
from mnist_core.store.run import LIVE, RESUMABLE, WAITING, Run
from mnist_core.store.tables import batches, blobs, epochs, events, runs


class RunRecords:
    """The rows of one database's runs as they come to be; safe to use from many threads and processes."""

    def __init__(self, url: str):
        self.database = Database(url)

    def get(self, run_id: str) -> Run:
        with self.database.read() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
        if row is None:
            raise UnknownRun(f"There is no run {quoted(run_id)}. It may have been deleted; the Runs page lists all.")
        return Run(**row._mapping)

    def mark_running(self, run_id: str) -> bool:
        """Takes a run out of the queue to hand it to the workers; ``False`` if it no longer waits there."""
        return self._change(run_id, only="queued", status="running", beat=time.time(), worker="", holder="")

    def requeue(self, run_id: str, died: bool = False, holder: str | None = None) -> bool:
        """Puts a run back whose worker has gone; it keeps its place in time, and nobody may write to it meanwhile.

        Args:
            died: counts it as a death of its worker, and not as one of the engine, which takes its workers along.
            holder: of the training that was lost; without it that of anybody. A worker that has begun the run since
                has counted that death itself.

        Returns:
            Whether it is in the queue again.
        """
        query = update(runs).where(runs.c.id == run_id, runs.c.status == "running")
        if holder is not None:
            query = query.where(runs.c.holder == holder)
        with self.database.write() as connection:
            query = query.values(status="queued", holder="", deaths=runs.c.deaths + int(died))
            return bool(connection.execute(query).rowcount)

    def start(self, run_id: str, worker: str, device: str) -> Run:
        """Gives the run to a worker; from now on only the ``holder`` of what this gives may write to it.

        A run that was training already has lost its worker, which is counted.

        Raises:
            RunTaken: it has come to its end meanwhile.
            UnknownRun: it was deleted while it waited.
        """
        now = time.time()
        orphaned = case(((runs.c.status == "running") & (runs.c.holder != ""), 1), else_=0)
        values = {"status": "running", "worker": worker, "device": device, "beat": now, "ended": None, "message": ""}
        values |= {"started": func.coalesce(runs.c.started, now), "deaths": runs.c.deaths + orphaned}
        begun = update(runs).where(runs.c.id == run_id, runs.c.status.in_((*WAITING, *LIVE, *RESUMABLE)))
        with self.database.write() as connection:
            if not connection.execute(begun.values(holder=secrets.token_hex(16), **values)).rowcount:
                raise _lost(connection, run_id)
            return Run(**connection.execute(select(runs).where(runs.c.id == run_id)).one()._mapping)

    def record(
        self,
        run_id: str,
        progress: Mapping[str, Any],
        batch_rows: Iterable[Mapping[str, Any]] = (),
        epoch_rows: Iterable[Mapping[str, Any]] = (),
        files: Mapping[str, bytes | None] | None = None,
        event: str = "",
        holder: str | None = None,
    ) -> str:
        """Writes what has happened in one transaction and gives the reader's wish.

        Rows are keyed by step and epoch, so a repeated epoch replaces its row: each stands there once.

        Args:
            progress: columns of the run, such as ``step``, ``epoch``, ``train_seconds`` or ``status``.
            files: blobs by name, such as the checkpoint that belongs to these rows; ``None`` removes one.
            event: a sentence for the run's diary.
            holder: of the training that writes; without it anybody may.

        Raises:
            RunTaken: another training holds the run; nothing is written.
        """
        if progress.get("status", "running") != "running":
            progress = {**progress, "holder": ""}
        with self.database.write() as connection:
            _hold(connection, run_id, holder, progress)
            self._upsert(connection, batches, [dict(row, run_id=run_id) for row in batch_rows])
            self._upsert(connection, epochs, [dict(row, run_id=run_id) for row in epoch_rows])
            kept = {name: data for name, data in (files or {}).items() if data is not None}
            rows = [{"run_id": run_id, "name": name, "data": data} for name, data in kept.items()]
            self._upsert(connection, blobs, rows)
            gone = [name for name in files or {} if name not in kept]
            if gone:
                connection.execute(delete(blobs).where(blobs.c.run_id == run_id, blobs.c.name.in_(gone)))
            if event:
                connection.execute(insert(events).values(run_id=run_id, time=time.time(), text=event))
            return connection.execute(select(runs.c.wish).where(runs.c.id == run_id)).scalar() or ""

    def keep(self, run_id: str, name: str, data: bytes) -> None:
        """Keeps bytes under a name, in place of those that were there."""
        with self.database.write() as connection:
            if lock_run(connection, run_id):
                self._upsert(connection, blobs, [{"run_id": run_id, "name": name, "data": data}])

    def forget_after(self, run_id: str, step: int, epoch: int, holder: str | None = None) -> None:
        """Removes rows beyond a checkpoint, so that a resumed run writes them anew. ``RunTaken`` as in ``record``."""
        with self.database.write() as connection:
            _hold(connection, run_id, holder, {})
            connection.execute(delete(batches).where(batches.c.run_id == run_id, batches.c.step > step))
            connection.execute(delete(epochs).where(epochs.c.run_id == run_id, epochs.c.epoch > epoch))

    def _change(self, run_id: str, only: str = "", **values: Any) -> bool:
        """Whether the run was changed, which with ``only`` happens in that status alone."""
        query = update(runs).where(runs.c.id == run_id)
        if only:
            query = query.where(runs.c.status == only)
        with self.database.write() as connection:
            changed = connection.execute(query.values(**values)).rowcount
        if not changed and not only:
            raise UnknownRun(f"There is no run {quoted(run_id)}. It may have been deleted; the Runs page lists all.")
        return bool(changed)

    @staticmethod
    def _upsert(connection, table: Table, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        query = upserting(connection, table)
        keys = [column.name for column in table.primary_key]
        changed = {c.name: query.excluded[c.name] for c in table.columns if c.name not in keys}
        connection.execute(query.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def lock_run(connection: Connection, run_id: str) -> bool:
    """Whether the run is there; nobody changes or deletes it then before this transaction ends.

    Who does so now is waited for. SQLite has one writer at a time and locks no rows.
    """
    return connection.execute(select(runs.c.id).where(runs.c.id == run_id).with_for_update()).first() is not None


def _hold(connection: Connection, run_id: str, holder: str | None, progress: Mapping[str, Any]) -> None:
    """Writes to the run's row, and so keeps others from it until the transaction ends; only its holder may."""
    query = update(runs).where(runs.c.id == run_id)
    if holder is not None:
        query = query.where(runs.c.holder == holder)
    if not connection.execute(query.values(beat=time.time(), **progress)).rowcount:
        raise _lost(connection, run_id)


def _lost(connection: Connection, run_id: str) -> RunTaken | UnknownRun:
    """Why a training may not write to a run."""
    if connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first():
        return RunTaken(f"The run {quoted(run_id)} is no longer this worker's: it goes on elsewhere, or has ended.")
    return UnknownRun(f"The run {quoted(run_id)} was deleted while it was being trained.")


def quoted(run_id: str) -> str:
    """An id as messages repeat it: it may come from a link and be anything."""
    return repr(run_id if len(run_id) <= 40 else run_id[:37] + "...")
