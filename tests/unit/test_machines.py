"""Many machines: a Dask scheduler, workers and PostgreSQL that share nothing but the network.

Each process is started by its own command, as on a machine of its own: in an empty folder, with an empty home, told of
nothing but where the scheduler is.
"""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.errors import StoreError
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from tests.helpers import ROOT, assert_friendly, eventually, processes_of
from tests.postgres import clear, server

LONG = RunConfig.parse(
    {
        "architecture": {"name": "softmax"},
        "data": {"subset": 1000, "validation_fraction": 0.02},
        "training": {"epochs": 400, "batch_size": 10},
    }
)
"""Lasts some seconds, in many epochs: a worker vanishes in the middle of it."""

LONGER = LONG.replace({"data.subset": 8000})
"""Of as many epochs: another run has its turn meanwhile, or the database is away and comes back."""

SHORT = LONG.replace({"training.epochs": 1})


class Machines:
    """Starts processes, each as if alone on a machine."""

    def __init__(self, folder):
        self._folder, self._started = folder, []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.scheduler = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

    def start(self, *command):
        home = self._folder / f"machine-{len(self._started)}"
        home.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MNIST_LAB_")}
        environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "0"}
        with open(home / "log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command], cwd=home, env=environment, stdout=log, stderr=log
            )
        self._started.append(process)
        return process

    def said(self, process):
        """What a process has written."""
        return (self._folder / f"machine-{self._started.index(process)}" / "log").read_text(errors="replace")

    def start_scheduler(self):
        return self.start("scheduler", "--host", self.scheduler, "--no-dashboard", "--no-show")

    def start_worker(self, name, resources, threads):
        """One process without a nanny, so that a kill takes all of its machine."""
        options = ("--name", name, "--nthreads", str(threads), "--resources", resources)
        return self.start("worker", self.scheduler, "--no-nanny", "--no-dashboard", *options)

    def stop(self):
        for process in self._started:
            process.kill()
            process.wait()

    def left_behind(self):
        """Files that the processes made, other than their logs, Dask's scratch and Keras' own settings."""
        files = (path for path in self._folder.rglob("*") if path.is_file() and path.name != "log")
        return [path for path in files if not {"dask-scratch-space", ".keras"} & set(path.parts)]


@contextmanager
def dashboard(address, scheduler, home):
    """What a web server and its engine know: two settings."""
    environment = {"MNIST_LAB_DATABASE": address, "MNIST_LAB_SCHEDULER": scheduler, "MNIST_LAB_HOME": str(home)}
    settings = Settings.from_environment(environment | {"MNIST_LAB_IDLE_SECONDS": "5"})
    store = RunStore(settings.database_url)
    client = EngineClient(settings, store)
    try:
        yield store, client
    finally:
        client.stop()
        client.close()
        store.database.close()
        eventually(lambda: not processes_of(home), 30)


@pytest.fixture
def machines(tmp_path):
    folder = tmp_path / "machines"
    folder.mkdir()
    made = Machines(folder)
    yield made
    made.stop()


@pytest.mark.timeout(900)  # three processes import TensorFlow or Dask in turn, and two compile
def test_a_late_worker_gets_work_and_a_vanished_ones_run_goes_on_elsewhere(postgres, machines, tmp_path):
    clear(postgres)
    machines.start_scheduler()
    first = machines.start_worker("first", "train=1", 1)
    with dashboard(postgres, machines.scheduler, tmp_path / "home") as (store, client):
        client.wait(120)
        run_id = store.create(LONGER)
        eventually(lambda: client.ensure() and store.get(run_id).epoch >= 3, 180)
        assert store.get(run_id).worker.endswith(f":{first.pid}")

        late = machines.start_worker("late", "train=1,predict=1,files=1", 2)
        eventually(lambda: "late" in {worker["name"] for worker in client.ensure().workers}, 120)
        second = store.create(SHORT)
        eventually(lambda: client.ensure() and store.get(second).status == "finished", 180)
        assert store.get(second).worker.endswith(f":{late.pid}")
        assert store.get(run_id).status == "running"
        first.send_signal(signal.SIGKILL)
        run = eventually(lambda: client.ensure() and (run := store.get(run_id)).status == "finished" and run, 400)

        assert run.worker.endswith(f":{late.pid}")
        assert (run.epoch, run.step) == (400, run.steps)
        assert [row["epoch"] for row in store.epochs(run_id)] == list(range(1, 401))
        assert run.deaths == 1
        assert client.predict(run_id, np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)
    assert machines.left_behind() == []


