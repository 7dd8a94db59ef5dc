"""The whole path of a new user: train, see the curves move, see where it errs, draw a digit."""

import csv
import re

import numpy as np
import pytest
from playwright.sync_api import expect
from sklearn.metrics import precision_recall_fscore_support

from mnist_core.data import mnist

pytestmark = pytest.mark.e2e

MOST_SHOWN = 48

WATCH = """
    window.seenPoints = new Set();
    setInterval(() => document.querySelectorAll(".live-chart").forEach(
        chart => chart.data && chart.getAttribute("aria-label").includes("moments")
            && window.seenPoints.add(chart.data[0].x.length)), 50);
"""


@pytest.mark.parametrize("title", ["Draw", "Evaluate"])
def test_without_a_network_one_click_trains_one(lab, store, nothing_trained, title):
    lab.open(title)
    lab.sees("No network has been trained here yet")
    lab.click("Train the quick recipe")
    lab.on("Train")
    run = store.get(lab.linked_run)
    assert run.recipe == "quick"
    assert [other.id for other in store.list()] == [run.id]


def test_a_double_click_trains_once(lab, store, nothing_trained):
    lab.open("Train")
    lab.button("Train").dblclick()
    lab.sees_button("Set up another run")
    lab.rest()
    assert [run.id for run in store.list()] == [lab.linked_run]


def test_from_home_to_a_drawing(lab, store):
    lab.open("Home")
    lab.click("Train a network")
    lab.on("Train")
    lab.page.evaluate(WATCH)
    run_id = lab.begin_training()
    lab.run_is("training")
    lab.sees_button("See where it errs")
    run = store.get(run_id)
    assert (run.status, run.recipe) == ("finished", "quick")
    assert run.test_accuracy > 0.96
    lab.sees(f"{run.test_accuracy:.2%}")
    growth = lab.page.evaluate("[...window.seenPoints]")
    assert len(growth) > 1 and growth == sorted(growth), "the curve did not grow while it trained"
    assert lab.points("^The loss curve") == run.epoch == 5

    lab.click("See where it errs")
    lab.on("Evaluate")
    assert lab.linked_run == run_id
    check_cells(lab, mnist.load("test").labels, store.load_array(run_id, "test_probabilities"))

    lab.open("Train", run=run_id)
    lab.click("Draw a digit for it")
    lab.on("Draw")
    lab.draw((90, 70), (230, 70), (150, 250))
    ((digit, sure),) = lab.answers()
    assert digit == 7 and sure > 0.5


def check_cells(lab, labels, probabilities):
    """Clicks a cell on the diagonal and one beside it, and compares with the stored probabilities."""
    predicted = probabilities.argmax(axis=1)
    mistakes = np.flatnonzero(labels != predicted)
    shown_below = mistakes[np.argsort(-probabilities[mistakes].max(axis=1), kind="stable")][:MOST_SHOWN]
    pairs = np.bincount(10 * labels[mistakes].astype(int) + predicted[mistakes], minlength=100)
    second_most_frequent = divmod(int(np.argsort(pairs, kind="stable")[-2]), 10)
    for true, read in ((5, 5), second_most_frequent):
        count = int(((labels == true) & (predicted == read)).sum())
        lab.click_cell(true, read)
        lab.sees(re.compile(rf"^{count:,} images? of an? {true} read as {read}$"))
        below = int(((labels[shown_below] == true) & (predicted[shown_below] == read)).sum())
        gallery = lab.page.get_by_role("figure", name=re.compile(f"{true} read as {read}"))
        expect(gallery).to_have_count(min(count, MOST_SHOWN) + below)


def test_the_report_as_a_file(lab, trained, store):
    """The CSV holds scikit-learn's numbers for the stored probabilities."""
    lab.open("Evaluate", run=trained.id)
    download = lab.download("CSV")
    with open(download.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    labels, predicted = (
        mnist.load("test").labels,
        store.load_array(trained.id, "test_probabilities").argmax(axis=1),
    )
    assert trained.id in download.suggested_filename
    for digit, theirs in enumerate(zip(*precision_recall_fscore_support(labels, predicted), strict=True)):
        ours = [float(rows[digit][column]) for column in ("precision", "recall", "f1", "support")]
        assert ours == pytest.approx(theirs)
