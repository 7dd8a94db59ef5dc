"""The layout of the local workers, and that they are kept."""

import os
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import dask
import psutil
import pytest
from distributed import Client, Nanny, Status

from mnist_core.engine import cluster
from mnist_core.settings import Settings
from tests.helpers import eventually

MEMORY = 16 * 2**30


@pytest.fixture
def layout(monkeypatch):
    """Gives what would be started on a machine of so many cores with these GPUs, as ``{name: options}``."""

    def layout(cores, gpus="-1", train_workers=0, memory=MEMORY):
        monkeypatch.setattr(cluster, "cores", lambda: cores)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=memory))
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
        settings = Settings.from_environment({"MNIST_LAB_TRAIN_WORKERS": str(train_workers)})
        return {name: worker["options"] for name, worker in cluster.workers(settings).items()}

    return layout


@pytest.mark.parametrize(
    ("cores", "gpus", "wish", "trainers", "threads"),
    [
        (1, "-1", 0, 1, 1),
        (2, "-1", 0, 1, 2),
        (4, "-1", 0, 1, 4),
        (16, "-1", 0, 4, 4),
        (8, "0", 0, 1, 8),
        (8, "0,1", 0, 2, 4),
        (8, "-1", 3, 3, 2),
        (2, "-1", 5, 5, 1),
    ],
)
def test_workers_share_the_cores(layout, cores, gpus, wish, trainers, threads):
    workers = layout(cores, gpus, wish)
    assert list(workers) == [f"train-{i}" for i in range(trainers)] + ["predict-0"]
    for name, options in workers.items():
        kind = name.partition("-")[0]
        # One task at a time, and beside predictions one that waits for the process that reads an upload.
        assert options["resources"] == ({"train": 1} if kind == "train" else {"predict": 1, "files": 1})
        assert options["nthreads"] == len(options["resources"])
        for within in ("INTRAOP", "INTEROP"):
            assert options["env"][f"TF_NUM_{within}_THREADS"] == str(threads if kind == "train" else 1)
        assert options["dashboard"] is False


def test_workers_share_the_memory(layout):
    limits = [options["memory_limit"] for options in layout(16).values()]
    assert limits == [MEMORY * 3 // 16] * 4 + [MEMORY // 4]
    assert sum(limits) <= MEMORY


def test_every_worker_has_room_for_tensorflow_even_on_a_small_machine(layout):
    limits = [options["memory_limit"] for options in layout(16, train_workers=8, memory=2 * 2**30).values()]
    assert min(limits) >= cluster.LEAST_WORKER_MEMORY


@pytest.mark.parametrize(
    ("visible", "wish", "expected"),
    [
        ("-1", 0, ["-1"]),
        ("", 0, ["-1"]),
        ("NoDevFiles", 0, ["-1"]),  # by Slurm, where a job has none
        ("0", 0, ["0"]),
        ("0,1,2", 0, ["0", "1", "2"]),
        ("2, 5", 0, ["2", "5"]),  # those that Slurm gave us, and no others
        ("GPU-8932f937,GPU-46b3d1c2", 0, ["GPU-8932f937", "GPU-46b3d1c2"]),
        ("MIG-GPU-8932f937/1/2", 0, ["MIG-GPU-8932f937/1/2"]),
        ("0,1", 3, ["0", "1", "0"]),
        ("0,1", 1, ["0"]),
    ],
)
def test_every_train_worker_sees_one_gpu_of_ours(layout, visible, wish, expected):
    workers = layout(4, visible, wish)
    seen = [options["env"]["CUDA_VISIBLE_DEVICES"] for options in workers.values()]
    assert seen == [*expected, "-1"]  # drawing stays off the GPUs


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("GPU 0: NVIDIA A100 (UUID: GPU-1)\nGPU 1: NVIDIA A100 (UUID: GPU-2)\n", ["0", "1"]),
        ("No devices found.\n", []),
    ],
)
def test_the_driver_is_asked_for_gpus(monkeypatch, listing, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=listing))
    assert cluster.visible_gpus() == expected


@pytest.mark.parametrize(
    "error", [FileNotFoundError(), subprocess.CalledProcessError(9, "x"), subprocess.TimeoutExpired("x", 1)]
)
def test_without_a_driver_there_are_none(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(subprocess, "run", fail)
    assert cluster.visible_gpus() == []


def test_cores_are_those_that_we_may_use():
    allowed = os.sched_getaffinity(0)
    assert cluster.cores() == len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert cluster.cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.fixture
def started(settings, monkeypatch):
    """A real cluster of one train and one predict worker, which have nothing to do."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    others = {"distributed.scheduler.allowed-failures": 99, "distributed.deploy.lost-worker-timeout": "9 s"}
    with dask.config.set(others), cluster.start(settings) as started:
        yield started


def whole(started):
    """Process ids of the workers by name, when all are there."""

    def look():
        cluster.keep_whole(started)
        workers = {worker.name: worker.pid for worker in started.scheduler.workers.values()}
        return set(workers) == {"train-0", "predict-0"} and workers

    return eventually(look, 60)


def test_the_scheduler_hears_this_machine_only_and_bears_some_deaths(started):
    assert started.scheduler_address.startswith("tcp://127.0.0.1:")  # nobody outside may send tasks
    assert dask.config.get("distributed.scheduler.allowed-failures") == cluster.WORKER_DEATHS_ALLOWED
    assert started.scheduler.allowed_failures == cluster.WORKER_DEATHS_ALLOWED
    assert dask.config.get("distributed.deploy.lost-worker-timeout") == f"{cluster.LOST_SECONDS} s"


@pytest.mark.parametrize("names", [["train-0"], ["predict-0", "train-0"]])
def test_workers_that_were_given_up_are_begun_anew(started, names):
    before = whole(started)
    for name in names:
        started.sync(started.workers[name].close)  # as a nanny does whose process dies while it starts
    eventually(lambda: not set(names) & {worker.name for worker in started.scheduler.workers.values()})
    after = whole(started)
    assert {name for name in after if after[name] != before[name]} == set(names)
    assert whole(started) == after, "what is there stays"


def test_workers_that_die_while_they_start_are_begun_anew(settings, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    died = []

    class Dying(Nanny):
        async def instantiate(self):
            if self.name in died:
                return await super().instantiate()
            died.append(self.name)
            return Status.stopped  # what a nanny says of a process that ended before it was ready

    monkeypatch.setattr(cluster, "Nanny", Dying)
    with cluster.start(settings) as started:
        assert set(whole(started)) == set(died)


def test_what_workers_leave_in_the_temporary_folder_goes_with_them(settings, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with cluster.start(settings) as started, Client(started, set_as_default=False) as client:
        whole(started)
        left = Path(client.submit(tempfile.mkdtemp, workers=["train-0"]).result())
        assert left.is_dir()
    assert not left.exists()
