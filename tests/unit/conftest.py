"""Fixtures that several units share."""

import os

import pytest

from mnist_core import cli
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine.client import EngineClient
from mnist_core.engine.dispatch import Dispatcher
from mnist_core.engine.sweeps import Sweeper
from mnist_core.store.sweeps import SweepStore
from tests.commands import complete
from tests.played import Dask


@pytest.fixture
def call(capsys):
    """Runs a command in this process and gives its exit code, stdout and stderr."""

    def run(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as leaving:  # as argparse does after --help
            code = leaving.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def no_engine(monkeypatch):
    """Fails a test that would start an engine."""

    def refuse(self):
        raise AssertionError("this needs no engine")

    monkeypatch.setattr(EngineClient, "ensure", refuse)


@pytest.fixture
def run_id(store):
    """A run that waits."""
    return store.create(RunConfig())


@pytest.fixture
def dask():
    return Dask()


@pytest.fixture
def scripted(dask, store, settings):
    """A dispatcher with two train workers, warmed up: ``here:0`` and ``here:1``."""
    for i in range(2):
        dask.join(f"tcp://{i}", f"train-{i}", "train")
    dispatcher = Dispatcher(settings, store, dask)
    dispatcher.beat()
    for pid, warming in enumerate(dask.futures):
        warming.end({"device": "Example CPU", "gpu": False, "host": "here", "pid": pid})
    return dispatcher


@pytest.fixture
def worker(settings):
    """This process as a worker that has just begun: it keeps no model and no store, and leaves none open."""
    from mnist_core.engine import reading  # TensorFlow, only for who needs it

    reading._models.clear()
    reading.store_at.cache_clear()
    yield
    if reading.store_at.cache_info().currsize:
        reading.store_at(settings.database_url).database.close()


@pytest.fixture
def train_worker(worker, digits, monkeypatch):
    """The same for training, with few images."""
    from mnist_core.engine import jobs

    monkeypatch.setattr(mnist, "load", lambda part: digits)
    monkeypatch.setattr(jobs, "_step_back", lambda: None)  # this process is not only a worker's


@pytest.fixture
def train(store, train_worker):
    """Trains as a worker does, and gives the answer and the run."""
    from mnist_core.engine import jobs

    def train(run_id):
        return jobs.train_run(run_id, store.database.url), store.get(run_id)

    return train


@pytest.fixture
def sweeps(store):
    return SweepStore(store.database)


@pytest.fixture
def sweeper(store, settings):
    return Sweeper(store, settings.database_url)


@pytest.fixture(scope="session")
def trained(engine):
    """What ``train --json`` said, and the environment in which it did."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MNIST_LAB_")}
    environment["MNIST_LAB_HOME"] = str(engine[0].home)
    changes = ["training.epochs=1", "data.subset=20000"]
    return *complete("train", "--recipe", "quick", "--set", *changes, "--json", env=environment), environment
