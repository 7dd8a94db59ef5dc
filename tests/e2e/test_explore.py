"""Ready-made questions in the real browser: from the click to the picture, and on to the comparison."""

import re

import pytest
from playwright.sync_api import expect

from mnist_core.explore.pictures import PICTURES
from mnist_core.explore.questions import QUESTIONS
from mnist_core.store.sweeps import SweepStore
from tests.e2e.lab import SECONDS
from tests.helpers import eventually

pytestmark = pytest.mark.e2e

ENOUGH = 3
"""Trials after which a question is stopped here: the whole takes up to half a minute each."""

IN_FULL = ("batch-steps", "dropout")
"""The quickest, which are waited for to their last trial."""


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name not in IN_FULL])
def test_a_question_is_answered_from_one_click(lab, store, name):
    sweeps = SweepStore(store.database)
    lab.open("Explore", question=name)
    lab.main.get_by_role("button", name="Find out").first.click()
    lab.sees(re.compile(r"of \d+ trials"))
    lab.sees("What to look for.")
    (sweep,) = [sweep for sweep in sweeps.list() if sweep.question == name]
    complete = lambda: [trial for trial in sweeps.trials(sweep.id) if trial.state == "complete"]  # noqa: E731
    eventually(lambda: len(complete()) >= ENOUGH, 2 * SECONDS)
    expect(lab.main.get_by_role("img", name=re.compile("trials"))).to_be_visible()
    lab.sees("Best held-out")
    lab.click("Stop")
    eventually(lambda: not sweeps.get(sweep.id).active, SECONDS)
    lab.sees("stopped after")
    lab.click("Compare the best")
    lab.on("Compare")
    lab.sees("What differs")
    assert not any(store.get(trial.run_id).test_accuracy for trial in complete())


@pytest.mark.parametrize("name", IN_FULL)
def test_a_question_is_answered_in_full(lab, store, name):
    sweeps = SweepStore(store.database)
    lab.open("Explore", question=name)
    lab.main.get_by_role("button", name="Find out").first.click()
    lab.sees(re.compile(r"of \d+ trials"))
    (sweep,) = [sweep for sweep in sweeps.list() if sweep.question == name and sweep.active]
    eventually(lambda: not sweeps.get(sweep.id).active, 4 * SECONDS)
    lab.sees("finished after")
    trials = sweeps.trials(sweep.id)
    assert [trial.state for trial in trials] == ["complete"] * sweep.design.combinations
    expect(lab.main.get_by_role("img", name=f"{PICTURES[QUESTIONS[name].picture]} of {len(trials)}")).to_be_visible()
    lab.sees(f"All {len(trials)} trials, best first")
