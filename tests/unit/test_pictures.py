"""Pictures made from rows, against the rows themselves."""

import time

import pytest

from mnist_core.config import RunConfig
from mnist_core.explore import pictures
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.results import best_setting, best_trial, by_seed, fates, groups, rows_of, seconds_left
from mnist_core.explore.size import LAYERS, UNITS
from mnist_core.explore.space import Dimension
from mnist_core.store.sweep import Sweep, Trial

RATE = "optimizer.learning_rate"


def make(*over, objective="accuracy", importances=None):
    space = tuple(map(Dimension.parse, over or (f"{RATE}=log:1e-5..1", f"{UNITS}=16|64|256")))
    design = Design(RunConfig(), space, make_search({"objective": objective, "sampler": "random"})).check()
    now = time.time()
    return Sweep("1", "s", "", design.to_json(), 9, "finished", "", "", now, now, now, 0.0, importances or {}, "")


def searched(seconds, spent=0.0, limit=0):
    """A search of nine trials that has taken ``seconds``, of which ``spent`` were before it was continued."""
    design = Design(RunConfig(), (Dimension.parse(f"{UNITS}=16|64"),), make_search({"seconds": limit}))
    started, ended = 1000.0, 1000.0 + seconds - spent
    return Sweep("1", "s", "", design.to_json(), 9, "running", "", "", 0.0, started, ended, spent, {}, "")


def trial(number, value=None, state="complete", second=None, run_id="r", **params):
    params = params or {RATE: 0.001 * (number + 1), UNITS: (16, 64, 256)[number % 3]}
    return Trial("1", number, run_id, params, state, value, second, 1.0, "", False)


TRIALS = [trial(0, 0.5), trial(1, 0.9), trial(2, 0.7), trial(3, 0.6, "pruned"), trial(4, None, "failed")]
EPOCHS = {3: [{"epoch": 1, "val_accuracy": 0.4}, {"epoch": 2, "val_accuracy": None}]}


def test_the_study_in_memory_holds_the_rows():
    study = pictures.as_study(make(), TRIALS, EPOCHS)
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 3 + ["PRUNED", "FAIL"]
    assert study.best_value == 0.9
    assert study.best_params == {"Learning rate": 0.002, "Units of a hidden layer": 64}
    assert study.trials[3].intermediate_values == {1: 0.4}


@pytest.mark.parametrize("kind", [kind for kind in pictures.PICTURES if kind not in ("front", "curves")])
def test_every_picture_is_plain_data_with_something_in_it(kind):
    figure = pictures.draw(kind, make(importances={RATE: 0.8, UNITS: 0.2}), TRIALS, {0: EPOCHS[3], **EPOCHS})
    assert set(figure) >= {"data", "layout"}
    assert figure["data"]
    assert "template" not in figure["layout"]


@pytest.mark.parametrize("kind", [kind for kind in pictures.PICTURES if kind not in ("front", "curves")])
def test_pictures_of_trials_that_were_all_pruned_are_drawn(kind):
    assert "data" in pictures.draw(kind, make(), [trial(0, 0.3, "pruned"), trial(1, 0.2, "pruned")], {})


@pytest.mark.parametrize("objective", ["accuracy", "loss"])
def test_a_single_line_is_the_best(objective):
    found = lines(pictures.draw("parallel", make(objective=objective), [trial(0, 0.5)], {}))
    assert found == {0.5: ("rgb(213, 94, 0)", 1.0)}


def lines(figure):
    """Of parallel coordinates: what is told of each trial, and how its line is drawn."""
    told = {}
    for trace in figure["data"]:
        if trace["mode"] == "lines":
            told[float(trace["customdata"][0][1])] = trace["line"]["color"], trace["opacity"]
    return told


@pytest.mark.parametrize("objective", ["accuracy", "loss", "accuracy and seconds", "loss and seconds"])
def test_the_best_line_stands_out_and_lies_on_top(objective):
    rows = [trial(0, 0.5, second=3.0), trial(1, 0.9, second=2.0), trial(2, 0.7, second=1.0)]
    drawn = pictures.draw("parallel", make(objective=objective), rows, {})
    found = lines(drawn)
    best, worst = (0.5, 0.9) if objective.startswith("loss") else (0.9, 0.5)
    assert list(found) == [worst, 0.7, best]
    assert found[best] == ("rgb(213, 94, 0)", 1.0)
    assert found[worst] == ("rgb(138, 148, 160)", pictures.FAINTEST)
    scale = next(trace["marker"] for trace in drawn["data"] if "marker" in trace)
    assert bool(scale["reversescale"]) == (objective.startswith("loss"))
    assert scale["colorscale"] == [[0.0, pictures.STRESS[0]], [1.0, pictures.STRESS[1]]]


