"""The client asks workers: when it looks for the engine first, what is asked together, and what is not asked at all."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import distributed
import numpy as np
import pytest

from mnist_core.engine import client
from mnist_core.engine.client import EngineClient
from mnist_core.errors import EngineError, ModelFileError
from mnist_core.models.upload import Upload
from mnist_core.store.lease import EngineStatus
from tests.helpers import assert_friendly, eventually
from tests.unit.test_client import hold


@pytest.fixture
def ours(settings, store):
    return EngineClient(settings, store)


def test_an_engine_that_does_not_answer_is_told(ours, store, monkeypatch):
    hold(store, os.getpid())  # it says that it is at an address where nobody listens
    dask = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda address, **options: dask(address, **options | {"timeout": 0.5}))
    with pytest.raises(EngineError) as error:
        ours.predict("x", np.zeros((1, 28, 28), np.uint8))
    assert_friendly(error, "did not answer", "Try again")


def test_an_engine_whose_workers_are_out_of_reach_is_not_asked(ours, monkeypatch):
    away = EngineStatus("ready", "tcp://127.0.0.1:1", host="other-machine", out_of_reach="They are out of reach.")
    monkeypatch.setattr(client, "engine_status", lambda _, scheduler: away)
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: pytest.fail("somebody else's engine was asked"))
    with pytest.raises(EngineError, match="They are out of reach"):
        ours.predict("x", np.zeros((1, 28, 28), np.uint8))


def test_many_who_draw_ask_the_store_once_a_second(ours, monkeypatch):
    waited, there = [], EngineStatus("ready", "tcp://127.0.0.1:1")
    monkeypatch.setattr(ours, "wait", lambda: waited.append(None) or there)
    monkeypatch.setattr(client.Connection, "ask", lambda *_, **__: np.ones((1, 10), np.float32))

    def ask(times):
        waited.clear()
        for _ in range(times):
            ours.predict("x", np.zeros((1, 28, 28), np.uint8))
        return len(waited)

    assert ask(5) == 5, "without a connection each one looks whether there is an engine"
    monkeypatch.setattr(client.Connection, "running", True)
    assert ask(5) <= 1
    monkeypatch.setattr(client, "KNOWN_SECONDS", 0.0)
    assert ask(5) == 5


def test_drawings_that_come_while_one_is_read_are_read_together(ours, monkeypatch):
    asked, busy, go_on = [], threading.Event(), threading.Event()

    def ask(_, address, task, run_id, images, *rest, **options):
        asked.append(len(images))
        busy.set()
        assert go_on.wait(60)
        return np.repeat(images[:, :1, 0], 10, axis=1)

    monkeypatch.setattr(ours, "wait", lambda: EngineStatus("ready", "tcp://127.0.0.1:1"))
    monkeypatch.setattr(client.Connection, "ask", ask)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ours.predict, "x", np.full((1, 28, 28), 0, np.uint8))
        assert busy.wait(60)
        others = [pool.submit(ours.predict, "x", np.full((1, 28, 28), number, np.uint8)) for number in range(1, 4)]
        assert eventually(lambda: len(ours._together._waiting.get("x", ())) == 3)
        go_on.set()
        assert [answer.result()[0, 0] for answer in (first, *others)] == [0, 1, 2, 3]
    assert asked == [1, 3]


def test_a_models_file_has_a_limit_or_none(settings, store, monkeypatch):
    monkeypatch.setattr(EngineClient, "_ask", lambda *_, **__: "asked")
    file = Upload("x.keras", bytes(1_000_001))
    with pytest.raises(ModelFileError) as error:
        EngineClient(replace(settings, upload_megabytes=1), store).vetted(file)
    assert_friendly(error, "has 1.1 MB, but may have 1 MB", "MNIST_LAB_UPLOAD_MEGABYTES")
    free = EngineClient(replace(settings, upload_megabytes=0), store)
    assert free.vetted(file) == free.add_upload(file) == "asked"