@pytest.mark.timeout(400)
def test_a_scheduler_that_is_killed_is_told_and_can_be_started_again(machines, tmp_path):
    scheduler = machines.start_scheduler()
    with dashboard(f"sqlite:///{tmp_path / 'runs.sqlite'}", machines.scheduler, tmp_path / "home") as (_, client):
        assert "--resources train=1" in client.wait(120).missing
        scheduler.send_signal(signal.SIGKILL)
        told = eventually(lambda: (status := client.ensure()).state == "broken" and status.problem, 90)
        assert_friendly(told, machines.scheduler, "dask scheduler")
        scheduler.wait()
        machines.start_scheduler()
        eventually(lambda: client.ensure().ready, 120)


@pytest.mark.timeout(900)  # two processes import TensorFlow in turn
def test_a_run_goes_on_after_its_scheduler_was_killed(machines, tmp_path):
    scheduler = machines.start_scheduler()
    machines.start_worker("first", "train=1", 1)
    with dashboard(f"sqlite:///{tmp_path / 'runs.sqlite'}", machines.scheduler, tmp_path / "home") as (store, client):
        client.wait(120)
        run_id = store.create(LONG)
        eventually(lambda: client.ensure() and store.get(run_id).epoch >= 3, 180)
        scheduler.send_signal(signal.SIGKILL)
        scheduler.wait()
        machines.start_scheduler()
        second = machines.start_worker("second", "train=1", 1)  # the first one ends with its scheduler
        run = eventually(lambda: client.ensure() and (run := store.get(run_id)).status == "finished" and run, 400)
        assert run.worker.endswith(f":{second.pid}")
        assert (run.epoch, run.step) == (400, run.steps)
        assert [row["epoch"] for row in store.epochs(run_id)] == list(range(1, 401))


@pytest.mark.timeout(900)
def test_a_run_goes_on_after_its_database_was_away(machines, tmp_path):
    machines.start_scheduler()
    worker = machines.start_worker("only", "train=1", 1)
    with server() as database, dashboard(database.address, machines.scheduler, tmp_path / "home") as (store, client):
        client.wait(120)
        engine = client.ensure().pid
        run_id = store.create(LONGER)
        eventually(lambda: client.ensure() and store.get(run_id).epoch >= 3, 180)
        database.stop()
        with pytest.raises(StoreError) as told:
            store.get(run_id)
        assert_friendly(told, "MNIST_LAB_DATABASE")
        eventually(lambda: "waiting to write" in machines.said(worker), 120)
        database.start()
        run = eventually(lambda: client.ensure() and (run := store.get(run_id)).status == "finished" and run, 400)
        assert (run.epoch, run.step, run.deaths) == (400, run.steps, 0)
        assert run.worker.endswith(f":{worker.pid}")
        assert [row["epoch"] for row in store.epochs(run_id)] == list(range(1, 401))
        assert client.ensure().pid == engine


@pytest.mark.timeout(900)
def test_two_dashboards_over_one_database_have_one_engine_and_the_second_takes_over(postgres, machines, tmp_path):
    clear(postgres)
    machines.start_scheduler()
    machines.start_worker("only", "train=1,predict=1", 2)
    with (
        dashboard(postgres, machines.scheduler, tmp_path / "one") as (store, one),
        dashboard(postgres, machines.scheduler, tmp_path / "two") as (same_store, two),
    ):
        one.wait(120)
        assert two.wait(120).pid == one.ensure().pid
        assert len(processes_of(tmp_path / "one")) == 1 and not processes_of(tmp_path / "two")
        run_id = same_store.create(LONGER)
        eventually(lambda: two.ensure() and store.get(run_id).epoch >= 3, 180)
        psutil.Process(one.ensure().pid).kill()
        run = eventually(lambda: two.ensure() and (run := store.get(run_id)).status == "finished" and run, 400)
        assert [row["epoch"] for row in store.epochs(run_id)] == list(range(1, 401))
        assert run.deaths == 0
        eventually(lambda: two.ensure().ready, 120)
        assert len(processes_of(tmp_path / "two")) == 1
        answers = [client.predict(run_id, np.zeros((1, 28, 28), np.uint8)) for client in (two, one)]
        np.testing.assert_array_equal(*answers)