def test_lines_of_choices_bear_their_own_colours():
    """Optuna sorts lines by the choices, not by the trials' numbers."""
    over = f"{UNITS}=256|16|64", f"{LAYERS}=3|1|2"
    values = {(256, 2): 0.949, (64, 3): 0.924, (16, 2): 0.87, (64, 1): 0.912, (256, 3): 0.95}
    rows = [trial(n, value, **{UNITS: u, LAYERS: d}) for n, ((u, d), value) in enumerate(values.items())]
    found = lines(pictures.draw("parallel", make(*over), rows, {}))
    assert list(found) == sorted(values.values())
    assert [opacity for _, opacity in found.values()] == sorted(opacity for _, opacity in found.values())


@pytest.mark.parametrize("objective", ["accuracy", "loss", "accuracy and seconds", "loss and seconds"])
def test_a_contour_is_darkest_at_the_best(objective):
    rows = [trial(i, 0.5 + i / 10, second=1.0) for i in range(4)]
    (contour,) = [t for t in pictures.draw("contour", make(objective=objective), rows, {})["data"] if "z" in t]
    assert bool(contour["reversescale"]) == (objective.startswith("loss"))


@pytest.mark.parametrize("objective", ["accuracy", "loss", "accuracy and seconds", "loss and seconds"])
def test_the_history_has_the_best_so_far(objective):
    rows = [trial(0, None, "failed"), trial(1, 0.7, second=1.0), trial(2, 0.5, second=1.0), trial(3, 0.9, second=1.0)]
    drawn = pictures.draw("history", make(objective=objective), rows, {})
    best = next(trace for trace in drawn["data"] if trace["mode"] == "lines")
    assert best["name"] == "best so far"
    assert drawn["layout"]["legend"]["orientation"] == "h", "at the side it takes half of a phone"
    assert best["y"] == [None, 0.7, *((0.5, 0.5) if objective.startswith("loss") else (0.7, 0.9))]


