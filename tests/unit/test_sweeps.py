"""Searches from the first proposal to the end, with a scripted worker instead of training."""

import pytest
from sqlalchemy import text

from mnist_core.config import RunConfig
from mnist_core.engine import sweeps as module
from mnist_core.engine.sweeps import Sweeper
from mnist_core.errors import OverLimit, StoreError, UnknownSweep
from tests.helpers import assert_friendly
from tests.searches import RATE, Worker, complete, design, epoch_row, optunas_states, quality

pytestmark = pytest.mark.usefixtures("both_databases")

RAN_AWAY = "The loss became infinite or not a number at step 9."


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


def test_trials_are_runs_and_each_is_counted_once(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(parallel=3)), Worker(store)
    sweeper.tick()
    assert len(store.queue()) == 3
    sweep, trials = complete(sweeper, worker, sweep_id, sweeps)
    assert sweep.status == "finished"
    assert [trial.number for trial in trials] == list(range(6))
    assert {trial.state for trial in trials} == {"complete"}
    assert [trial.run_id for trial in trials] == worker.trained
    for trial in trials:
        run = store.get(trial.run_id)
        assert run.settings.optimizer.learning_rate == trial.params[RATE]
        assert trial.value == pytest.approx(quality(run.settings))
        assert sweeps.sweep_of(run.id) == sweep_id
        assert not sweeps.may_score(run.id)
        assert sweep.name in run.name
    assert not sweeper.tick()
    assert set(sweeps.epochs(sweep_id)) == set(range(6))


def test_only_the_best_keep_their_weights(store, sweeps, sweeper):
    sweep_id = sweeps.create(design())
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    best = sorted(trials, key=lambda trial: -trial.value)[:3]
    kept = {trial.run_id for trial in trials if store.load_blob(trial.run_id, "checkpoint")}
    assert kept == {trial.run_id for trial in best}


def test_trials_are_no_runs_of_ones_own_until_scored(store, sweeps, sweeper):
    own = store.create(RunConfig())
    sweep_id = sweeps.create(design(trials=3))
    sweeper.tick()
    assert len(store.list()) > 1
    assert [run.id for run in store.list(own=True)] == [own]
    trial = sweeps.trials(sweep_id)[0]
    store.record(trial.run_id, {"status": "finished", "test_accuracy": 0.9})
    assert {run.id for run in store.list(own=True)} == {own, trial.run_id}


def test_a_run_of_no_sweep_may_see_the_test_set(store, sweeps):
    assert sweeps.may_score(store.create(RunConfig()))


def test_a_loss_that_ran_away_is_a_bad_trial_and_not_the_end(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(trials=2, parallel=1)), Worker(store)
    sweeper.tick()
    worker.end(worker.take(), "failed", message=RAN_AWAY)
    sweep, trials = complete(sweeper, worker, sweep_id, sweeps)
    assert sweep.status == "finished"
    assert [trial.state for trial in trials] == ["failed", "complete"]
    assert "infinite" in trials[0].message


@pytest.mark.parametrize(
    ("objective", "status", "message", "state", "told"),
    [
        ("accuracy", "failed", RAN_AWAY, "failed", "PRUNED"),  # bad settings, of which the sampler learns
        ("loss", "failed", RAN_AWAY, "failed", "PRUNED"),
        ("accuracy and parameters", "failed", RAN_AWAY, "failed", "FAIL"),  # where Optuna knows no pruning
        ("accuracy", "failed", "There was not enough memory.", "failed", "FAIL"),
        ("accuracy", "stopped", RAN_AWAY, "stopped", "FAIL"),  # whoever stopped it had nothing against its settings
    ],
)
def test_what_optuna_is_told_of_a_trial_without_a_value(
    store, sweeps, sweeper, objective, status, message, state, told
):
    sweep_id, worker = sweeps.create(design(trials=2, parallel=1, objective=objective)), Worker(store)
    sweeper.tick()
    worker.end(worker.take(), status, message=message)
    _, trials = complete(sweeper, worker, sweep_id, sweeps)
    assert [trial.state for trial in trials] == [state, "complete"]
    assert optunas_states(store) == [told, "COMPLETE"]


def test_a_trial_whose_run_was_deleted_stays_counted(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(trials=3, parallel=1)), Worker(store)
    sweeper.tick()
    store.delete(store.queue()[0])
    _, trials = complete(sweeper, worker, sweep_id, sweeps)
    assert [trial.state for trial in trials] == ["failed", "complete", "complete"]
    store.delete(trials[1].run_id)
    assert sweeps.trials(sweep_id)[1].run_id is None
    assert sweeps.trials(sweep_id)[1].value == trials[1].value


def test_settings_that_cannot_be_built_are_a_failed_trial(store, sweeps, sweeper):
    over = ("optimizer.momentum=0.9|0.0", "optimizer.nesterov=false|true")
    base = {"optimizer": {"name": "sgd"}, "training": {"epochs": 1}}
    sweep_id = sweeps.create(design(*over, base=base, sampler="grid", trials=8))
    sweep, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    assert sweep.status == "finished"
    (bad,) = [trial for trial in trials if trial.state == "failed"]
    assert bad.params == {"optimizer.momentum": 0.0, "optimizer.nesterov": True}
    assert "momentum" in bad.message
    assert len(trials) == 4


