"""Hands waiting runs to free workers, looks after what they are doing, and tells how things stand."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed import TimeoutError as DaskTimeout

from mnist_core import limits
from mnist_core.data import mnist
from mnist_core.engine import tasks
from mnist_core.engine.sweeps import Sweeper
from mnist_core.errors import LabError, StoreError, UnknownRun
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import attended, process_alive
from mnist_core.store.patience import PATIENCE_SECONDS
from mnist_core.store.run import DEATHS, KILLED, Run
from mnist_core.store.sweeps import SweepStore

log = logging.getLogger("mnist_core.engine")

KINDS = ("train", "predict")
"""Of workers, told by the Dask resource that each brings."""

GROWTH_BYTES = 1_000_000_000

RESTART_SECONDS = 10.0

BRIEFLY = 2.0
"""Seconds to wait for what should be there at once, so that nothing can stop the engine's rounds."""

ABANDONED_SECONDS = 2 * PATIENCE_SECONDS
"""Without a beat, after which nobody trains a run, whatever its worker is doing."""

MOST_HELD = 10_000
"""Runs, paused ones too, of which it is known how long they had a worker."""

FULL_BYTES = 1_400_000_000
"""Of memory, after which a train worker gets a new process between two runs: TensorFlow lets no compiled code go
again, some 10 MB for every network of another shape."""


