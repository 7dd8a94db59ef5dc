"""Ready-made questions in the real browser: from the click to the picture, and on to the comparison."""

import re

import psutil
import pytest
from playwright.sync_api import expect

from mnist_core.explore.pictures import PICTURES
from mnist_core.explore.questions import QUESTIONS
from mnist_core.store.lease import engine_status
from mnist_core.store.sweeps import SweepStore
from tests.e2e.lab import SECONDS
from tests.helpers import eventually
from tests.searches import design

pytestmark = pytest.mark.e2e

ENOUGH = 3
"""Trials after which a search is stopped."""


def accuracy(row):
    """On held-out images; a trial whose loss ran away may have none."""
    return row.get("val_accuracy") or 0.0


def accuracies(rows):
    """From the smallest value of the setting to the greatest."""
    return [accuracy(rows[values]) for values in sorted(rows)]


def best_rate(rows, optimizer):
    return max((accuracy(row), rate) for (name, rate), row in rows.items() if name == optimizer)[1]


def gaps(rows):
    """How much lower the training loss is than that of held-out images."""
    return [rows[values]["val_loss"] - rows[values]["loss"] for values in sorted(rows)]


ANSWERS = {
    "learning-rate": lambda rows: max(accuracies(rows)) > max(accuracies(rows)[0], accuracies(rows)[-1]),
    "width-depth": lambda rows: accuracy(rows[256, 1]) > accuracy(rows[16, 1]),
    "batch-epochs": lambda rows: accuracies(rows)[0] > accuracies(rows)[-1],
    "batch-steps": lambda rows: accuracies(rows)[0] < accuracies(rows)[-1],
    "optimizers": lambda rows: best_rate(rows, "sgd") > best_rate(rows, "adam"),
    "data": lambda rows: accuracies(rows)[0] < accuracies(rows)[-1],
    "dropout": lambda rows: gaps(rows)[0] > max(0, gaps(rows)[-1]),
}
"""Of what a question tells its reader to look for, what holds surely, from the last epoch of each trial."""


def find_out(lab, store, name):
    """Begins a question as its reader does, and gives its sweep."""
    lab.open("Explore", question=name)
    lab.main.get_by_role("button", name="Find out").first.click()
    lab.sees(re.compile(r"of \d+ trials"))
    lab.sees("What to look for.")
    (sweep,) = [sweep for sweep in SweepStore(store.database).list() if sweep.question == name and sweep.active]
    return sweep


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_from_one_click(lab, store, name):
    sweeps, sweep = SweepStore(store.database), find_out(lab, store, name)
    eventually(lambda: not sweeps.get(sweep.id).active, 4 * SECONDS)
    lab.sees("finished after")
    lab.sees("Best held-out")
    trials = sweeps.trials(sweep.id)
    assert len(trials) == sweep.design.combinations
    # A rate may be so high that the loss runs away, which is an answer too.
    assert {trial.state for trial in trials if "infinite" not in trial.message} == {"complete"}
    picture = f"{PICTURES[QUESTIONS[name].picture]} of {len(trials)} trials"
    assert eventually(lambda: [trace for trace in lab.data(picture) if trace.get("x")], SECONDS), "it has points"
    lab.sees(f"All {len(trials)} trials, best first")
    assert not any(store.get(trial.run_id).test_accuracy for trial in trials)
    epochs = sweeps.epochs(sweep.id)
    names = [dimension.key for dimension in sweep.design.space]
    rows = {tuple(trial.params[key] for key in names): epochs.get(trial.number, [{}])[-1] for trial in trials}
    assert ANSWERS[name](rows), rows


def test_a_question_that_is_stopped_keeps_what_was_found(lab, store):
    sweeps, sweep = SweepStore(store.database), find_out(lab, store, "data")
    complete = lambda: [trial for trial in sweeps.trials(sweep.id) if trial.state == "complete"]  # noqa: E731
    eventually(lambda: len(complete()) >= ENOUGH, 2 * SECONDS)
    lab.click("Stop")
    eventually(lambda: not sweeps.get(sweep.id).active, SECONDS)
    lab.sees("stopped after")
    lab.click("Compare the best")
    lab.on("Compare")
    lab.sees("What differs")


def test_a_search_goes_on_after_a_killed_engine_and_then_with_more_trials(lab, store):
    sweeps, base = SweepStore(store.database), {"data": {"subset": 3000}, "training": {"epochs": 20}}
    lab.open("Home")  # which starts the engine, if it is away
    sweep_id = sweeps.create(design(base=base, trials=4).check())
    lab.open("Explore", sweep=sweep_id)
    lab.sees("of 4 trials")
    begun = lambda: [trial for trial in sweeps.trials(sweep_id) if trial.state != "waiting"]  # noqa: E731
    eventually(begun, 2 * SECONDS)
    engine = psutil.Process(engine_status(store.database).pid)
    engine.kill()
    assert sweeps.get(sweep_id).active
    expect(lab.main.get_by_text("finished after").first).to_be_visible(timeout=4 * SECONDS * 1000)
    assert engine_status(store.database).pid != engine.pid
    lab.fill("More trials", 2)
    lab.click("Continue")
    lab.sees("of 6 trials")
    eventually(lambda: not sweeps.get(sweep_id).active, 4 * SECONDS)
    lab.sees("All 6 trials, best first")
    trials = sweeps.trials(sweep_id)
    assert [trial.number for trial in trials] == list(range(6))
    # A rate may be so high that the loss runs away, which ends a trial too.
    whole = [trial for trial in trials if "infinite" not in trial.message]
    assert whole and {trial.state for trial in whole} == {"complete"}
    for trial in whole:
        assert [row["epoch"] for row in store.epochs(trial.run_id)] == list(range(1, 21)), "each epoch once"
