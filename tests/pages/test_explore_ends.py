"""What the Explore page says of a search that has ended: what held its best trial back, or that nothing came of it."""

import json

import pytest

from tests.pages.conftest import words

RAN_AWAY = "The loss became infinite or not a number at step 7: the weights have run away."


@pytest.fixture
def fruitless(searched, sweeps, store):
    """A search of which no trial was completed: all failed with this message; foretold by its reader, or not."""

    def fruitless(message, status="finished", expected=0.97):
        sweep_id = searched(3, "optimizer.learning_rate=log:0.1..10", status=status)
        for trial in sweeps.trials(sweep_id):
            sweeps.update_trial(trial, state="failed", value=None, message=message)
            store.record(trial.run_id, {"status": "failed", "message": message})
        sweeps.update(sweep_id, expected=expected)
        return sweep_id

    return fruitless


@pytest.mark.parametrize("expected", [None, 0.97])
def test_what_the_rules_find_in_the_best_trial_is_told(visit, searched, sweeps, store, expected):
    sweep_id = searched(4)
    assert "Dead units" not in words(visit("Explore", sweep=sweep_id), "warning")
    sweeps.update(sweep_id, expected=expected)
    *_, best = sorted(sweeps.trials(sweep_id), key=lambda trial: trial.value)
    store.record(best.run_id, {}, files={"health": json.dumps({"dense": 0.75}).encode()})
    found = words(visit("Explore", sweep=sweep_id), "warning")
    assert f"**Dead units (trial {best.number}).**" in found and "75% of dense" in found
    sweeps.update(sweep_id, status="running", ended=None)
    assert "Dead units" not in words(visit("Explore", sweep=sweep_id), "warning")


def test_where_all_ran_away_the_first_tells_why(visit, fruitless):
    app = visit("Explore", sweep=fruitless(RAN_AWAY))
    found = words(app, "caption")
    assert "reads 97% of the held-out digits. No trial was completed" in found
    assert "The weights of trial 0 ran away." in found
    assert words(app, "warning").count("Learning rate too high") == 1


def test_that_all_ran_away_is_told_without_a_prediction_too(visit, fruitless):
    app = visit("Explore", sweep=fruitless(RAN_AWAY, expected=None))
    assert "The weights of trial 0 ran away." in words(app, "caption")
    assert "prediction" not in words(app, "caption")
    assert words(app, "warning").count("Learning rate too high") == 1


def test_where_all_failed_otherwise_no_rule_speaks(visit, fruitless):
    app = visit("Explore", sweep=fruitless("There was not enough memory."))
    assert "No trial was completed that it could be compared with." in words(app, "caption")
    assert "ran away" not in words(app) and "Learning rate" not in words(app, "warning")


def test_nothing_is_still_to_come_of_a_search_that_ended_without_a_completed_trial(visit, fruitless):
    found = words(visit("Explore", sweep=fruitless(RAN_AWAY)), "caption")
    assert "No trial was completed, so there is nothing to draw." in found
    assert "No trial that was completed is left, so there is none to choose." in found
    assert "begins with the first" not in found and "Wait for the end" not in found
    found = words(visit("Explore", sweep=fruitless(RAN_AWAY, "running")), "caption")
    assert "begins with the first" in found and "Wait for the end" in found
    assert "No trial" not in found
