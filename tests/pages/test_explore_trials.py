"""Trials of a search as a table: the way to their runs and back, the Pareto front, and a grid that is cut off."""

import random
from dataclasses import replace

import pytest

from mnist_core.explore import pictures
from mnist_core.explore.results import front
from mnist_core.explore.size import UNITS
from tests.pages.conftest import healthy, labels_of, open_part, words


def table_of(app):
    """The table of trials, and what its columns are."""
    return next((frame.value, frame.proto.columns) for frame in app.dataframe if "no." in frame.value)


def test_from_a_trial_to_its_run_and_back(visit, searched, sweeps, finish):
    sweep_id = searched(4)
    table, columns = table_of(visit("Explore", sweep=sweep_id))
    runs = {trial.number: trial.run_id for trial in sweeps.trials(sweep_id)}
    assert dict(zip(table["no."], table["run"], strict=True)) == {n: f"Train?run={run}" for n, run in runs.items()}
    assert '"type": "link"' in columns
    app = visit("Train", run=runs[2])
    healthy(app.button(key="its-search").click().run())
    assert app.title[0].value == "Explore" and sweep_id in str(app.query_params["sweep"])
    assert "its-search" not in [button.key for button in visit("Train", run=finish()).button]


def test_the_best_are_compared(visit, searched, sweeps):
    """With an accuracy the highest, with a loss the lowest; not those that were pruned."""
    for objective, sign in (("accuracy", -1), ("loss", 1)):
        sweep_id = searched(9, objective=objective)
        done = [trial for trial in sweeps.trials(sweep_id) if trial.state == "complete"]
        done.sort(key=lambda trial: sign * trial.value)
        app = visit("Explore", sweep=sweep_id)
        healthy(app.button(key="compare-best").click().run())
        assert app.title[0].value == "Compare"
        assert app.multiselect(key="compare").value == [trial.run_id for trial in done[:6]]


def test_a_run_that_is_gone_has_no_link(visit, searched, sweeps, store):
    sweep_id = searched(2)
    store.delete(sweeps.trials(sweep_id)[0].run_id)
    table, _ = table_of(visit("Explore", sweep=sweep_id))
    assert table.set_index("no.")["run"].isna().to_dict() == {0: True, 1: False}


@pytest.mark.parametrize("objective", ["accuracy and parameters", "loss and seconds"])
def test_the_front_is_optunas(searched, sweeps, objective):
    """Whole numbers of a small range, so that there are ties; some trials are pruned or failed."""
    sweep, chance = sweeps.get(searched(12, objective=objective)), random.Random(0)
    for _ in range(60):
        trials = [
            replace(trial, value=float(chance.randint(0, 5)), second=float(chance.randint(0, 5)))
            for trial in sweeps.trials(sweep.id)
        ]
        best = pictures.as_study(sweep, trials, {}, both=True).best_trials
        assert {trial.number for trial in front(sweep, trials)} == {trial.number for trial in best}


def test_trials_on_the_front_are_marked(visit, searched, sweeps):
    sweep_id = searched(6, objective="accuracy and parameters")
    for trial, (value, second) in zip(
        sweeps.trials(sweep_id), [(0.5, 10), (0.6, 20), (0.55, 30), (0.7, 40), (0.7, 50), (0.4, 10)], strict=True
    ):
        sweeps.update_trial(trial, value=value, second=second)
    table, _ = table_of(visit("Explore", sweep=sweep_id))
    assert sorted(table["no."][table["Pareto front"]]) == [0, 1, 3]
    assert "Pareto front" not in table_of(visit("Explore", sweep=searched(4)))[0]


def test_a_grid_that_is_cut_off_says_so(visit, searched, sweeps):
    grid = f"{UNITS}=16|32|64", "seed=1|2|3"
    whole, cut = searched(9, *grid, sampler="grid"), searched(6, *grid, sampler="grid")
    assert "incomplete" not in words(visit("Explore", sweep=whole))
    assert "This grid is incomplete: 6 of its 9 points are tried." in words(visit("Explore", sweep=cut), "info")
    sweeps.update(cut, trials=8, status="running", ended=None)
    assert "8 of its 9 points" in words(visit("Explore", sweep=cut), "info")
    sweeps.update_trial(sweeps.trials(cut)[0], state="stopped")
    assert "7 of its 9 points" in words(visit("Explore", sweep=cut), "info")
    assert "incomplete" not in words(visit("Explore", sweep=searched(6, *grid)))


def test_the_form_says_that_a_grid_would_be_cut_off(visit):
    app = open_part(visit("Explore"), "Own design")
    sampler = next(box for box in app.selectbox if box.label == "Sampler")
    healthy(sampler.set_value("grid").run())
    assert "incomplete" not in words(app, "info")
    trials = next(number for number in app.number_input if number.label == "Trials")
    healthy(trials.set_value(2).run())
    assert "2 of its 5 points are tried. Allow more trials, or give fewer points." in words(app, "info")
    assert "Start the sweep" in labels_of(app.button)
