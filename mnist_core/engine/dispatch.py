"""Hands waiting runs to free workers, looks after what they are doing, and tells how things stand."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import Any

from distributed import Client, Future, KilledWorker

from mnist_core import limits
from mnist_core.engine import tasks
from mnist_core.engine.sweeps import Sweeper
from mnist_core.engine.workers import Workers
from mnist_core.errors import DataError, LabError, StoreError, UnknownRun
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import attended, process_alive
from mnist_core.store.patience import PATIENCE_SECONDS
from mnist_core.store.run import DEATHS, KILLED, Run
from mnist_core.store.sweeps import SweepStore

log = logging.getLogger("mnist_core.engine")

ABANDONED_SECONDS = 2 * PATIENCE_SECONDS
"""Without a beat, after which nobody trains a run, whatever its worker is doing."""

REFUSALS = 30
"""Of one run by workers with other images, until it is failed: a run is handed out ten times a second at most, and a
worker that has just joined may refuse some until its warm-up has told of it."""

MOST_HELD = 10_000
"""Runs, paused ones too, of which it is known how long they had a worker."""


class Dispatcher:
    """Between the store's queue and the Dask workers. Call ``tick`` often and ``beat`` once a second."""

    def __init__(self, settings: Settings, store: RunStore, client: Client):
        self._settings, self._store, self._client = settings, store, client
        self._runs: dict[str, tuple[Future, Collection[str]]] = {}
        self._held: dict[str, float] = {}
        self._refused: Counter[str] = Counter()
        self._looked = time.monotonic()
        self._sweeper = Sweeper(
            store,
            settings.database_url,
            check=partial(limits.require_size, settings),
            require_room=lambda: limits.require_room(settings, store.database.stored_bytes()),
        )
        self._workers = Workers(client)
        self._needed = time.monotonic()

    def tick(self) -> None:
        """One round of work; cheap when nothing has happened."""
        if self._runs:
            self._needed = time.monotonic()
        if self._sweeper.tick():
            self._needed = time.monotonic()
        self._collect()
        running = self._store.list(statuses=("running",))
        self._adopt(running)
        self._end_overlong(running)
        waiting = [run_id for run_id in self._store.queue() if run_id not in self._runs]
        for run_id in waiting[: max(0, self._workers.places - len(self._runs))]:
            self._hand_out(run_id)
        if waiting:
            self._needed = time.monotonic()

    def beat(self) -> list[dict[str, Any]]:
        """Looks after the workers, and gives them as pages show them (``Workers.look``)."""
        workers = self._workers.look()
        self._take_back()
        if attended(self._store.database):
            self._needed = time.monotonic()
        return workers

    @property
    def scheduler(self) -> str:
        """Whether the scheduler is ``there``, ``awaited`` (it may come back within seconds) or ``gone``."""
        return {"running": "there", "connecting": "awaited"}.get(self._client.status, "gone")

    @property
    def busy(self) -> bool:
        """Whether runs are with workers."""
        return bool(self._runs)

    @property
    def idle_seconds(self) -> float:
        """How long nobody has needed this engine."""
        return time.monotonic() - self._needed

    def _hand_out(self, run_id: str) -> None:
        """First the row, then the task: should the task not get through, the run is adopted in the next round."""
        if self._store.mark_running(run_id):
            url, key = self._settings.database_url, f"train-{run_id}-{time.time_ns()}"
            # Anywhere, so that Dask finds another worker when one vanishes; but not where it is known to fail.
            only = self._workers.bound_to
            options = {"resources": {"train": 1}, "workers": only or None}
            future = self._client.submit(tasks.train, run_id, url, self._workers.images, pure=False, key=key, **options)
            self._runs[run_id] = future, only
            log.info("handed to the workers", extra={"run": run_id})

    def _take_back(self) -> None:
        """Puts bound runs back in the queue whose worker has gone: started again, it has another address, so Dask
        would wait for ever, or let them wait behind another run while that one idles."""
        bound = {run_id: only for run_id, (future, only) in self._runs.items() if only and not future.done()}
        running = {run.id: run for run in self._store.list(statuses=("running",))} if bound else {}
        for run_id, only in bound.items():
            run = running.get(run_id)  # not there: deleted, or at its end
            if self._workers.may_train(run.worker if run else "", only):
                continue
            # One that had begun has lost its worker, which nobody else counts unless Dask has begun it elsewhere since.
            if run is None or self._store.requeue(run_id, died=bool(run.holder), holder=run.holder):
                log.warning("the worker that trained it, or would, is gone; it goes on", extra={"run": run_id})
                self._runs.pop(run_id)[0].cancel()

    def _collect(self) -> None:
        for run_id, (future, _) in list(self._runs.items()):
            if not future.done():
                continue
            if future.status == "finished":
                # What came of it stands in the store. Its answer lies on a worker that may be gone by now.
                log.info("has ended", extra={"run": run_id})
                self._refused.pop(run_id, None)
            elif future.status == "error":
                with suppress(UnknownRun):  # deleted meanwhile
                    self._lost(run_id, future.exception())
            else:
                log.warning("lost with its connection; it goes on", extra={"run": run_id})
                self._store.requeue(run_id)
            del self._runs[run_id]  # last, so that a store that is full is asked again
            self._workers.run_ended()

    def _lost(self, run_id: str, error: BaseException) -> None:
        """A task that ended by an error has not told the store itself."""
        log.error("%s", error, extra={"run": run_id})
        run = self._store.get(run_id)
        if run.status != "running":
            return  # The worker has told all, and died after that.
        status, message = "failed", str(error)
        if isinstance(error, KilledWorker):
            if run.deaths + 1 < DEATHS:
                # Dask blames whatever waited on a worker that died; the store knows what had begun.
                self._store.requeue(run_id, died=True)
                return
            message = KILLED
        elif isinstance(error, DataError):
            # Refused before it began there, by a worker that is not known yet to read other images. Who holds it then
            # has died, and Dask told nobody.
            self._refused[run_id] += 1
            if self._refused[run_id] < REFUSALS:
                self._store.requeue(run_id, died=bool(run.holder))
                return
            del self._refused[run_id]  # no worker reads the engine's images any more
        elif isinstance(error, StoreError):
            # What the store holds of it is whole, and it can go on from there.
            status = "interrupted"
        elif not isinstance(error, LabError):
            message = f"MNIST Lab itself failed ({type(error).__name__}); the engine's log says why."
        columns = {"status": status, "message": message, "wish": "", "ended": time.time()}
        self._store.record(run_id, columns, event=message)

    def _end_overlong(self, running: list[Run]) -> None:
        """Stops visitors' runs that have had a worker for as long as they may; they keep what they have learned."""
        now = time.monotonic()
        passed, self._looked = now - self._looked, now
        for run in running:
            if not run.owner:
                continue
            # By the clock while a worker has it, since validation is no step of training and may take far longer; no
            # pause is charged. What another engine has seen of it counts by its steps alone.
            held = max(run.train_seconds, self._held.pop(run.id, 0.0) + (passed if run.worker else 0.0))
            self._held[run.id] = held
            why = run.wish != "stop" and limits.out_of_time(self._settings, held)
            if why and not self._is_scored(run.id):
                with suppress(UnknownRun):
                    self._store.ask(run.id, "stop", why)
        while len(self._held) > MOST_HELD:
            del self._held[next(iter(self._held))]  # of the run that had a worker the longest ago

    def _is_scored(self, run_id: str) -> bool:
        """Whether it is a trial that was chosen for the test set: it kept to the limit when it was tried, and what is
        scored, once, must not be half of it."""
        sweeps = SweepStore(self._store.database)
        return bool(sweeps.sweep_of(run_id)) and sweeps.may_score(run_id)

    def _adopt(self, running: list[Run]) -> None:
        """Puts runs back in the queue that an earlier engine left behind; they go on from their checkpoints."""
        for run in running:
            if run.id not in self._runs and not self._trained_elsewhere(run):
                log.warning("left behind; it goes on", extra={"run": run.id})
                self._store.requeue(run.id)

    def _trained_elsewhere(self, run: Run) -> bool:
        """Whether a worker of the settings' scheduler still trains what an earlier engine had handed to it.

        Workers of an engine's own end with it. One that lives longer, or is another lab's whose store was copied, may
        write no more when the run is taken from it.
        """
        host, _, pid = run.worker.rpartition(":")
        beat = run.beat or 0.0
        if not (self._settings.scheduler and pid and process_alive(host, int(pid), beat)):
            return False
        # It may live and have given the run up, since the store refused it for long.
        return time.time() - beat < ABANDONED_SECONDS

    def hand_back(self) -> None:
        """Puts what was being trained back in the queue; call it when the workers have ended."""
        for run_id in self._runs:
            self._store.requeue(run_id)
