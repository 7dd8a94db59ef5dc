"""Searches from the first proposal to the end, with a scripted worker instead of training."""

import math
import time

import pytest
from sqlalchemy import text

from mnist_core.config import RunConfig
from mnist_core.engine import sweeps as module
from mnist_core.engine.sweeps import Sweeper
from mnist_core.errors import StoreBusy, StoreError, UnknownSweep
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.space import Dimension
from mnist_core.store.sweeps import SweepStore, room
from tests.helpers import assert_friendly

RATE = "optimizer.learning_rate"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


@pytest.fixture
def sweeps(store):
    return SweepStore(store.database)


@pytest.fixture
def sweeper(store, settings):
    return Sweeper(store, settings.database_url)


def design(*over, base=None, **search):
    over = over or (f"{RATE}=log:1e-5..1",)
    return Design(RunConfig.parse(base or {"training": {"epochs": 3}}), tuple(map(Dimension.parse, over)),
                  make_search({"sampler": "random", "trials": 6} | search))  # fmt: skip


def quality(config):
    return max(0.1, 1 - 0.2 * abs(math.log10(config.optimizer.learning_rate) + 2))


def epoch_row(epoch, accuracy):
    row = {"epoch": epoch, "step": epoch * 10, "learning_rate": 0.1, "seconds": 0.1}
    return row | {"loss": 1.0, "accuracy": accuracy, "val_loss": 1 - accuracy, "val_accuracy": accuracy}


class Worker:
    """Takes runs from the queue and lives through them as a script says, one epoch a call."""

    def __init__(self, store, accuracy=quality):
        self.store, self.accuracy, self.trained = store, accuracy, []

    def take(self):
        waiting = self.store.queue()
        if waiting and self.store.mark_running(waiting[0]):
            self.trained.append(waiting[0])
            return self.store.get(waiting[0])
        return None

    def epoch(self, run, epoch):
        score = self.accuracy(run.settings) * epoch / run.settings.training.epochs
        columns = {"epoch": epoch, "step": epoch * 10, "train_seconds": 0.1 * epoch}
        return self.store.record(run.id, columns, epoch_rows=[epoch_row(epoch, score)], files={"checkpoint": b"w"})

    def end(self, run, status="finished", **columns):
        self.store.record(run.id, {"status": status, "wish": "", "ended": time.time()} | columns)

    def work(self, sweeper):
        """One run, with the sweeper looking on after every epoch."""
        run = self.take()
        if run is None:
            return False
        for epoch in range(1, run.settings.training.epochs + 1):
            self.epoch(run, epoch)
            sweeper.tick()
            if self.store.get(run.id).wish == "stop":
                self.end(run, "stopped")
                return True
        self.end(run)
        return True


def complete(sweeper, worker, sweep_id, sweeps):
    while sweeps.get(sweep_id).active:
        sweeper.tick()
        worker.work(sweeper)
    return sweeps.get(sweep_id), sweeps.trials(sweep_id)


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


def test_the_test_set_is_scored_once_for_the_chosen_run(store, sweeps, sweeper):
    sweep_id = sweeps.create(design(trials=2))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first, second = (trial.run_id for trial in trials)
    for wrong in ("nonsense", store.create(RunConfig())):
        with pytest.raises(StoreError) as error:
            sweeps.choose(sweep_id, wrong)
        assert_friendly(error, "completed trial")
    sweeps.choose(sweep_id, first)
    assert sweeps.may_score(first)
    assert not sweeps.may_score(second)
    assert first in store.queue()
    assert sweeps.get(sweep_id).chosen == first
    with pytest.raises(StoreError) as error:
        sweeps.choose(sweep_id, second)
    assert_friendly(error, first, "once")


@pytest.mark.parametrize("status", ["paused", "stopped", "failed", "cancelled", "interrupted"])
def test_a_chosen_run_that_was_never_scored_can_be_chosen_again_or_another(store, sweeps, sweeper, status):
    sweep_id = sweeps.create(design(trials=3))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first, second, gone = (trial.run_id for trial in trials)
    store.delete(gone)
    for run_id in (first, first, second):
        sweeps.choose(sweep_id, run_id)
        assert sweeps.get(sweep_id).chosen == run_id
        assert [run for run in (first, second) if sweeps.may_score(run)] == [run_id]
        assert store.get(run_id).status == "queued"
        with pytest.raises(StoreError, match="once"):
            sweeps.choose(sweep_id, first)
        store.record(run_id, {"status": status})
    store.record(second, {"status": "finished", "test_accuracy": 0.9})
    with pytest.raises(StoreError, match="once"):
        sweeps.choose(sweep_id, second)


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


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
def test_bad_trials_are_given_up_early(store, sweeps, sweeper, pruner):
    sweep_id = sweeps.create(design(base={"training": {"epochs": 9}}, pruner=pruner, trials=25, parallel=1))
    sweep, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    states = [trial.state for trial in trials]
    assert sweep.status == "finished"
    assert set(states) == {"complete", "pruned"}
    pruned = [trial for trial in trials if trial.state == "pruned"]
    best = max(trial.value for trial in trials if trial.state == "complete")
    for trial in pruned:
        run = store.get(trial.run_id)
        assert run.status == "stopped"
        assert run.epoch < 9
        assert str(run.epoch) in trial.message
        assert quality(run.settings) <= best


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


def test_the_time_limit_ends_it(store, sweeps, sweeper):
    sweep_id = sweeps.create(design(trials=50, seconds=1000))
    sweeper.tick()
    sweeps.update(sweep_id, started=time.time() - 2000)
    sweeper.tick()
    sweeper.tick()
    sweep = sweeps.get(sweep_id)
    assert sweep.status == "finished"
    assert len(sweeps.trials(sweep_id)) == 2


def test_a_loss_that_ran_away_is_a_bad_trial_and_not_the_end(store, sweeps, sweeper):
    sweep_id, worker = sweeps.create(design(trials=2, parallel=1)), Worker(store)
    sweeper.tick()
    worker.end(worker.take(), "failed", message="The loss became infinite or not a number at step 9.")
    sweep, trials = complete(sweeper, worker, sweep_id, sweeps)
    assert sweep.status == "finished"
    assert [trial.state for trial in trials] == ["failed", "complete"]
    assert "infinite" in trials[0].message


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


def test_two_objectives(store, sweeps, sweeper):
    sweep_id = sweeps.create(design("architecture.units=16|32|64", sampler="grid", objective="accuracy and parameters"))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    for trial in trials:
        assert trial.second == store.get(trial.run_id).parameters


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