class Dispatcher:
    """Between the store's queue and the Dask workers. Call ``tick`` often and ``beat`` once a second."""

    def __init__(self, settings: Settings, store: RunStore, client: Client):
        self._settings, self._store, self._client = settings, store, client
        self._runs: dict[str, tuple[Future, Collection[str]]] = {}
        self._held: dict[str, float] = {}
        self._looked = time.monotonic()
        self._data = mnist.signature()
        self._sweeper = Sweeper(
            store,
            settings.database_url,
            check=partial(limits.require_size, settings),
            require_room=lambda: limits.require_room(settings, store.database.stored_bytes()),
        )
        self._warming: dict[str, tuple[str, Future]] = {}
        self._workers: dict[str, dict[str, Any]] = {}
        self._full: set[str] = set()
        self._busy_full = 0
        self._at_first: dict[str, float] = {}
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
        for run_id in waiting[: max(0, self._train_slots - len(self._runs))]:
            self._hand_out(run_id)
        if waiting:
            self._needed = time.monotonic()

    def beat(self) -> list[dict[str, Any]]:
        """Warms workers that have come, forgets those that have gone, and gives all as pages show them.

        A worker is a row ``name, kind, device, gpu, ready, problem, memory`` (bytes), and ``host``, ``pid`` and
        ``unused_gpu`` (one that its TensorFlow cannot use) when it is ready; ``problem`` says why it cannot work.
        """
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        self._renew_full(workers)
        self._take_back(workers)
        present = {
            str(info["name"]): (address, next((kind for kind in KINDS if kind in info["resources"]), ""))
            for address, info in workers.items()
        }
        for name, (address, kind) in present.items():
            known = self._warming.get(name)
            if kind and (known is None or known[0] != address):
                future = self._client.submit(
                    tasks.warm_up, kind, self._data, workers=[address], resources={kind: 1}, pure=False, priority=10
                )
                self._warming[name] = (address, future)
                self._workers[name] = {"name": name, "kind": kind, "device": "", "gpu": False}
                self._workers[name] |= {"ready": False, "problem": ""}
        for name, (_, future) in list(self._warming.items()):
            if name not in present:
                del self._warming[name], self._workers[name]
            elif future.status == "finished" and not self._workers[name]["ready"]:
                # Asked for once, and not for long: the answer lies on the worker and is gone when that dies.
                with suppress(DaskTimeout, CancelledError):
                    self._workers[name] |= future.result(timeout=BRIEFLY) | {"ready": True}
            elif future.status == "error":
                self._workers[name] |= {"problem": str(future.exception())}
        for name, (address, _) in present.items():
            if name in self._workers:
                self._workers[name]["memory"] = workers[address]["metrics"].get("memory", 0)
        if attended(self._store.database):
            self._needed = time.monotonic()
        return sorted(self._workers.values(), key=lambda worker: worker["name"])

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

    @property
    def _train_slots(self) -> int:
        """Runs that can be trained at a time: one per train worker, late ones too."""
        return len(self._trainers(sound=True) - self._full) + self._busy_full

    def _trainers(self, sound: bool) -> set[str]:
        """Names of train workers that can work, or of those that said why they cannot."""
        trainers = (worker for worker in self._workers.values() if worker["kind"] == "train")
        return {worker["name"] for worker in trainers if bool(worker["problem"]) != sound}

    def _renew_full(self, workers: dict[str, dict[str, Any]]) -> None:
        """Restarts train workers that have grown too large, as soon as they have nothing to do.

        One without a nanny cannot come back: Dask would end it for good, so it stays as it is.
        """
        trainers = {a: info for a, info in workers.items() if "train" in info["resources"] and info["nanny"]}
        memory = {address: info["metrics"].get("memory", 0) for address, info in trainers.items()}
        # One that is large from the start, as with the libraries of a GPU, is full when it has grown much.
        self._at_first = {address: self._at_first.get(address, now) for address, now in memory.items() if now}
        limits = {address: max(FULL_BYTES, first + GROWTH_BYTES) for address, first in self._at_first.items()}
        full = {a: str(trainers[a]["name"]) for a, limit in limits.items() if memory[a] > limit}
        # Told of in one beat and restarted in a later one, so that no run is on its way there.
        known = [address for address, name in full.items() if name in self._full]
        busy = self._client.processing(known) if known else {}
        idle = [address for address in known if not busy.get(address)]
        self._busy_full = len(known) - len(idle)
        self._full = set(full.values())
        if idle:
            log.info("train workers at %s have grown too large and are started anew", ", ".join(idle))
            self._client.restart_workers(idle, timeout=RESTART_SECONDS, raise_for_error=False)

    def _hand_out(self, run_id: str) -> None:
        """First the row, then the task: should the task not get through, the run is adopted in the next round."""
        if self._store.mark_running(run_id):
            url, key = self._settings.database_url, f"train-{run_id}-{time.time_ns()}"
            # Anywhere, so that Dask finds another worker when one vanishes; but not where it is known to fail.
            sound = [self._warming[name][0] for name in self._trainers(sound=True)]
            only = sound if self._trainers(sound=False) else ()
            options = {"resources": {"train": 1}, "workers": only or None}
            future = self._client.submit(tasks.train, run_id, url, pure=False, key=key, **options)
            self._runs[run_id] = future, only
            log.info("handed to the workers", extra={"run": run_id})

    def _take_back(self, present: Collection[str]) -> None:
        """Puts runs back in the queue whose task waits for workers of which none is left: a worker that is started
        again has another address, so Dask would wait for ever."""
        for run_id, (future, only) in list(self._runs.items()):
            if only and not future.done() and not set(only) & set(present):
                log.warning("all workers that may train it are gone; it goes on", extra={"run": run_id})
                with suppress(UnknownRun):  # deleted meanwhile
                    # One that had begun has lost its worker; Dask begins it nowhere, so nobody else counts that.
                    self._store.requeue(run_id, died=bool(self._store.get(run_id).holder))
                future.cancel()
                del self._runs[run_id]

    def _collect(self) -> None:
        for run_id, (future, _) in list(self._runs.items()):
            if not future.done():
                continue
            if future.status == "finished":
                # What came of it stands in the store. Its answer lies on a worker that may be gone by now.
                log.info("has ended", extra={"run": run_id})
            elif future.status == "error":
                with suppress(UnknownRun):  # deleted meanwhile
                    self._lost(run_id, future.exception())
            else:
                log.warning("lost with its connection; it goes on", extra={"run": run_id})
                self._store.requeue(run_id)
            del self._runs[run_id]  # last, so that a store that is full is asked again
            self._busy_full = 0  # the next beat knows whether it was on a full worker

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
