"""The connection to the workers: answers, errors, and what Dask keeps of them."""

import threading

import numpy as np
import pytest
from distributed import LocalCluster

from mnist_core.engine import connection
from mnist_core.engine.connection import Connection
from mnist_core.errors import EngineError, UnknownRun
from tests.helpers import assert_friendly, eventually

GO_ON = threading.Event()


@pytest.fixture(scope="module")
def cluster():
    resources = {"predict": 1}
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None, resources=resources) as cluster:
        yield cluster


@pytest.fixture
def ask(cluster):
    ours = Connection()

    def ask(task, *arguments, seconds=30.0, **options):
        return ours.ask(cluster.scheduler_address, task, *arguments, kind="predict", seconds=seconds, **options)

    ask.connection = ours
    yield ask
    ours.close()
    assert eventually(lambda: not cluster.scheduler.tasks), "nothing of it stays behind"


def double(images):
    return 2 * images


def test_a_task_is_done_by_a_worker(ask):
    assert not ask.connection.running
    np.testing.assert_array_equal(ask(double, np.arange(3)), [0, 2, 4])
    assert ask.connection.running
    ask.connection.close()
    assert not ask.connection.running
    np.testing.assert_array_equal(ask(double, np.arange(3)), [0, 2, 4])


def test_small_answers_are_let_go_of_together(ask, cluster, monkeypatch):
    monkeypatch.setattr(connection, "KEPT", 3)
    for number, held in enumerate((1, 2, 3, 1, 2, 3, 1)):
        assert ask(double, number, keep=True) == 2 * number
        assert eventually(lambda held=held: len(cluster.scheduler.tasks) == held)


def test_others_at_once(ask, cluster):
    ask(double, 1)
    assert eventually(lambda: not cluster.scheduler.tasks)


def unknown():
    raise UnknownRun("There is no such run.")


def broken():
    return 1 / 0


def test_what_a_task_says_is_passed_on_and_what_breaks_is_told_in_words(ask):
    with pytest.raises(UnknownRun, match="There is no such run"):
        ask(unknown)
    assert ask.connection.running
    with pytest.raises(EngineError) as error:
        ask(broken)
    assert_friendly(error, "ZeroDivisionError", "Try again")
    assert ask(double, 4) == 8


def wait_for_word():
    GO_ON.wait(60)
    return "done"


def test_one_that_takes_too_long_is_left_and_others_go_on(ask):
    GO_ON.clear()
    try:
        with pytest.raises(EngineError) as error:
            ask(wait_for_word, seconds=0.2)
        assert_friendly(error, "did not answer within", "Try again")
        assert ask.connection.running
    finally:
        GO_ON.set()
    assert ask(double, 5) == 10
