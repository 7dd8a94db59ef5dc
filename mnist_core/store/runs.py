"""Runs in the database: what was asked for, what happens, and what came of it.

Pages read and leave wishes; a worker writes what happens. Every writing method may raise ``StoreError``. What
changes or tells of a run raises ``UnknownRun`` if it is not there (it may have been deleted meanwhile); what lists
the things that hang off it then finds none.
"""

from __future__ import annotations

import io
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from mnist_core.calibration import Calibration
from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError, StoreError, UnknownRun
from mnist_core.store.queue import in_order
from mnist_core.store.records import RunRecords, lock_run, quoted
from mnist_core.store.run import RESUMABLE, USABLE, Run
from mnist_core.store.tables import batches, blobs, epochs, events, runs, sweep_trials, sweeps

log = logging.getLogger("mnist_core.store")

NAME_LENGTH, NOTE_LENGTH = 200, 10_000


class OwnRuns(RunRecords):
    """All runs of one database; safe to use from many threads and processes."""

    # -- what readers do --------------------------------------------------------------------------------------

    def create(self, config: RunConfig, name: str = "", recipe: str = "", owner: str = "") -> str:
        """Puts a new run in the queue and gives its id; ``owner`` is the visitor whose it is."""
        with self.database.write() as connection:
            run_id = insert_run(connection, config, name, recipe, owner)
        log.info("put in the queue", extra={"run": run_id})
        return run_id

    def add(
        self, config: RunConfig, name: str, files: Mapping[str, bytes], event: str, **columns: Any
    ) -> str:
        """Adds a run that was not trained here: finished, and whole in one transaction. Gives its id.

        ``columns``: what else is known of it, such as its marks and its owner.
        """
        row = _new_row(config, name) | {"status": "finished", "ended": time.time()} | columns
        with self.database.write() as connection:
            connection.execute(insert(runs).values(row))
            _insert_files(connection, row["id"], files)
            connection.execute(insert(events).values(run_id=row["id"], time=time.time(), text=event))
        return row["id"]

    def list(
        self, statuses: Sequence[str] = (), limit: int | None = None, own: bool = False, first: str = ""
    ) -> list[Run]:
        """Runs, newest first.

        Args:
            own: without the trials of sweeps, of which there are many; one that was scored is a run like any other.
            first: the visitor whose runs come before all others.
        """
        order = [runs.c.owner != first] if first else []
        query = select(runs).order_by(*order, runs.c.created.desc()).limit(limit)
        if statuses:
            query = query.where(runs.c.status.in_(statuses))
        if own:
            trials = select(sweep_trials.c.run_id).where(sweep_trials.c.run_id.is_not(None))
            query = query.where(runs.c.id.not_in(trials) | runs.c.test_accuracy.is_not(None))
        with self.database.read() as connection:
            return [Run(**row._mapping) for row in connection.execute(query)]

    def usable(self, first: str = "") -> list[Run]:
        """Runs that have a model, newest first, those of the visitor ``first`` before all others."""
        return [run for run in self.list(statuses=USABLE, first=first) if run.usable]

    def queue(self) -> list[str]:
        """Ids of waiting runs, next first (``store.queue``)."""
        return [waiting.run_id for waiting in in_order(self.database)]

    def rename(self, run_id: str, name: str) -> None:
        name = short(name, NAME_LENGTH)
        if not name:
            raise StoreError("A run's name must not be empty. Write a word or two.")
        self._change(run_id, name=name)

    def annotate(self, run_id: str, note: str) -> None:
        self._change(run_id, note=short(note, NOTE_LENGTH))

    def ask(self, run_id: str, wish: str, why: str = "") -> Run:
        """Leaves a wish for the worker: ``stop`` or ``pause``. A run that no worker has obeys at once.

        Args:
            why: a sentence for its page, where nobody asked for it.
        """
        run = self.get(run_id)
        change: dict[str, Any] = {}
        if run.status == "running":
            change = {"wish": wish, "message": why}
        elif wish == "pause" and run.status == "queued":
            change = {"status": "paused"}
        elif wish == "stop" and run.status in ("queued", *RESUMABLE):
            if run.epoch or run.step:
                # The worker turns the last checkpoint into a model: the weights are kept.
                queued = run.queued if run.status == "queued" else time.time()
                change = {"status": "queued", "queued": queued, "wish": "stop"}
            else:
                change = {"status": "cancelled", "ended": time.time()}
        if change and not self._change(run_id, only=run.status, **change):
            return self.ask(run_id, wish, why)  # a worker has taken or left it meanwhile
        log.info("asked to %s", wish, extra={"run": run_id})
        return self.get(run_id)

    def resume(self, run_id: str) -> Run:
        """Puts a paused or interrupted run back in the queue; it goes on from its last checkpoint."""
        run = self.get(run_id)
        if run.status in RESUMABLE:
            self._change(run_id, only=run.status, status="queued", queued=time.time(), wish="", message="")
        elif run.wish == "pause":
            self._change(run_id, wish="")
        log.info("asked to go on", extra={"run": run_id})
        return self.get(run_id)

    def delete(self, run_id: str) -> None:
        """Deletes the run and everything that hangs off it. A worker that has it stops by itself.

        If a sweep's chosen run goes before it was scored, nobody has seen the test set, and another can be chosen.
        """
        with self.database.write() as connection:
            lock_run(connection, run_id)
            unscored = select(runs.c.id).where(runs.c.id == run_id, runs.c.test_accuracy.is_(None))
            connection.execute(update(sweeps).where(sweeps.c.chosen.in_(unscored)).values(chosen=""))
            gone = connection.execute(delete(runs).where(runs.c.id == run_id)).rowcount
        if not gone:
            raise UnknownRun(f"There is no run {quoted(run_id)} to delete.")
        log.info("deleted", extra={"run": run_id})

    def epochs(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Rows of completed epochs beyond ``after``, in order."""
        return self._rows(epochs, run_id, epochs.c.epoch, after)

    def last_epoch(self, run_id: str) -> dict[str, Any] | None:
        """The row of the last completed epoch."""
        query = select(epochs).where(epochs.c.run_id == run_id).order_by(epochs.c.epoch.desc()).limit(1)
        with self.database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else dict(row._mapping)

    def batches(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Points of the batch stream beyond step ``after``, in order."""
        return self._rows(batches, run_id, batches.c.step, after)

    def events(self, run_id: str) -> list[dict[str, Any]]:
        return self._rows(events, run_id, events.c.id, 0)

    def load_blob(self, run_id: str, name: str) -> bytes | None:
        """Bytes kept under a name such as ``model.keras``; ``None`` if there are none."""
        with self.database.read() as connection:
            query = select(blobs.c.data).where(blobs.c.run_id == run_id, blobs.c.name == name)
            return connection.execute(query).scalar()

    def load_array(self, run_id: str, name: str) -> np.ndarray | None:
        """An array kept as ``.npy`` bytes, such as ``test_probabilities``; ``None`` if there is none."""
        data = self.load_blob(run_id, name)
        return None if data is None else np.load(io.BytesIO(data), allow_pickle=False)

    def calibration(self, run_id: str) -> Calibration:
        """What the held-out images told of a run's certainty; one that changes nothing where that is not known."""
        return Calibration.from_json(self.load_blob(run_id, "calibration"))

    def statistics(self) -> dict[str, int]:
        """Number of runs by status."""
        query = select(runs.c.status, func.count()).group_by(runs.c.status)
        with self.database.read() as connection:
            return dict(connection.execute(query).all())

    # -- inside -----------------------------------------------------------------------------------------------

    def _rows(self, table: Table, run_id: str, key, after: int) -> list[dict[str, Any]]:
        query = select(table).where(table.c.run_id == run_id, key > after).order_by(key)
        with self.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]


