"""Fixtures that several units share."""

import os

import pytest

from mnist_core import cli
from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.engine.sweeps import Sweeper
from mnist_core.store.sweeps import SweepStore
from tests.commands import complete


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
