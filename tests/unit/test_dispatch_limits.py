"""What the engine allows its visitors: turns, minutes, and room."""

import os
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mnist_core.config import RunConfig
from mnist_core.engine.dispatch import Dispatcher
from mnist_core.store.lease import HOST
from tests.helpers import assert_friendly
from tests.searches import design

pytestmark = pytest.mark.usefixtures("both_databases")


def test_visitors_take_turns(scripted, dask, store):
    many = [store.create(RunConfig(seed=seed), owner="a" * 32) for seed in range(4)]
    one = store.create(RunConfig(), owner="b" * 32)
    scripted.tick()
    assert [future.arguments[0] for future in dask.trainings] == [many[0], one]


def test_a_visitors_run_is_stopped_after_its_minutes_and_a_commands_is_not(dask, store, settings):
    dask.join("tcp://0", "train-0", "train")
    dask.join("tcp://1", "train-1", "train")
    dispatcher = Dispatcher(replace(settings, run_minutes=1), store, dask)
    dispatcher.beat()
    visitors, commands = store.create(RunConfig(), owner="a" * 32), store.create(RunConfig())
    dispatcher.tick()
    for run_id in (visitors, commands):
        store.record(run_id, {"train_seconds": 59.0})
    dispatcher.tick()
    assert store.get(visitors).wish == ""
    for run_id in (visitors, commands):
        store.record(run_id, {"train_seconds": 60.0})
    dispatcher.tick()
    run = store.get(visitors)
    assert run.wish == "stop" and "MNIST_LAB_RUN_MINUTES" in run.message
    assert store.get(commands).wish == ""


def test_a_trial_that_was_chosen_is_not_stopped_when_it_is_scored(dask, store, sweeps, settings):
    """It kept to its minutes when it was tried; half of it would stand as what the search found."""
    sweep_id = sweeps.create(design(), owner="a" * 32)
    chosen, other = (sweeps.add_trial(sweep_id, n, {"seed": n}, RunConfig(seed=n), f"trial {n}") for n in (0, 1))
    for trial in sweeps.trials(sweep_id):
        sweeps.update_trial(trial, state="complete", value=0.9)
    sweeps.choose(sweep_id, chosen)
    sweeps.update(sweep_id, status="finished")
    for number in (0, 1):
        dask.join(f"tcp://{number}", f"train-{number}", "train")
    dispatcher = Dispatcher(replace(settings, run_minutes=1), store, dask)
    dispatcher.beat()
    dispatcher.tick()
    for run_id in (chosen, other):
        store.record(run_id, {"train_seconds": 60.0})
    dispatcher.tick()
    assert [store.get(run_id).wish for run_id in (chosen, other)] == ["", "stop"]


def test_the_minutes_are_those_with_a_worker_and_not_of_a_pause(dask, store, settings, monkeypatch):
    clock = SimpleNamespace(now=time.monotonic())
    monkeypatch.setattr("mnist_core.engine.dispatch.time.monotonic", lambda: clock.now)
    dask.join("tcp://0", "train-0", "train")
    dispatcher = Dispatcher(replace(settings, run_minutes=10), store, dask)
    dispatcher.beat()
    run_id = store.create(RunConfig(), owner="a" * 32)

    def minutes_later(minutes):
        clock.now += 60 * minutes
        dispatcher.tick()
        return store.get(run_id).wish

    assert minutes_later(60) == ""
    store.start(run_id, f"{HOST}:{os.getpid()}", "CPU")
    assert minutes_later(0) == "", "the queue before it began"
    store.record(run_id, {"train_seconds": 120.0})
    assert minutes_later(9) == "", "of which two were steps, and the others validation"
    store.record(run_id, {"status": "paused"})
    dask.trainings[-1].end("paused")
    assert minutes_later(60) == ""
    store.resume(run_id)
    dispatcher.tick()
    store.start(run_id, f"{HOST}:{os.getpid()}", "CPU")
    dispatcher.tick()
    assert minutes_later(0.9) == ""
    assert minutes_later(0.2) == "stop"
    assert "MNIST_LAB_RUN_MINUTES" in store.get(run_id).message


def test_a_visitors_search_ends_where_the_database_is_full(dask, store, sweeps, settings):
    sweep_id = sweeps.create(design(), owner="a" * 32)
    full = Dispatcher(replace(settings, stored_megabytes=1), store, dask)
    store.keep(store.create(RunConfig()), "model.keras", os.urandom(2_000_000))
    full.tick()
    sweep = sweeps.get(sweep_id)
    assert (sweep.status, sweeps.trials(sweep_id)) == ("stopped", [])
    assert_friendly(sweep.message, "MNIST_LAB_STORED_MEGABYTES")
