"""Sweeps in the database: what was designed, which trials there were, and what came of them.

Optuna keeps its own tables in the same database (``explore.study``); these are what pages read. The engine alone
adds trials and tells their ends.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from mnist_core.config import RunConfig
from mnist_core.errors import StoreError, UnknownSweep
from mnist_core.explore.design import Design
from mnist_core.store.database import Database
from mnist_core.store.expectations import require_share
from mnist_core.store.records import lock_run, quoted
from mnist_core.store.run import LIVE, WAITING
from mnist_core.store.runs import NAME_LENGTH, insert_run, short
from mnist_core.store.sweep import OPEN, Sweep, Trial, room
from mnist_core.store.tables import blobs, epochs, runs, sweep_trials, sweeps

CHECKPOINTS_KEPT = 3
"""Trials per sweep whose weights are kept for scoring; any other is trained again to the same numbers."""

CLOCK_SECONDS = 1.0
"""Between two times that a search's clock is written down."""

AWAY_SECONDS = 60.0
"""Without a look at a search for so long, no engine worked on it, and its clock stood still."""


class SweepStore:
    """All sweeps of one database; what tells of one that is not there raises ``UnknownSweep``."""

    def __init__(self, database: Database):
        self._database = database

    # -- what readers do --------------------------------------------------------------------------------------

    def create(
        self, design: Design, name: str = "", question: str = "", owner: str = "", expected: float | None = None
    ) -> str:
        """Starts a sweep of a visitor's (the engine does the work) and gives its id.

        ``StoreError`` if what is expected, the best held-out accuracy, is no share.
        """
        design.check()
        if expected is not None:
            require_share(expected)
        sweep_id, now = secrets.token_hex(4), time.time()
        row = {"id": sweep_id, "name": short(name, NAME_LENGTH) or _named(design), "question": question}
        row |= {"design": design.to_json(), "trials": design.trials, "status": "running", "owner": owner}
        row |= {"expected": expected}
        with self._database.write() as connection:
            connection.execute(insert(sweeps).values(row | {"created": now, "started": now}))
        return sweep_id

    def get(self, sweep_id: str) -> Sweep:
        with self._database.read() as connection:
            row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).first()
        if row is None:
            raise UnknownSweep(f"There is no sweep {quoted(sweep_id)}. It may have been deleted.")
        return _sweep(row)

    def list(self, status: str = "", limit: int | None = None, first: str = "") -> list[Sweep]:
        """Newest first, those of the visitor ``first`` before all others."""
        order = [sweeps.c.owner != first] if first else []
        query = select(sweeps).order_by(*order, sweeps.c.created.desc()).limit(limit)
        if status:
            query = query.where(sweeps.c.status == status)
        with self._database.read() as connection:
            return [_sweep(row) for row in connection.execute(query)]

    def trials(self, sweep_id: str) -> list[Trial]:
        """In the order in which they were proposed."""
        query = select(sweep_trials).where(sweep_trials.c.sweep_id == sweep_id).order_by(sweep_trials.c.number)
        with self._database.read() as connection:
            return [_trial(row) for row in connection.execute(query)]

    def epochs(self, sweep_id: str) -> dict[int, list[dict[str, Any]]]:
        """The rows of epochs of all trials, by the trial's number."""
        query = (
            select(sweep_trials.c.number, epochs)
            .join(epochs, epochs.c.run_id == sweep_trials.c.run_id)
            .where(sweep_trials.c.sweep_id == sweep_id)
            .order_by(sweep_trials.c.number, epochs.c.epoch)
        )
        found: dict[int, list[dict[str, Any]]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.number, []).append(dict(row._mapping))
        return found

    def epochs_done(self, sweep_id: str) -> int:
        """How many epochs all trials have come through: what tells, without reading them, whether any are new."""
        mine = sweep_trials.c.run_id == runs.c.id
        query = select(func.sum(runs.c.epoch)).join(sweep_trials, mine).where(sweep_trials.c.sweep_id == sweep_id)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def stop(self, sweep_id: str) -> None:
        """No more trials; those that train are stopped."""
        self._change(sweep_id, wish="stop")

    def go_on(self, sweep_id: str, more: int) -> None:
        """Continues with so many more trials. ``StoreError`` where a grid is through or it would be too many."""
        sweep, trials = self.get(sweep_id), self.trials(sweep_id)
        done, most = len(trials), len(trials) + room(sweep, trials)
        if more < 1 or done + more > most:
            raise StoreError(f"{more} more trials make {done + more}, but this sweep can have {most} at most.")
        columns: dict[str, Any] = {"status": "running", "wish": "", "trials": done + more, "message": ""}
        if not sweep.active:
            columns |= {"spent": sweep.seconds, "started": time.time(), "ended": None}
        self._change(sweep_id, **columns)

    def choose(self, sweep_id: str, run_id: str) -> None:
        """Lets one run be scored on the test set, once: it goes back in the queue for that.

        Raises:
            StoreError: another was chosen before and has seen it or will, or the trial is not complete.
        """
        sweep = self.get(sweep_id)
        trial = next((t for t in self.trials(sweep_id) if t.run_id == run_id), None)
        if sweep.chosen and not self.unscored(sweep):
            raise StoreError(f"The run {sweep.chosen} of this sweep was already scored; the test set is used once.")
        if trial is None or trial.state != "complete":
            raise StoreError(f"The run {quoted(run_id)} is no completed trial of this sweep. Choose one that is.")
        with self._database.write() as connection:
            here = (sweeps.c.id == sweep_id) & (sweeps.c.chosen == sweep.chosen)
            choose = update(sweeps).where(here).values(chosen=run_id)
            # The run may have been deleted meanwhile, or another one chosen.
            if lock_run(connection, run_id) and connection.execute(choose).rowcount:
                every = update(sweep_trials).where(sweep_trials.c.sweep_id == sweep_id)
                connection.execute(every.values(score=False))
                connection.execute(every.where(sweep_trials.c.run_id == run_id).values(score=True))
                values = {"status": "queued", "queued": time.time(), "ended": None, "wish": "", "message": ""}
                idle = (runs.c.id == run_id) & runs.c.status.not_in(WAITING + LIVE)
                connection.execute(update(runs).where(idle).values(values))

    def unscored(self, sweep: Sweep) -> bool:
        """Whether the chosen run is there and was paused, stopped or failed before it saw the test set."""
        query = select(runs.c.status, runs.c.test_accuracy).where(runs.c.id == sweep.chosen)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return row is not None and row.status not in WAITING + LIVE and row.test_accuracy is None

    def delete(self, sweep_id: str, with_runs: bool = True) -> None:
        """Deletes the sweep and, if wished, its runs. One that is searching is to be stopped first."""
        if self.get(sweep_id).active:
            raise StoreError("This sweep is still searching. Stop it first.")
        with self._database.write() as connection:
            if with_runs:
                mine = select(sweep_trials.c.run_id).where(sweep_trials.c.sweep_id == sweep_id)
                connection.execute(delete(runs).where(runs.c.id.in_(mine)))
            connection.execute(delete(sweeps).where(sweeps.c.id == sweep_id))

    # -- what the engine does ---------------------------------------------------------------------------------

    def add_trial(self, sweep_id: str, number: int, params: Mapping[str, Any], config: RunConfig, name: str) -> str:
        """Puts the trial's run in the queue and gives its id; both rows come in one transaction."""
        with self._database.write() as connection:
            owner = connection.execute(select(sweeps.c.owner).where(sweeps.c.id == sweep_id)).scalar() or ""
            run_id = insert_run(connection, config, name, owner=owner)
            row = {"sweep_id": sweep_id, "number": number, "run_id": run_id, "state": "waiting"}
            connection.execute(insert(sweep_trials).values(row | {"params": json.dumps(params)}))
        return run_id

    def add_failed(self, sweep_id: str, number: int, params: Mapping[str, Any], message: str) -> None:
        """A trial whose settings cannot be built."""
        row = {"sweep_id": sweep_id, "number": number, "state": "failed", "message": message}
        with self._database.write() as connection:
            connection.execute(insert(sweep_trials).values(row | {"params": json.dumps(params)}))

    def update_trial(self, trial: Trial, **columns: Any) -> None:
        here = (sweep_trials.c.sweep_id == trial.sweep_id) & (sweep_trials.c.number == trial.number)
        with self._database.write() as connection:
            connection.execute(update(sweep_trials).where(here).values(columns))

    def update(self, sweep_id: str, importances: Mapping[str, float] | None = None, **columns: Any) -> None:
        if importances is not None:
            columns["importances"] = json.dumps(importances)
        self._change(sweep_id, **columns)

    def worked_on(self, sweep: Sweep) -> None:
        """Puts its clock on to now, but not by the time in which no engine worked on it, or all its trials were paused.

        Its beginning moves on by as long: what lies between the two is the time that counts.
        """
        now = time.time()
        gap = now - (sweep.ended or sweep.started)
        if gap > AWAY_SECONDS:
            self._change(sweep.id, started=sweep.started + gap, ended=now)
        elif gap > CLOCK_SECONDS or sweep.ended is None:
            self._change(sweep.id, ended=now)

    def forget_weights(self, sweep_id: str, keep: Sequence[str]) -> None:
        """Removes the checkpoints of all ended trials but these."""
        ended = (sweep_trials.c.sweep_id == sweep_id) & sweep_trials.c.state.not_in(OPEN) & ~sweep_trials.c.score
        mine = select(sweep_trials.c.run_id).where(ended, sweep_trials.c.run_id.not_in(keep))
        with self._database.write() as connection:
            connection.execute(delete(blobs).where(blobs.c.name == "checkpoint", blobs.c.run_id.in_(mine)))

    def may_score(self, run_id: str) -> bool:
        """Whether a run may see the test set: all but the trials of a sweep, of which the chosen one may."""
        with self._database.read() as connection:
            score = connection.execute(select(sweep_trials.c.score).where(sweep_trials.c.run_id == run_id)).scalar()
        return score is not False

    def sweep_of(self, run_id: str) -> str:
        """The sweep that a run is a trial of, or an empty text."""
        with self._database.read() as connection:
            query = select(sweep_trials.c.sweep_id).where(sweep_trials.c.run_id == run_id)
            return connection.execute(query).scalar() or ""

    def run_ids(self) -> set[str]:
        """The runs of all trials."""
        with self._database.read() as connection:
            query = select(sweep_trials.c.run_id).where(sweep_trials.c.run_id.is_not(None))
            return set(connection.execute(query).scalars())

    def _change(self, sweep_id: str, **columns: Any) -> None:
        with self._database.write() as connection:
            if not connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(columns)).rowcount:
                raise UnknownSweep(f"There is no sweep {quoted(sweep_id)}. It may have been deleted.")


def _named(design: Design) -> str:
    return short(", ".join(dimension.spec.title for dimension in design.space), NAME_LENGTH)


def _sweep(row) -> Sweep:
    columns = dict(row._mapping)
    return Sweep(design_json=columns.pop("design"), **columns | {"importances": json.loads(columns["importances"])})


def _trial(row) -> Trial:
    return Trial(**dict(row._mapping) | {"params": json.loads(row.params), "score": bool(row.score)})
