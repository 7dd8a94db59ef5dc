"""Searches that are stopped, taken over or continued: nothing repeats, and nothing is lost."""

import pytest
from sqlalchemy import text

from mnist_core.engine import sweeps as module
from mnist_core.engine.sweeps import Sweeper
from mnist_core.errors import OverLimit, StoreBusy, StoreError
from mnist_core.store.sweep import room
from mnist_core.store.sweeps import SweepStore
from tests.helpers import assert_friendly
from tests.searches import RATE, Worker, complete, design

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


def test_an_engine_that_takes_over_goes_on_with_every_trial_once(store, sweeps, settings, sweeper):
    sweep_id, worker = sweeps.create(design(trials=8, parallel=2)), Worker(store)
    sweeper.tick()
    worker.work(sweeper)
    run = worker.take()  # one is under way and one has ended, and nobody was told
    worker.epoch(run, 1)
    for engine in range(4):
        later = Sweeper(store, settings.database_url)
        later.tick()
        if engine == 0:
            worker.end(run)
        worker.work(later)
    _, trials = complete(Sweeper(store, settings.database_url), worker, sweep_id, sweeps)
    assert [trial.number for trial in trials] == list(range(8))
    assert sorted(worker.trained) == sorted(trial.run_id for trial in trials)
    with store.database.read() as connection:
        states = connection.execute(text("SELECT state, count(*) FROM trials GROUP BY state")).all()
    assert [tuple(row) for row in states] == [("COMPLETE", 8)]


def test_a_search_that_waits_for_a_paused_trial_alone_needs_no_engine(store, sweeps, sweeper, settings):
    sweep_id, worker = sweeps.create(design(trials=2, parallel=2)), Worker(store)
    assert sweeper.tick()
    first, second = worker.take(), worker.take()
    store.record(first.id, {"status": "paused"})
    assert sweeper.tick(), "the other one still trains"
    store.record(second.id, {"status": "paused"})
    assert not sweeper.tick()
    assert sweeps.get(sweep_id).active, "it goes on when somebody comes back"
    store.resume(first.id)
    later = Sweeper(store, settings.database_url)
    assert later.tick()
    store.resume(second.id)
    _, trials = complete(later, worker, sweep_id, sweeps)
    assert [trial.state for trial in trials] == ["complete"] * 2


