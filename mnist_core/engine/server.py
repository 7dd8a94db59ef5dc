"""The engine: a process of its own that owns the workers, hands out waiting runs, and outlives web servers.

``python -m mnist_core.engine.server`` starts it; the dashboard and the command line do that by themselves. Only
one engine serves a store (``store.lease``); a second one ends at once.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

from distributed import Client, Future

from mnist_core.engine import cluster, tasks
from mnist_core.errors import LabError, UnknownRun
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import Lease, attended, process_alive

log = logging.getLogger("mnist_core.engine")

TICK_SECONDS = 0.1
BEAT_SECONDS = 1.0

KILLED = (
    "Its worker process died three times, most likely for lack of memory. "
    "Try fewer units or filters, or a smaller batch size."
)


class Engine:
    """Hands waiting runs to free workers, warms new workers, and tells the store how things stand."""

    def __init__(self, settings: Settings, store: RunStore, client: Client, train_slots: int):
        self._settings, self._store, self._client = settings, store, client
        self._train_slots = train_slots
        self._runs: dict[str, Future] = {}
        self._warming: dict[str, tuple[str, Future]] = {}
        self._devices: dict[str, dict[str, Any]] = {}
        self._needed = time.monotonic()

    def tick(self) -> None:
        """One round of work; cheap when nothing has happened."""
        self._collect()
        self._adopt()
        waiting = self._store.queue()
        for run_id in waiting[: max(0, self._train_slots - len(self._runs))]:
            self._hand_out(run_id)
        if self._runs or waiting:
            self._needed = time.monotonic()

    def beat(self) -> list[dict[str, Any]]:
        """Warms workers that have come, forgets those that have gone, and gives all as pages show them."""
        present = {
            info["name"]: (address, next(iter(info["resources"]), ""))
            for address, info in self._client.scheduler_info(n_workers=-1)["workers"].items()
        }
        for name, (address, kind) in present.items():
            known = self._warming.get(name)
            if kind in ("train", "predict") and (known is None or known[0] != address):
                future = self._client.submit(
                    tasks.warm_up, kind, workers=[address], resources={kind: 1}, pure=False, priority=10
                )
                self._warming[name] = (address, future)
                self._devices[name] = {"name": str(name), "kind": kind, "device": "", "ready": False}
        for name in list(self._warming):
            if name not in present:
                del self._warming[name], self._devices[name]
            elif self._warming[name][1].status == "finished":
                self._devices[name] |= self._warming[name][1].result() | {"ready": True}
        if attended(self._store.database):
            self._needed = time.monotonic()
        return sorted(self._devices.values(), key=lambda worker: worker["name"])

    @property
    def idle_seconds(self) -> float:
        """How long nobody has needed this engine."""
        return time.monotonic() - self._needed

    def _hand_out(self, run_id: str) -> None:
        url = self._settings.database_url
        self._runs[run_id] = self._client.submit(
            tasks.train, run_id, url, resources={"train": 1}, pure=False, key=f"train-{run_id}-{time.time_ns()}"
        )
        self._store.mark_running(run_id)
        log.info("run %s handed to the workers", run_id)

    def _collect(self) -> None:
        for run_id, future in list(self._runs.items()):
            if not future.done():
                continue
            if future.status == "finished":
                log.info("run %s %s", run_id, future.result())
            else:
                error = future.exception() if future.status == "error" else None
                log.error("run %s lost: %s", run_id, error or future.status)
                self._mark_failed(run_id, str(error) if isinstance(error, LabError) else KILLED)
            del self._runs[run_id]  # last, so that a store that is full is asked again

    def _mark_failed(self, run_id: str, message: str) -> None:
        try:
            self._store.record(run_id, {"status": "failed", "message": message, "wish": "", "ended": time.time()})
        except UnknownRun:
            log.info("run %s was deleted", run_id)

    def _adopt(self) -> None:
        """Puts runs back in the queue that an earlier engine left behind; they go on from their checkpoints."""
        for run in self._store.list(statuses=("running",)):
            host, _, pid = run.worker.rpartition(":")
            if run.id not in self._runs and not (pid and process_alive(host, int(pid), run.beat or 0.0)):
                log.warning("run %s was left behind; it goes on", run.id)
                self._store.requeue(run.id)


def serve(settings: Settings) -> int:
    """Runs the engine until nobody needs it, or a signal ends it. Gives the exit code."""
    store = RunStore(settings.database_url)
    lease = Lease(store.database)
    if not lease.take():
        log.info("another engine serves this store")
        return 0
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with ExitStack() as stack:
        stack.callback(lease.release)
        address = settings.scheduler
        if not address:
            local = stack.enter_context(cluster.start(settings))
            address, slots = local.scheduler_address, sum(name.startswith("train") for name in local.worker_spec)
        client = stack.enter_context(Client(address, set_as_default=False))
        if settings.scheduler:
            slots = _train_resources(client)
        engine = Engine(settings, store, client, slots)
        log.info("engine ready at %s with %d train worker(s)", address, slots)
        _loop(engine, lease, address, settings, stopping)
    return 0


def _loop(engine: Engine, lease: Lease, address: str, settings: Settings, stopping: threading.Event) -> None:
    last_beat = 0.0
    while not stopping.wait(TICK_SECONDS):
        try:
            engine.tick()
            if time.monotonic() - last_beat >= BEAT_SECONDS:
                workers = engine.beat()
                if not lease.renew("ready", address, workers):
                    log.warning("another engine has taken over")
                    return
                last_beat = time.monotonic()
        except LabError as error:
            # The store may be full or locked for a while: wait for it, do not give up the runs.
            log.error("%s", error)
            stopping.wait(BEAT_SECONDS)
        if engine.idle_seconds > settings.idle_seconds:
            log.info("nobody needs the engine; it ends")
            return


def _train_resources(client: Client) -> int:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return max(1, int(sum(worker["resources"].get("train", 0) for worker in workers)))


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("distributed").setLevel(logging.WARNING)
    try:
        return serve(Settings.from_environment())
    except LabError as error:
        log.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
