"""Curves and seeds on the Compare page, of runs with and without held-out images."""

import json

import pytest

from mnist_core.config import RunConfig
from mnist_core.recipes import recipe
from tests.pages.conftest import curves, healthy, words

NONE_HELD_OUT = recipe("cnn-fast").config


@pytest.fixture
def unheld(finish, store):
    """A finished run that held no images out, and scored so much on the test set."""

    def unheld(name, seed=1, test_accuracy=0.98):
        run_id = finish(name, NONE_HELD_OUT.replace({"seed": seed}))
        rows = [row | {"val_loss": None, "val_accuracy": None} for row in curves(NONE_HELD_OUT.training.epochs)]
        store.record(run_id, {"test_accuracy": test_accuracy}, epoch_rows=rows)
        return run_id

    return unheld


def drawn(app):
    """The lines of the first chart, by name."""
    (chart,) = [json.loads(part.proto.json) for part in app.get("bidi_component") if "compare-curves" in part.proto.id]
    return {line["name"]: line["y"] for line in json.loads(chart["figure"])["data"] if "name" in line}


def spread_of(app):
    return next(frame.value for frame in app.dataframe if "standard deviation" in frame.value)


def test_the_first_chart_is_of_what_there_is(visit, unheld):
    app = visit("Compare", runs=f"{unheld('one')},{unheld('two')}")
    assert app.selectbox(key="metric").value == "accuracy"
    assert app.selectbox(key="metric").options == ["accuracy in training", "loss in training"]
    assert all(drawn(app).values())


def test_a_run_without_the_curve_is_named(visit, unheld, finish):
    app = visit("Compare", runs=f"{finish('held')},{unheld('unheld')}")
    assert app.selectbox(key="metric").value == "accuracy" and "Without this curve" not in words(app)
    healthy(app.selectbox(key="metric").set_value("val_accuracy").run())
    assert "Without this curve: unheld." in words(app, "caption")
    assert drawn(app)["held"] and not drawn(app)["unheld"]


def test_the_choice_falls_back_when_other_runs_are_chosen(visit, unheld, finish):
    pair = [unheld("one"), unheld("two")]
    app = visit("Compare", runs=f"{finish('a')},{finish('b')}")
    assert app.selectbox(key="metric").value == "val_accuracy"
    healthy(app.multiselect(key="compare").set_value(pair).run())
    assert app.selectbox(key="metric").value == "accuracy" and all(drawn(app).values())


def test_seeds_without_held_out_images_are_told_by_the_test_set(visit, unheld):
    app = visit("Compare", runs=",".join(unheld(f"run {seed}", seed, 0.97 + 0.01 * seed) for seed in (1, 2)))
    table = spread_of(app)
    assert table[["seeds", "lowest", "highest"]].values.tolist() == [[2, 0.98, 0.99]]
    assert "**Test accuracy over seeds**" in words(app, "markdown")


def test_one_measure_for_all_settings(visit, unheld, finish, read):
    """Held-out accuracy of one setting beside test accuracy of another could not be compared."""
    three = unheld("a", 1, 0.98), unheld("b", 2, 0.98), finish("held", RunConfig(seed=3))
    app = visit("Compare", runs=",".join(three))
    assert sorted(spread_of(app)["mean"]) == pytest.approx(sorted([0.98, read.accuracy]))
    assert "**Test accuracy over seeds**" in words(app, "markdown")


def test_the_spread_names_its_measure_whatever_is_drawn(visit, finish):
    app = visit("Compare", runs=",".join(finish(f"run {seed}", RunConfig(seed=seed)) for seed in (1, 2)))
    healthy(app.selectbox(key="metric").set_value("loss").run())
    assert "**Held-out accuracy over seeds**" in words(app, "markdown")


def test_seeds_judged_by_other_held_out_images_are_told_by_the_test_set(visit, finish, store):
    runs = []
    for split_seed in (0, 1):
        for seed in (1, 2):
            chosen = RunConfig.parse({"seed": seed, "data": {"split_seed": split_seed}})
            runs.append(finish(f"{split_seed} {seed}", chosen))
            store.record(runs[-1], {"test_accuracy": 0.9 + 0.01 * seed}, epoch_rows=curves(chosen.training.epochs))
    app = visit("Compare", runs=",".join(runs))
    assert "**Test accuracy over seeds**" in words(app)
    assert list(spread_of(app)["mean"]) == pytest.approx([0.915, 0.915])


def test_seeds_without_the_measure_are_told(visit, unheld, finish, store):
    trials = [finish(f"trial {seed}", RunConfig(seed=seed)) for seed in (1, 2)]
    for run_id in trials:
        store.record(run_id, {"test_accuracy": None, "test_loss": None}, epoch_rows=curves(5))
    app = visit("Compare", runs=",".join([*trials, unheld("one", 1), unheld("two", 2)]))
    assert "2 of 2 seeds not scored on the test set, so there is no mean to compare." in words(app, "warning")
