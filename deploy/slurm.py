"""Asks Slurm for train workers: one job for each run that trains or waits, up to ``MOST_JOBS``.

    MNIST_LAB_DATABASE=postgresql://lab:password@database/lab python -m deploy.slurm

It is the Dask scheduler, too, so keep it running on the login node, or as a job of its own. It needs dask-jobqueue.
What a job may use stands in ``JOB``: change it as your cluster has it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mnist_core.errors import StoreError
from mnist_core.settings import Settings
from mnist_core.store import RunStore

LEAST_JOBS, MOST_JOBS = 1, 8

LOOK_SECONDS = 10.0

WORKER = ["--nthreads", "1", "--resources", "train=1", "--memory-limit", "0"]

JOB = {
    "cores": 4,
    "processes": 1,
    "memory": "8GB",
    "walltime": "04:00:00",
    "worker_extra_args": WORKER,
    "job_script_prologue": [f"export PYTHONPATH={Path(__file__).resolve().parents[1]}"],
    "scheduler_options": {"port": 8786},
}


def follow(cluster: Any, store: RunStore) -> None:
    """One look at the queue. It also asks anew for jobs that have come to their walltime.

    Dask's own ``adapt`` knows nothing of the queue, which stands in the database until a worker is free, and ends
    workers that were started by hand. Jobs are given back when nothing trains or waits: sooner, it might be those that
    train.
    """
    counts = store.statistics()
    needed = counts.get("running", 0) + counts.get("queued", 0)
    asked = len(cluster.worker_spec) if needed else 0
    cluster.scale(max(LEAST_JOBS, asked, min(needed, MOST_JOBS)))


def main() -> None:
    from dask_jobqueue import SLURMCluster

    store = RunStore(Settings.from_environment().database_url)
    with SLURMCluster(**JOB) as cluster:
        print(f"The scheduler is at {cluster.scheduler_address}; Ctrl-C ends it and its jobs.", flush=True)
        while True:
            try:
                follow(cluster, store)
            except StoreError as error:  # it may be back in a while, and what trains goes on
                print(error, flush=True)
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
