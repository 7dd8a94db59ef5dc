"""The train and predict workers: warmed when they come, begun anew when they have grown, told as pages show them."""

from __future__ import annotations

import logging
from collections.abc import Collection
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from distributed import Client, Future
from distributed import TimeoutError as DaskTimeout

from mnist_core.data import mnist
from mnist_core.engine import tasks

log = logging.getLogger("mnist_core.engine")

KINDS = ("train", "predict")
"""Of workers, told by the Dask resource that each brings."""

GROWTH_BYTES = 1_000_000_000

RESTART_SECONDS = 10.0

BRIEFLY = 2.0
"""Seconds to wait for what should be there at once, so that nothing can stop the engine's rounds."""

FULL_BYTES = 1_400_000_000
"""Of memory, after which a train worker gets a new process between two runs: TensorFlow lets no compiled code go
again, some 10 MB for every network of another shape."""


class Workers:
    """Those of one scheduler, as they were at the last ``look``."""

    def __init__(self, client: Client):
        self._client = client
        self.images = mnist.signature()
        """Which the engine reads, and every worker must."""
        self._seen: dict[str, dict[str, Any]] = {}
        self._warming: dict[str, tuple[str, Future]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._full: set[str] = set()
        self._busy_full = 0
        self._at_first: dict[str, float] = {}

    def look(self) -> list[dict[str, Any]]:
        """Warms workers that have come, forgets those that have gone, and gives all as pages show them.

        A worker is a row ``name, kind, device, gpu, ready, problem, memory`` (bytes), and ``host``, ``pid`` and
        ``unused_gpu`` (one that its TensorFlow cannot use) when it is ready; ``problem`` says why it cannot work.
        """
        with suppress(OSError):  # an answer that did not come says of no worker that it has gone
            # Not the client's ``scheduler_info``: what it gives, Dask's own look every two seconds may have emptied.
            self._seen = self._client.sync(self._client.scheduler.identity, n_workers=-1)["workers"]
        self._renew_full()
        present = {
            str(info["name"]): (address, next((kind for kind in KINDS if kind in info["resources"]), ""))
            for address, info in self._seen.items()
        }
        for name, (address, kind) in present.items():
            known = self._warming.get(name)
            if kind and (known is None or known[0] != address):
                future = self._client.submit(
                    tasks.warm_up, kind, self.images, workers=[address], resources={kind: 1}, pure=False, priority=10
                )
                self._warming[name] = (address, future)
                self._rows[name] = {"name": name, "kind": kind, "device": "", "gpu": False}
                self._rows[name] |= {"ready": False, "problem": ""}
        for name, (_, future) in list(self._warming.items()):
            if name not in present:
                del self._warming[name], self._rows[name]
            elif future.status == "finished" and not self._rows[name]["ready"]:
                # Asked for once, and not for long: the answer lies on the worker and is gone when that dies.
                with suppress(DaskTimeout, CancelledError):
                    self._rows[name] |= future.result(timeout=BRIEFLY) | {"ready": True}
            elif future.status == "error":
                self._rows[name] |= {"problem": str(future.exception())}
        for name, (address, _) in present.items():
            if name in self._rows:
                self._rows[name]["memory"] = self._seen[address]["metrics"].get("memory", 0)
        return sorted(self._rows.values(), key=lambda row: row["name"])

    @property
    def places(self) -> int:
        """Runs that can be trained at a time: one per train worker, late ones too."""
        return len(self._trainers(sound=True) - self._full) + self._busy_full

    @property
    def bound_to(self) -> list[str]:
        """Addresses that runs are bound to: of the train workers that can work, where another one cannot; else none."""
        sound = self._trainers(sound=True) if self._trainers(sound=False) else ()
        return [self._warming[name][0] for name in sound]

    def may_train(self, worker: str, addresses: Collection[str]) -> bool:
        """Whether a run that is bound to these addresses can be in training at one of them, or soon will be.

        Args:
            worker: that began it, as ``host:pid``; empty before that, when it may wait at any of them.
        """
        if not worker:
            return self._seen.keys() >= set(addresses)
        rows = (row for name, row in self._rows.items() if self._warming[name][0] in addresses)
        # One that is not ready has not yet told who it is.
        return any(not row["ready"] or f"{row['host']}:{row['pid']}" == worker for row in rows)

    def run_ended(self) -> None:
        """Counts no full worker as busy until the next look, which knows whether the run was on one."""
        self._busy_full = 0

    def _trainers(self, sound: bool) -> set[str]:
        """Names of train workers that can work, or of those that said why they cannot."""
        trainers = (row for row in self._rows.values() if row["kind"] == "train")
        return {row["name"] for row in trainers if bool(row["problem"]) != sound}

    def _renew_full(self) -> None:
        """Restarts train workers that have grown too large, as soon as they have nothing to do.

        One without a nanny cannot come back: Dask would end it for good, so it stays as it is.
        """
        trainers = {a: info for a, info in self._seen.items() if "train" in info["resources"] and info["nanny"]}
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
