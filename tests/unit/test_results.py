"""What came of a sweep: the Pareto front of two objectives, and its table as it is taken along."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.explore.results import front, table
from mnist_core.store.sweep import Sweep, Trial
from mnist_core.ui.take import as_csv, as_json
from tests.searches import RATE, design

TWO = {"objective": "accuracy and parameters"}


def sweep(*over, **search):
    text = design(*over, **search).to_json()
    return Sweep("1a", "one", "", text, 6, "finished", "", "", 0.0, 0.0, 1.0, 0.0, {}, "")


def trial(number, *values, state="complete", params=None, message=""):
    first, second = [*values, None, None][:2]
    return Trial("1a", number, f"run{number}", params or {RATE: 0.1}, state, first, second, 1.234, message, False)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_nobody_beats_who_is_on_the_front_and_somebody_all_others(values):
    """By the definition: accuracies are to be high, and parameters few."""
    trials = [trial(number, *map(float, pair)) for number, pair in enumerate(values)]

    def beaten(one):
        return any(
            other.value >= one.value and other.second <= one.second and other.values != one.values for other in trials
        )

    assert {t.number for t in front(sweep(**TWO), trials)} == {t.number for t in trials if not beaten(t)}


def test_the_front_is_of_completed_trials_best_accuracy_first():
    trials = [trial(0, 0.8, 10.0), trial(1, 0.9, 50.0), trial(2, 0.99, 5.0, state="pruned"), trial(3, state="failed")]
    assert [t.number for t in front(sweep(**TWO), trials)] == [1, 0]
    assert front(sweep(), [trial(0, 0.8), trial(1, 0.9)]) == []


BAD = "=SUM(A1) was refused, at once"
TRIALS = [
    trial(0, 0.8, 10.0, params={RATE: 0.01, "architecture.hidden_units": [64, 32]}),
    trial(1, 0.9, 50.0, params={RATE: 1e-05, "architecture.hidden_units": [8]}),
    trial(2, 0.7, 20.0, params={RATE: 0.5, "architecture.hidden_units": [8]}),
    trial(3, state="failed", params={RATE: 1.0, "architecture.hidden_units": [8]}, message=BAD),
]
OVER = (f"{RATE}=log:1e-5..1", "architecture.hidden_units=8|64,32")
COLUMNS = ["no.", "state", "held-out accuracy", "parameters", "Pareto front", RATE, "architecture.hidden_units",
           "seconds", "run", "message"]  # fmt: skip


def test_a_table_of_trials_as_csv():
    header, *lines = csv.reader(io.StringIO(as_csv(table(sweep(*OVER, **TWO), TRIALS))))
    assert header == COLUMNS
    assert lines == [
        ["1", "complete", "0.9", "50.0", "True", "1e-05", "[8]", "1.23", "run1", ""],
        ["0", "complete", "0.8", "10.0", "True", "0.01", "[64, 32]", "1.23", "run0", ""],
        ["2", "complete", "0.7", "20.0", "False", "0.5", "[8]", "1.23", "run2", ""],
        ["3", "failed", "", "", "False", "1.0", "[8]", "1.23", "run3", f"'{BAD}"],
    ]


def test_a_table_of_trials_as_json():
    rows = json.loads(as_json(table(sweep(*OVER, **TWO), TRIALS)))
    assert [list(row) for row in rows] == 4 * [COLUMNS]
    assert rows[0] == dict(zip(COLUMNS, [1, "complete", 0.9, 50.0, True, 1e-05, "[8]", 1.23, "run1", ""], strict=True))
    assert (rows[3]["held-out accuracy"], rows[3]["message"]) == (None, BAD)


@pytest.mark.parametrize(("objective", "columns"), [("accuracy", ["held-out accuracy"]), ("loss", ["held-out loss"])])
def test_with_one_objective_there_is_no_front_in_it(objective, columns):
    (row,) = table(sweep(objective=objective), [trial(0, 0.5)])
    assert list(row) == ["no.", "state", *columns, RATE, "seconds", "run", "message"]