def insert_run(
    connection: Connection,
    config: RunConfig,
    name: str = "",
    recipe: str = "",
    owner: str = "",
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Puts a run, with the files that it begins from, in the queue within somebody's transaction; gives its id.

    Raises:
        ConfigError: the settings alone are not enough, and there are no files.
    """
    if not files and config.not_enough:
        raise ConfigError(config.not_enough)
    row = _new_row(config, name, recipe, owner)
    connection.execute(insert(runs).values(row))
    _insert_files(connection, row["id"], files or {})
    return row["id"]


def _insert_files(connection: Connection, run_id: str, files: Mapping[str, bytes]) -> None:
    if files:
        rows = [{"run_id": run_id, "name": name, "data": data} for name, data in files.items()]
        connection.execute(insert(blobs), rows)


def _new_row(config: RunConfig, name: str, recipe: str = "", owner: str = "") -> dict[str, Any]:
    now = time.time()
    return {
        "id": secrets.token_hex(4),
        "name": short(name, NAME_LENGTH) or recipe or config.summary(),
        "note": "",
        "recipe": recipe,
        "config": config.to_json(),
        "parameters": config.parameters,
        "status": "queued",
        "created": now,
        "queued": now,
        "owner": owner,
    }


def short(text: str, length: int) -> str:
    """Text as kept: without NUL, which PostgreSQL refuses, and not endless."""
    return text.replace("\x00", "").strip()[:length]