def test_settings_that_are_all_refused_do_not_hold_the_engine_up(store, sweeps, settings, monkeypatch):
    """They are proposed some at a time, so that between them the engine gives a sign of life."""

    def refuse(config):
        raise OverLimit("Too many epochs.")

    monkeypatch.setattr(module, "MOST_PROPOSALS", 5)
    sweeper = Sweeper(store, settings.database_url, refuse)
    sweep_id = sweeps.create(design(trials=12), owner="somebody")
    counts = []
    while sweeper.tick():
        counts.append(len(sweeps.trials(sweep_id)))
    assert counts[:3] == [5, 10, 12]
    assert {trial.state for trial in sweeps.trials(sweep_id)} == {"failed"}
    assert sweeps.get(sweep_id).status == "finished"


@pytest.mark.parametrize(("second", "column"), [("parameters", "parameters"), ("seconds", "train_seconds")])
@pytest.mark.parametrize("first", ["accuracy", "loss"])
def test_two_objectives(store, sweeps, sweeper, first, second, column):
    made = design("architecture.units=16|32|64", sampler="grid", objective=f"{first} and {second}")
    _, trials = complete(sweeper, Worker(store), sweeps.create(made), sweeps)
    assert len(trials) == 3
    for trial in trials:
        assert trial.value == store.epochs(trial.run_id)[-1][f"val_{first}"]
        assert trial.second == getattr(store.get(trial.run_id), column) > 0


def test_early_stopping_counts_its_best_epoch(store, sweeps, sweeper):
    base = {"training": {"epochs": 3, "early_stopping": 1}}
    sweep_id = sweeps.create(design(base=base, trials=1))
    sweeper.tick()
    worker = Worker(store)
    run = worker.take()
    rows = [epoch_row(1, 0.5), epoch_row(2, 0.9), epoch_row(3, 0.6)]
    store.record(run.id, {}, epoch_rows=rows)
    worker.end(run)
    sweeper.tick()
    assert sweeps.trials(sweep_id)[0].value == 0.9


def test_a_search_that_cannot_go_on_says_so_and_the_others_do(store, sweeps, sweeper, monkeypatch):
    bad, good = sweeps.create(design()), sweeps.create(design(trials=2))
    sweeps.update(bad, design='{"base":{},"space":[],"search":{}}')
    _, trials = complete(sweeper, Worker(store), good, sweeps)
    assert len(trials) == 2
    broken = sweeps.get(bad)
    assert broken.status == "failed"
    assert_friendly(broken.message, "at least one")


def test_a_search_that_fails_leaves_no_trial_behind(store, sweeps, sweeper, monkeypatch):
    """What trains is stopped, what waits is cancelled, and what has just finished counts; continued, a grid visits the
    settings of the others once more."""
    over = ("architecture.units=16|32|64", "seed=1|2")
    sweep_id, worker = sweeps.create(design(*over, sampler="grid", parallel=4)), Worker(store)
    sweeper.tick()
    just = worker.take()
    store.record(just.id, {}, epoch_rows=[epoch_row(1, 0.75)])
    worker.end(just)
    run = worker.take()
    store.delete(store.queue()[0])

    def fail(*args):
        raise RuntimeError("no more")

    with monkeypatch.context() as broken:
        broken.setattr(sweeper, "_step", fail)
        sweeper.tick()
    assert sweeps.get(sweep_id).status == "failed"
    assert {trial.state for trial in sweeps.trials(sweep_id) if trial.run_id != just.id} == {"stopped"}
    (counted,) = [trial for trial in sweeps.trials(sweep_id) if trial.run_id == just.id]
    assert (counted.state, counted.value, counted.message) == ("complete", 0.75, "")
    assert store.get(run.id).wish == "stop"
    worker.end(run, "stopped")
    assert store.queue() == []
    assert {r.status for r in store.list()} == {"finished", "stopped", "cancelled"}
    sweeps.go_on(sweep_id, 5)
    sweep, trials = complete(sweeper, worker, sweep_id, sweeps)
    assert sweep.status == "finished", sweep.message
    done = [tuple(trial.params.values()) for trial in trials if trial.state == "complete"]
    assert len(done) == len(set(done)) == 6


def test_sweeps_come_and_go(store, sweeps, sweeper):
    with pytest.raises(UnknownSweep) as error:
        sweeps.get("<b>" * 50)
    assert_friendly(error, "no sweep")
    sweep_id = sweeps.create(design(trials=1), name="  mine\x00 ", question="rate")
    assert sweeps.get(sweep_id).name == "mine"
    with pytest.raises(StoreError, match="Stop it first"):
        sweeps.delete(sweep_id)
    complete(sweeper, Worker(store), sweep_id, sweeps)
    sweeps.delete(sweep_id)
    assert sweeps.list() == []
    assert store.list() == []
    with pytest.raises(UnknownSweep):
        sweeps.stop(sweep_id)


def test_optunas_memory_of_a_deleted_sweep_goes_with_the_next_engine(store, sweeps, sweeper, settings):
    kept, gone = sweeps.create(design(trials=1)), sweeps.create(design(trials=1))
    for sweep_id in (kept, gone):
        complete(sweeper, Worker(store), sweep_id, sweeps)
    sweeps.delete(gone)
    sweeps.go_on(kept, 1)
    complete(Sweeper(store, settings.database_url), Worker(store), kept, sweeps)
    with store.database.read() as connection:
        names = connection.execute(text("SELECT study_name FROM studies")).scalars().all()
    assert names == [f"sweep-{kept}"]


def test_an_interrupted_trial_goes_on(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(trials=1)), Worker(store)
    sweeper.tick()
    run = worker.take()
    worker.end(run, "interrupted")
    sweeper.tick()
    assert store.queue() == [run.id]
    _, (trial,) = complete(sweeper, worker, sweep_id, sweeps)
    assert trial.state == "complete"
