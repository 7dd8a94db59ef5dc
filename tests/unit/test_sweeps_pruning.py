"""Trials that are given up early, whoever proposes them."""

from collections import Counter

import pytest

from mnist_core.engine import sweeps as module
from mnist_core.engine.sweeps import Sweeper
from mnist_core.explore.design import Search
from tests.searches import RATE, Worker, complete, design, optunas_states, quality

TRIALS, EPOCHS = 14, 5
SPACE = (f"{RATE}=log:1e-5..1:7", "architecture.dropout=0..0.5:2")
"""Two ranges, which every sampler can vary, with as many points in a grid as there are trials."""


def choices(name):
    return next(spec for spec in Search.specs() if spec.name == name).choices


SAMPLERS, PRUNERS = choices("sampler"), [pruner for pruner in choices("pruner") if pruner != "none"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


def searched(**search):
    return design(*SPACE, base={"training": {"epochs": EPOCHS}}, trials=TRIALS, parallel=1, **search)


@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_bad_trials_are_given_up_early_under_every_sampler(store, sweeps, sweeper, sampler, pruner):
    sweep_id = sweeps.create(searched(sampler=sampler, pruner=pruner))
    sweep, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    assert (sweep.status, sweep.message) == ("finished", "")
    assert [trial.number for trial in trials] == list(range(TRIALS))
    assert {trial.state for trial in trials} == {"complete", "pruned"}
    assert len({str(trial.params) for trial in trials}) == TRIALS
    pruned = [trial for trial in trials if trial.state == "pruned"]
    best = max(trial.value for trial in trials if trial.state == "complete")
    for trial in pruned:
        run = store.get(trial.run_id)
        assert run.status == "stopped"
        assert run.epoch < EPOCHS
        assert str(run.epoch) in trial.message
        assert quality(run.settings) <= best
    assert Counter(optunas_states(store)) == {"COMPLETE": TRIALS - len(pruned), "PRUNED": len(pruned)}


@pytest.mark.usefixtures("both_databases")
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_engine_that_takes_over_prunes_on_under_every_sampler(store, sweeps, settings, sampler):
    """Half of the trials under one engine, one in the middle of its epochs, and the rest under another."""
    sweep_id, worker = sweeps.create(searched(sampler=sampler, pruner="median")), Worker(store)
    first = Sweeper(store, settings.database_url)
    while len(worker.trained) < TRIALS // 2:
        first.tick()
        worker.work(first)
    first.tick()
    run, worker.accuracy = worker.take(), lambda config: 1.0  # nobody gives this one up
    for epoch in (1, 2):
        worker.epoch(run, epoch)
        first.tick()
    second, worker.accuracy = Sweeper(store, settings.database_url), quality
    second.tick()
    worker.end(run)
    _, trials = complete(second, worker, sweep_id, sweeps)
    assert sorted(worker.trained) == sorted(trial.run_id for trial in trials)
    assert {trial.state for trial in trials} == {"complete", "pruned"}
    assert len({str(trial.params) for trial in trials}) == len(trials) == TRIALS
    later = [trial for trial in trials if trial.number > TRIALS // 2]
    assert any(trial.state == "pruned" for trial in later), "the second engine knows what the first one saw"
