"""Fixtures of all tests. Every test has a data folder of its own; none sees yours."""

import os

# Tests mean the same on every machine: on the processor, and without TensorFlow's greeting.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

from dataclasses import fields

import hypothesis
import pytest

from mnist_core.data import mnist
from mnist_core.engine.client import EngineClient
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from tests.helpers import eventually, processes_of
from tests.postgres import clear, server

# Two cores that are busy elsewhere are no reason to fail.
hypothesis.settings.register_profile(
    "lab", deadline=None, max_examples=60, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("lab")

IDLE_SECONDS = 10
"""How long an engine outlives a test session that was killed."""


def _own_settings(patch, home):
    for entry in fields(Settings):
        patch.delenv(entry.metadata["variable"], raising=False)
    patch.setenv("MNIST_LAB_HOME", str(home))
    patch.setenv("MNIST_LAB_IDLE_SECONDS", str(IDLE_SECONDS))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """What ``-n`` alone does: see ``tests/scheduling.py``."""
    from tests.scheduling import Scheduling

    return Scheduling(config, log) if config.getvalue("dist") == "load" else None


@pytest.fixture(autouse=True)
def home(request, tmp_path, monkeypatch):
    """The data folder that ``MNIST_LAB_HOME`` names: the engine's in tests with an engine, else an empty one."""
    folder = request.getfixturevalue("engine")[0].home if "engine" in request.fixturenames else tmp_path / "home"
    _own_settings(monkeypatch, folder)
    return folder


@pytest.fixture
def settings(home):
    return Settings.from_environment()


@pytest.fixture
def store(settings):
    """An empty store, or the engine's in tests with an engine."""
    store = RunStore(settings.database_url)
    yield store
    store.database.close()


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """A real engine with its workers, as ``(settings, store, client)``; started once, and gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        _own_settings(patch, tmp_path_factory.mktemp("engine"))
        settings = Settings.from_environment()
    store = RunStore(settings.database_url)
    client = EngineClient(settings, store)
    client.wait()
    yield settings, store, client
    client.stop()
    client.close()
    store.database.close()
    eventually(lambda: not processes_of(settings.home), 20)


@pytest.fixture(scope="session")
def postgres():
    """The address of a PostgreSQL server's database, started once. Without one, tests that need it fail and say so."""
    with server() as started:
        yield started.address


@pytest.fixture(params=["sqlite", "postgresql"])
def both_databases(request, home, monkeypatch):
    """Runs a test twice: with the SQLite file of its home, and with an empty database of a PostgreSQL server."""
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres")
        clear(address)
        monkeypatch.setenv("MNIST_LAB_DATABASE", address)
    return request.param


@pytest.fixture(scope="session")
def digits():
    """The first 1,200 training images: enough to train on, quick to train with."""
    everything = mnist.load("train")
    return mnist.Digits(everything.images[:1200], everything.labels[:1200])