def test_trials_have_the_numbers_of_the_table():
    """Whatever failed before them, still trains, or never became a run."""
    rows = [trial(5, 0.9), trial(0, None, "failed"), trial(1, 0.5), trial(2, None, "running"), trial(4, 0.6, "pruned")]
    (dots,) = [t for t in pictures.draw("history", make(), rows, {})["data"] if t.get("name") == "held-out accuracy"]
    assert (dots["x"], dots["y"]) == ([1, 5], [0.5, 0.9])
    slices = pictures.draw("slice", make(), rows, {})["data"]
    assert all(sorted(piece["marker"]["color"]) == [1, 5] for piece in slices)
    curves = pictures.draw("intermediate", make(), rows, {4: EPOCHS[3]})["data"]
    assert [curve["name"] for curve in curves] == ["trial 4, pruned"]


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_epoch_by_epoch_trials_in_training_are_drawn_and_pruned_ones_dashed(metric):
    ends = enumerate(["complete", "pruned", "running", "failed", "waiting", "complete", "stopped"])
    rows = [trial(number, 0.5 if state == "complete" else None, state) for number, state in ends]
    epochs = {t.number: [{"epoch": e, f"val_{metric}": t.number + e} for e in (1, 2)] for t in rows if t.number != 5}
    figure = pictures.draw("intermediate", make(objective=metric), rows, epochs)
    assert [(line["name"], line["line"]["dash"], line["y"]) for line in figure["data"]] == [
        ("trial 0", "solid", [1, 2]), ("trial 1, pruned", "dash", [2, 3]), ("trial 2, in training", "solid", [3, 4])
    ]  # fmt: skip
    marks = [line["marker"]["symbol"] for line in figure["data"]]
    assert marks == ["circle", "x", "circle"], "a trial given up after its first epoch has no line to dash"
    assert {line["hoverlabel"]["namelength"] for line in figure["data"]} == {-1}, "else names are cut short"
    titles = [figure["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
    assert titles == ["epoch", f"held-out {metric}"]


@pytest.mark.parametrize("kind", [kind for kind in pictures.PICTURES if kind not in ("intermediate", "curves")])
def test_trials_in_training_change_no_other_picture(kind):
    sweep, second = make(objective="accuracy and seconds"), {"second": 1.0}
    done = [trial(0, 0.5, **second), trial(1, 0.9, **second), trial(2, 0.7, **second)]
    assert pictures.draw(kind, sweep, [*done, trial(3, None, "running")], {}) == pictures.draw(
        kind, sweep, [*done, trial(3, None, "failed")], {}
    )


@pytest.mark.parametrize(("second", "words"), [("parameters", "parameters"), ("seconds", "seconds of training")])
@pytest.mark.parametrize(("first", "worse"), [("accuracy", [0.7, 50]), ("loss", [0.9, 100])])
def test_the_front_has_what_no_other_trial_beats_in_both_objectives(first, worse, second, words):
    rows = [trial(0, 0.9, second=100), trial(1, 0.8, second=10), trial(2, 0.7, second=50)]
    figure = pictures.draw("front", make(objective=f"{first} and {second}"), rows, {})
    beaten, best = (sorted(map(list, zip(trace["x"], trace["y"], strict=True))) for trace in figure["data"])
    assert beaten == [worse]
    assert best == [point for point in ([0.7, 50], [0.8, 10], [0.9, 100]) if point != worse]
    titles = [figure["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
    assert titles == [f"held-out {first}", words]


def test_which_pictures_there_are():
    one, two = make(f"{RATE}=0.1|0.2"), make(objective="accuracy and seconds")
    assert pictures.available(one) == ["history", "slice", "intermediate"]
    assert "front" in pictures.available(two)


def test_a_contour_of_many_trials_stays_small():
    many = [trial(i, i / 500) for i in range(500)]
    many[::10] = [trial(i, 0.1, "pruned") for i in range(0, 500, 10)]
    fewer = pictures._fewer("contour", make(), many)
    assert 75 < len(fewer) <= 100 and {t.state for t in fewer} == {"complete"}, "which alone it draws"
    assert {t.state for t in pictures._fewer("intermediate", make(), many)} == {"complete", "pruned"}
    many[1::100] = training = [trial(i, None, "running") for i in range(1, 500, 100)]
    fewer_lines = pictures._fewer("intermediate", make(), many)
    assert all(trial in fewer_lines for trial in training) and len(fewer_lines) <= 200, "those in training, always"
    assert "those in training" in pictures.left_out("intermediate", many)
    assert all(trial in fewer for trial in many[-50:] if trial.state == "complete"), "the best"
    assert len(lines(pictures.draw("parallel", make(), many, {}))) <= 200
    assert "Of 445 trials at most 100" in pictures.left_out("contour", many)
    assert "Of 500 trials at most 200" in pictures.left_out("intermediate", many)
    assert not pictures.left_out("contour", many[:100]) and not pictures.left_out("history", many)


def test_lists_as_choices_are_drawn():
    sweep = make("architecture.hidden_units=32|64,32", f"{RATE}=0.1|0.2")
    shapes = ([32], [64, 32])
    rows = [trial(i, 0.5, **{"architecture.hidden_units": units, RATE: 0.1}) for i, units in enumerate(shapes)]
    assert pictures.draw("slice", sweep, rows, {})["data"]


def test_best_order_and_groups():
    sweep = make()
    assert best_trial(sweep, TRIALS).number == 1
    assert best_trial(sweep, []) is None
    assert [t.number for t in rows_of(sweep, TRIALS)] == [1, 2, 0, 3, 4]
    losses = make(objective="loss")
    assert best_trial(losses, TRIALS).number == 0
    assert best_trial(sweep, [trial(0, 0.9, run_id=None), trial(1, 0.5)]).number == 1
    seeds = make(f"{UNITS}=16|64", "seed=1|2")
    rows = [trial(i, 0.5, **{UNITS: u, "seed": s}) for i, (u, s) in enumerate([(64, 1), (16, 2), (16, 1), (64, 2)])]
    found = groups(seeds, rows)
    assert list(found) == ["units of a hidden layer 16", "units of a hidden layer 64"]
    assert [t.number for t in found["units of a hidden layer 16"]] == [1, 2]


def test_a_seed_counts_once_however_often_it_was_tried():
    rows = [trial(i, value, seed=seed) for i, (seed, value) in enumerate([(1, 0.5), (2, 0.75), (1, 0.5), (2, 0.75)])]
    rows += [trial(4, 0.1, "pruned", seed=3), trial(5, None, "failed", seed=4), trial(6, None, "failed", seed=2)]
    assert by_seed(rows) == [0.5, 0.75]
    assert fates(rows) == {1: "", 2: "", 3: "ended early, by the pruner", 4: "failed"}


def test_settings_that_differ_late_are_groups_of_their_own():
    sweep = make("optimizer.beta_2=0.99999|0.9999", "seed=1|2")
    rows = [trial(i, 0.5, **{"optimizer.beta_2": b, "seed": 1 + i % 2}) for i, b in enumerate([0.9999] * 2 + [0.99999])]
    found = groups(sweep, rows)
    assert [label.rpartition(" ")[2] for label in found] == ["0.99999", "0.9999"]
    assert [[t.number for t in group] for group in found.values()] == [[2], [0, 1]]
    drawn = make(f"{RATE}=log:1e-5..1")
    found = groups(drawn, [trial(i, 0.5, **{RATE: rate}) for i, rate in enumerate((0.0123478, 0.0123456))])
    assert list(found) == ["learning rate 0.012346", "learning rate 0.012348"]


def test_the_time_left_knows_the_pace_and_the_limit():
    done, training = [trial(i, 0.5) for i in range(3)], [trial(3, state="running"), trial(4, state="waiting")]
    assert seconds_left(searched(30.0), done) == 60.0
    assert seconds_left(searched(30.0, limit=50), done) == 20.0
    assert seconds_left(searched(30.0, limit=500), done) == 60.0
    assert seconds_left(searched(90.0, spent=80.0, limit=50), done) == 40.0
    assert seconds_left(searched(30.0, limit=35), done + training) == 10.0
    assert seconds_left(searched(60.0, limit=50), done + training) == 20.0
    assert seconds_left(searched(60.0, limit=50), done) == 0.0


@pytest.mark.parametrize(("objective", "sign"), [("accuracy", 1), ("loss", -1)])
def test_the_best_mean_over_seeds_is_not_the_best_single_run(objective, sign):
    sweep = make(f"{UNITS}=16|64", "seed=1|2|3", objective=objective)
    values = {16: (0.5, 0.9, 0.4), 64: (0.7, 0.8, 0.75)}
    rows = [
        trial(len(values[units]) * (units == 64) + i, sign * value, **{UNITS: units, "seed": i + 1})
        for units in values
        for i, value in enumerate(values[units])
    ]
    rows.append(trial(6, sign * 0.99, "failed", **{UNITS: 16, "seed": 1}))
    assert best_trial(sweep, rows).params == {UNITS: 16, "seed": 2}
    found = best_setting(sweep, rows)
    assert found == ("units of a hidden layer 64", pytest.approx(sign * 0.75), 3)


def test_without_two_seeds_there_is_no_mean_over_seeds():
    assert best_setting(make(f"{UNITS}=16|64"), [trial(i, 0.5, **{UNITS: 16}) for i in range(3)]) is None
    sweep = make(f"{UNITS}=16|64", "seed=1|2")
    rows = [trial(i, 0.5 + i / 10, **{UNITS: units, "seed": 1}) for i, units in enumerate((16, 64, 16))]
    assert best_setting(sweep, rows) is None, "the same seed twice is one training"
    assert best_setting(sweep, []) is None


@pytest.mark.parametrize(("objective", "sign"), [("accuracy", 1), ("loss", -1)])
def test_one_lucky_seed_is_no_best_mean_beside_settings_with_several(objective, sign):
    """The other seeds have run away, or are still to come."""
    sweep = make(f"{UNITS}=16|64", "seed=1|2|3", objective=objective)
    rows = [trial(0, sign * 0.96, **{UNITS: 16, "seed": 1}), trial(1, None, "failed", **{UNITS: 16, "seed": 2})]
    rows += [trial(1 + seed, sign * 0.95, **{UNITS: 64, "seed": seed}) for seed in (1, 2, 3)]
    assert best_setting(sweep, rows) == ("units of a hidden layer 64", pytest.approx(sign * 0.95), 3)
