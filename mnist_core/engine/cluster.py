"""The local Dask cluster: train workers (one per GPU, or one for every four cores) and one that predicts."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
import psutil
from distributed import Nanny, Scheduler, SpecCluster, Status
from distributed.diskutils import WorkSpace

from mnist_core.gpus import visible_gpus
from mnist_core.settings import Settings

log = logging.getLogger("mnist_core.engine")

WORKER_DEATHS_ALLOWED = 2
"""How often a run may kill its worker and be tried again; the third death marks it as failed."""

LOST_SECONDS = 60
"""How long a worker whose process has died may take to come back. Dask would give it up for good after 15 seconds, in
which a busy machine does not start Python."""

LEAST_WORKER_MEMORY = 2 * 2**30
"""A worker with TensorFlow holds 0.9 GB before it has done anything; Dask pauses one at 80 % of its limit."""


@contextmanager
def start(settings: Settings) -> Iterator[SpecCluster]:
    """Starts the scheduler on the loopback interface; its workers follow, each in a process that is watched.

    A worker that dies while it starts is no reason to fail: ``keep_whole`` begins it anew. What workers leave in the
    temporary folder, as TensorFlow does when it is killed, goes with the engine, or when the next one starts.
    """
    temporary = WorkSpace(os.path.join(tempfile.gettempdir(), "mnist-lab")).new_work_dir(prefix="engine-")
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": WORKER_DEATHS_ALLOWED,
            "distributed.deploy.lost-worker-timeout": f"{LOST_SECONDS} s",
            "distributed.nanny.environ.TMPDIR": temporary.dir_path,
            # Dask looks at a worker's stack a hundred times a second, for a page that we do not have; while a network
            # is traced, which is Python alone, that costs a third of the time.
            "distributed.worker.profile.enabled": False,
        }
    )
    options = {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    scheduler = {"cls": Scheduler, "options": options}
    try:
        started = SpecCluster(scheduler=scheduler, name="mnist-lab", silence_logs=False)
        started.worker_spec.update(workers(settings))
        keep_whole(started)
        with started:
            yield started
    finally:
        temporary.release()


def workers(settings: Settings) -> dict[str, dict[str, Any]]:
    """The workers that share this machine's cores, GPUs and memory, as Dask specifies them, by name."""
    gpus = visible_gpus()
    trainers = settings.train_workers or len(gpus) or max(1, cores() // 4)
    memory = psutil.virtual_memory().total
    found = {
        f"train-{i}": _worker(
            "train",
            threads=max(1, cores() // trainers),
            gpu=gpus[i % len(gpus)] if gpus else "-1",
            memory=max(LEAST_WORKER_MEMORY, 3 * memory // 4 // trainers),
        )
        for i in range(trainers)
    }
    # The predict worker stays off the GPU: it must answer at once while a run fills the GPU's memory.
    found["predict-0"] = _worker("predict", threads=1, gpu="-1", memory=max(LEAST_WORKER_MEMORY, memory // 4))
    return found


def keep_whole(cluster: SpecCluster) -> None:
    """Begins workers that are not there, or gone for good; cheap to call every second, while the cluster is there.

    A nanny restarts a worker whose process dies, but gives up when that happens while it starts; and Dask takes out a
    worker that was lost for long, and leaves it at that.
    """

    def look() -> None:
        if cluster.status is not Status.running:
            return
        for name, nanny in list(cluster.workers.items()):
            if nanny.status in (Status.closed, Status.failed):
                log.warning("worker %s could not start; it is begun anew", name)
                del cluster.workers[name]
        if set(cluster.worker_spec) - set(cluster.workers):
            cluster.scale(len(cluster.worker_spec))

    cluster.loop.add_callback(look)  # the cluster lives in a thread of its own


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _worker(kind: str, threads: int, gpu: str, memory: int) -> dict[str, Any]:
    environment = {
        "CUDA_VISIBLE_DEVICES": gpu,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        # The changes of images are many small steps, which only run beside each other if there is room for several.
        "TF_NUM_INTEROP_THREADS": str(threads),
    }
    # One task at a time: TensorFlow brings the threads. Beside its predictions, the predict worker waits for the
    # process that reads an uploaded model.
    resources = {"predict": 1, "files": 1} if kind == "predict" else {kind: 1}
    options = {"nthreads": len(resources), "resources": resources, "env": environment}
    options |= {"memory_limit": memory, "dashboard": False}
    return {"cls": Nanny, "options": options}
