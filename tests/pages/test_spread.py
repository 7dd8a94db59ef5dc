"""What seeds make of each setting, as the pages of a sweep and of a comparison tell it."""

from mnist_core.config import RunConfig
from mnist_core.explore.size import UNITS
from tests.pages.conftest import labels_of, words


def test_the_spread_of_a_loss_is_no_share(visit, searched):
    app = visit("Explore", sweep=searched(6, f"{UNITS}=16|64", "seed=1|2|3", sampler="grid", objective="loss"))
    files = labels_of(app.get("download_button"))
    assert [files.count(kind) for kind in ("CSV", "JSON", "Chart as web page")] == [2, 2, 1], "trials, spread, picture"
    table, columns = next((f.value, f.proto.columns) for f in app.dataframe if "standard deviation" in f.value)
    assert table["mean"].between(0.5, 0.9).all()
    assert '"format": "%.4f"' in columns


def test_seeds_are_told_from_merit(visit, searched, sweeps):
    sweep_id = searched(6, f"{UNITS}=16|64", "seed=1|2|3", sampler="grid")
    app = visit("Explore", sweep=sweep_id)
    shown = {metric.label: metric.value for metric in app.metric}
    trials, units = sweeps.trials(sweep_id), {}
    for trial in trials:
        units.setdefault(trial.params[UNITS], {})[trial.params["seed"]] = trial.value
    means = {count: sum(found.values()) / len(found) for count, found in units.items()}
    assert shown["Best mean held-out accuracy over seeds"] == f"{max(means.values()):.2%}"
    assert shown["Best held-out accuracy of a single run"] == f"{max(t.value for t in trials):.2%}"
    assert any("standard deviation" in frame.value for frame in app.dataframe)


def test_seeds_that_ran_away_do_not_vanish_from_the_spread(visit, searched, sweeps):
    sweep_id = searched(15, f"{UNITS}=16|64", "seed=1|2|3", sampler="grid")
    for trial in sweeps.trials(sweep_id):
        if trial.params[UNITS] == 64 or trial.params["seed"] == 3:
            message = "The loss became infinite or not a number at step 7."
            sweeps.update_trial(trial, state="failed", value=None, message=message)
    app = visit("Explore", sweep=sweep_id)
    table = next(frame.value for frame in app.dataframe if "standard deviation" in frame.value)
    assert table[["seeds", "without a number"]].values.tolist() == [[2, 1], [0, 3]]
    warned = words(app, "warning")
    assert "16: 1 of 3 seeds diverged, so mean and spread are those of the others" in warned
    assert "64: 3 of 3 seeds diverged, so there is no mean" in warned


def test_a_seed_that_was_drawn_twice_counts_once(visit, searched):
    app = visit("Explore", sweep=searched(12, f"{UNITS}=16|64", "seed=1|2"))
    table = next(frame.value for frame in app.dataframe if "standard deviation" in frame.value)
    assert table["seeds"].max() == 2


def test_a_seed_that_ran_away_does_not_vanish_from_the_spread(visit, finish, store):
    two = [finish(f"run {seed}", RunConfig(seed=seed)) for seed in (1, 2)]
    away = finish("away", RunConfig(seed=9))
    store.record(away, {"status": "failed", "message": "The loss became infinite or not a number at step 7."})
    app = visit("Compare", runs=",".join([*two, away]))
    table = next(frame.value for frame in app.dataframe if "standard deviation" in frame.value)
    assert table[["seeds", "without a number"]].values.tolist() == [[2, 1]]
    assert "1 of 3 seeds diverged" in words(app, "warning")
    assert "left out of these numbers" not in words(app)
