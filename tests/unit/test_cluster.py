"""The layout of the local workers, without starting any."""

import os
import subprocess
from types import SimpleNamespace

import dask
import psutil
import pytest

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
        monkeypatch.setattr(cluster, "SpecCluster", lambda **arguments: arguments)
        settings = Settings.from_environment({"MNIST_LAB_TRAIN_WORKERS": str(train_workers)})
        with dask.config.set({"distributed.scheduler.allowed-failures": 99}):
            started = cluster.start(settings)
            assert dask.config.get("distributed.scheduler.allowed-failures") == cluster.WORKER_DEATHS_ALLOWED
            assert dask.config.get("distributed.deploy.lost-worker-timeout") == "60 s"
        assert started["scheduler"]["options"]["host"] == "127.0.0.1"  # nobody outside may send tasks
        return {name: worker["options"] for name, worker in started["workers"].items()}

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
        assert options["env"]["TF_NUM_INTRAOP_THREADS"] == str(threads if kind == "train" else 1)
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
        ("0", 0, ["0"]),
        ("0,1,2", 0, ["0", "1", "2"]),
        ("2, 5", 0, ["2", "5"]),  # those that Slurm gave us, and no others
        ("GPU-8932f937,GPU-46b3d1c2", 0, ["GPU-8932f937", "GPU-46b3d1c2"]),
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
    with cluster.start(settings) as started:
        yield started


def processes(started):
    """Process ids of the workers that the scheduler knows, by name."""
    return {worker.name: worker.pid for worker in started.scheduler.workers.values()}


@pytest.mark.parametrize("names", [["train-0"], ["predict-0", "train-0"]])
def test_workers_that_were_given_up_are_begun_anew(started, names):
    before = eventually(lambda: len(found := processes(started)) == 2 and found)
    for name in names:
        started.sync(started.workers[name].close)  # as a nanny does whose process dies while it starts
    eventually(lambda: not set(names) & set(processes(started)))

    def whole():
        cluster.keep_whole(started)
        return len(found := processes(started)) == 2 and found

    after = eventually(whole, 60)
    assert {name for name in after if after[name] != before[name]} == set(names)
    cluster.keep_whole(started)
    assert processes(started) == after, "what is there stays"
