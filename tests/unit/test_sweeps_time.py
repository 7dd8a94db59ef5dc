"""The clock of a search: what counts as its time, and its end by a limit."""

import time

import pytest

from mnist_core.engine import sweeps as module
from mnist_core.engine.sweeps import Sweeper
from mnist_core.store import sweeps as kept
from tests.helpers import assert_friendly
from tests.searches import Worker, complete, design

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


def worked_for(seconds, sweeps, sweep_id):
    """As if an engine had worked on it for so long, up to now."""
    sweeps.update(sweep_id, started=time.time() - seconds, ended=time.time())


@pytest.fixture
def late(store, sweeps, sweeper):
    """Begins a search of so many trials whose time is up with one of them in training; gives that one, too."""

    def late(trials):
        sweep_id, worker = sweeps.create(design(trials=trials, seconds=1000)), Worker(store)
        sweeper.tick()
        run = worker.take()
        worked_for(2000, sweeps, sweep_id)
        sweeper.tick()
        return sweep_id, worker, run

    return late


def test_the_time_limit_ends_it(store, sweeps, sweeper):
    sweep_id = sweeps.create(design(trials=50, seconds=1000))
    sweeper.tick()
    worked_for(2000, sweeps, sweep_id)
    sweeper.tick()
    sweeper.tick()
    sweep = sweeps.get(sweep_id)
    assert sweep.status == "finished"
    assert_friendly(sweep.message, "time limit of 1,000 seconds", "all 50 trials")
    assert len(sweeps.trials(sweep_id)) == 2


def test_at_the_time_limit_trials_in_training_are_finished_and_none_begins(store, sweeps, sweeper, late):
    sweep_id, worker, run = late(trials=50)
    assert store.queue() == []
    assert store.get(run.id).wish == ""
    assert sweeps.get(sweep_id).active
    for epoch in (1, 2, 3):
        worker.epoch(run, epoch)
    worker.end(run)
    sweeper.tick()
    assert sweeps.get(sweep_id).status == "finished"
    assert "time limit" in sweeps.get(sweep_id).message
    states = {trial.run_id: trial.state for trial in sweeps.trials(sweep_id)}
    assert states.pop(run.id) == "complete"
    assert list(states.values()) == ["stopped"]


def test_a_search_whose_trials_had_all_begun_is_not_said_to_end_by_its_time(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(trials=2, seconds=1000)), Worker(store)
    sweeper.tick()
    for run in (worker.take(), worker.take()):
        worker.epoch(run, 1)
        worker.end(run)
    worked_for(2000, sweeps, sweep_id)
    sweeper.tick()
    assert (sweeps.get(sweep_id).status, sweeps.get(sweep_id).message) == ("finished", "")


def test_the_last_trials_that_the_time_limit_keeps_from_beginning_are_told(sweeps, sweeper, late):
    sweep_id, worker, run = late(trials=2)
    worker.epoch(run, 1)
    worker.end(run)
    sweeper.tick()
    sweep = sweeps.get(sweep_id)
    assert (sweep.status, [t.state for t in sweeps.trials(sweep_id)]) == ("finished", ["complete", "stopped"])
    assert "time limit" in sweep.message
    sweeps.go_on(sweep_id, 1)
    sweep, _ = complete(sweeper, worker, sweep_id, sweeps)
    assert (sweep.status, sweep.message) == ("finished", ""), "the limit counts anew when it is continued"


@pytest.mark.parametrize("looked", [300.0, None])
def test_time_in_which_the_lab_was_closed_does_not_count(store, sweeps, sweeper, settings, looked):
    """An engine had worked on it for so long when everything was closed for a night, or nobody had looked yet."""
    sweep_id, worker = sweeps.create(design(trials=4, parallel=1, seconds=1000)), Worker(store)
    if looked:
        sweeper.tick()
    now = time.time()
    sweeps.update(sweep_id, started=now - 36_000, ended=looked and now - 36_000 + looked)
    assert sweeps.get(sweep_id).seconds == pytest.approx(looked or 0.0)
    later = Sweeper(store, settings.database_url)
    later.tick()
    assert sweeps.get(sweep_id).seconds == pytest.approx(looked or 0.0, abs=30)
    sweep, trials = complete(later, worker, sweep_id, sweeps)
    assert (sweep.status, sweep.message) == ("finished", "")
    assert [trial.state for trial in trials] == ["complete"] * 4
    assert sweep.seconds == pytest.approx(looked or 0.0, abs=100)


@pytest.mark.parametrize("looked", [300.0, None])
def test_a_search_that_fails_at_the_first_look_after_a_night_has_not_taken_the_night(sweeps, sweeper, looked):
    sweep_id, now = sweeps.create(design()), time.time()
    sweeps.update(sweep_id, design="{}", started=now - 36_000, ended=looked and now - 36_000 + looked)
    sweeper.tick()
    sweep = sweeps.get(sweep_id)
    assert sweep.status == "failed"
    assert sweep.seconds == pytest.approx(looked or 0.0, abs=30)


def test_time_goes_on_while_an_engine_looks(store, sweeps, sweeper, monkeypatch):
    monkeypatch.setattr(kept, "CLOCK_SECONDS", 0.0)
    sweep_id = sweeps.create(design(seconds=1000))
    sweeper.tick()
    now = time.time()
    sweeps.update(sweep_id, started=now - 200, ended=now - 50)
    sweeper.tick()
    assert sweeps.get(sweep_id).seconds >= 200


def test_time_in_which_all_trials_are_paused_does_not_count(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(trials=1, seconds=1000)), Worker(store)
    sweeper.tick()
    store.record(worker.take().id, {"status": "paused"})
    now = time.time()
    sweeps.update(sweep_id, started=now - 200, ended=now - 50)
    sweeper.tick()
    assert sweeps.get(sweep_id).seconds == pytest.approx(150)
