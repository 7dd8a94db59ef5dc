"""Fixtures that several units share."""

import pytest

from mnist_core import cli
from mnist_core.engine.client import EngineClient
from mnist_core.engine.sweeps import Sweeper
from mnist_core.store.sweeps import SweepStore


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
def sweeps(store):
    return SweepStore(store.database)


@pytest.fixture
def sweeper(store, settings):
    return Sweeper(store, settings.database_url)