def test_told_but_not_written_down_is_told_again_without_harm(store, sweeps, sweeper, settings, monkeypatch):
    sweep_id, worker = sweeps.create(design(trials=2, parallel=1)), Worker(store)
    sweeper.tick()
    worker.end(worker_run := worker.take())
    del worker_run
    monkeypatch.setattr(SweepStore, "update_trial", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        sweeper.tick()
    monkeypatch.undo()
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    _, trials = complete(Sweeper(store, settings.database_url), worker, sweep_id, sweeps)
    assert len(trials) == 2
    assert not any(trial.open for trial in trials)


def test_stop_and_continue(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(trials=20, parallel=2)), Worker(store)
    sweeper.tick()
    worker.work(sweeper)
    run = worker.take()
    sweeps.stop(sweep_id)
    sweeper.tick()
    assert store.get(run.id).wish == "stop"
    assert store.queue() == []
    worker.end(run, "stopped")
    sweeper.tick()
    sweep, trials = sweeps.get(sweep_id), sweeps.trials(sweep_id)
    assert sweep.status == "stopped"
    assert not any(trial.open for trial in trials)
    done = len(trials)
    sweeps.go_on(sweep_id, 3)
    sweep, trials = complete(sweeper, worker, sweep_id, sweeps)
    assert (sweep.status, len(trials)) == ("finished", done + 3)
    for more in (0, 5000):
        with pytest.raises(StoreError) as error:
            sweeps.go_on(sweep_id, more)
        assert_friendly(error, "at most")


def test_a_grid_is_through_when_it_is(store, sweeps, sweeper):
    sweep_id = sweeps.create(design("training.batch_size=32|64|128", "seed=1|2", sampler="grid", trials=50))
    sweep, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    assert sweep.status == "finished"
    assert sorted((t.params["training.batch_size"], t.params["seed"]) for t in trials) == [
        (batch, seed) for batch in (32, 64, 128) for seed in (1, 2)
    ]
    with pytest.raises(StoreError, match="6 at most"):
        sweeps.go_on(sweep_id, 1)


def test_continue_finishes_a_grid_that_was_stopped(store, sweeps, sweeper, settings):
    sweep_id = sweeps.create(design("training.batch_size=32|64|128", "seed=1|2", sampler="grid", parallel=6))
    worker = Worker(store)
    sweeper.tick()
    worker.work(sweeper)
    run = worker.take()
    sweeps.stop(sweep_id)
    sweeper.tick()
    worker.end(run, "stopped")
    sweeper.tick()
    sweep, trials = sweeps.get(sweep_id), sweeps.trials(sweep_id)
    assert sweep.status == "stopped"
    assert sorted(trial.state for trial in trials) == ["complete"] + 5 * ["stopped"]
    assert room(sweep, trials) == 5
    with pytest.raises(StoreError, match="at most"):
        sweeps.go_on(sweep_id, 6)
    sweeps.go_on(sweep_id, 5)
    sweep, trials = complete(Sweeper(store, settings.database_url), worker, sweep_id, sweeps)
    done = [t for t in trials if t.state == "complete"]
    assert sorted((t.params["training.batch_size"], t.params["seed"]) for t in done) == [
        (batch, seed) for batch in (32, 64, 128) for seed in (1, 2)
    ]
    assert (sweep.status, len(trials), room(sweep, trials)) == ("finished", 11, 0)


def test_a_trial_that_the_store_refused_is_no_lost_combination(store, sweeps, sweeper, monkeypatch):
    sweep_id = sweeps.create(design("training.batch_size=32|64", "seed=1|2", sampler="grid", parallel=1))
    sweeper.tick()
    Worker(store).work(sweeper)
    monkeypatch.setattr(SweepStore, "add_trial", lambda *a, **k: (_ for _ in ()).throw(StoreBusy("It is locked.")))
    with pytest.raises(StoreBusy):
        sweeper.tick()
    monkeypatch.undo()
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    sweep, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    assert sweep.status == "finished"
    assert len({str(trial.params) for trial in trials if trial.state == "complete"}) == len(trials) == 4


def test_continue_after_a_restart_repeats_nothing(store, sweeps, settings):
    sweep_id = sweeps.create(design(trials=4))
    complete(Sweeper(store, settings.database_url), Worker(store), sweep_id, sweeps)
    sweeps.go_on(sweep_id, 4)
    _, trials = complete(Sweeper(store, settings.database_url), Worker(store), sweep_id, sweeps)
    assert len({trial.params[RATE] for trial in trials}) == 8


def test_a_visitors_trial_over_a_limit_is_not_trained(store, sweeps, settings):
    def check(config):
        raise OverLimit("The model has 9 parameters, and 8 is the most here (MNIST_LAB_PARAMETERS).")

    sweeper = Sweeper(store, settings.database_url, check)
    of_a_visitor = sweeps.create(design(trials=1), owner="a" * 32)
    of_a_command = sweeps.create(design(trials=1))
    sweeper.tick()
    (trial,) = sweeps.trials(of_a_visitor)
    assert (trial.state, trial.run_id) == ("failed", None) and "MNIST_LAB_PARAMETERS" in trial.message
    assert [trial.run_id for trial in sweeps.trials(of_a_command)] == store.queue()


def test_a_search_that_finds_no_room_ends_with_what_trains_and_goes_on_when_there_is_some(store, sweeps, settings):
    full = []

    def require_room():
        if full:
            raise OverLimit("The database is full.")

    sweeper, worker = Sweeper(store, settings.database_url, require_room=require_room), Worker(store)
    visitors, commands = (sweeps.create(design(trials=5), owner=owner) for owner in ("a" * 32, ""))
    sweeper.tick()
    full.append(True)
    _, trials = complete(sweeper, worker, commands, sweeps)
    assert len(trials) == 5, "a command knows no limits"
    sweep, trials = complete(sweeper, worker, visitors, sweeps)
    assert (sweep.status, sweep.message) == ("stopped", "The database is full.")
    assert [trial.state for trial in trials] == ["complete", "complete"]
    full.clear()
    sweeps.go_on(visitors, 3)
    sweep, trials = complete(sweeper, worker, visitors, sweeps)
    assert (sweep.status, sweep.message, len(trials)) == ("finished", "", 5)


def test_a_search_without_room_whose_end_the_store_refuses_ends_in_the_next_round(store, sweeps, settings, monkeypatch):
    full, refused = [True], [StoreBusy("It is locked.")]

    def require_room():
        if full:
            raise OverLimit("The database is full.")

    def update(self, sweep_id, **columns):
        if columns.get("status") and refused:
            raise refused.pop()
        as_ever(self, sweep_id, **columns)

    as_ever = SweepStore.update
    monkeypatch.setattr(SweepStore, "update", update)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    sweeper = Sweeper(store, settings.database_url, require_room=require_room)
    sweep_id = sweeps.create(design(), owner="a" * 32)
    with pytest.raises(StoreBusy):
        sweeper.tick()
    full.clear()
    sweeper.tick()
    sweep = sweeps.get(sweep_id)
    assert (sweep.status, sweep.message, sweeps.trials(sweep_id)) == ("stopped", "The database is full.", [])


def test_what_is_foretold_of_a_sweep_is_kept_and_is_a_share(sweeps):
    assert sweeps.get(sweeps.create(design(), expected=0.97)).expected == 0.97
    assert sweeps.get(sweeps.create(design())).expected is None
    for wrong in (97, -0.1, float("nan")):
        with pytest.raises(StoreError) as error:
            sweeps.create(design(), expected=wrong)
        assert_friendly(error, "between 0 % and 100 %")
    assert len(sweeps.list()) == 2
