"""Published, here and difference: on Train, Evaluate and Runs, and only where there is something published."""

import pytest

from mnist_core.recipes import RECIPES
from mnist_core.ui import charts, published
from tests.pages.conftest import healthy, labelled, words


@pytest.mark.parametrize("name", ["mlp-100-64-32", "mlp-100-64-32-functional"])
@pytest.mark.parametrize("page", ["Train", "Evaluate"])
def test_a_run_of_a_published_system_is_compared(visit, finish, page, name, read):
    found = RECIPES[name]
    app = healthy(visit(page, run=finish(config=found.config)))
    text = words(app, "markdown")
    assert found.source in text
    assert f"| test accuracy | 96.39% | {read.accuracy:.2%} | {100 * (read.accuracy - 0.9639):+.2f} points |" in text
    assert "| parameters | 87,374 | 87,374 | +0 |" in text
    assert "Outside of the tolerance of 0.4 percentage points in test accuracy." in words(app, "caption")


@pytest.mark.parametrize("page", ["Train", "Evaluate"])
def test_a_run_of_ones_own_is_not(visit, finish, page):
    assert "As published?" not in words(visit(page, run=finish()), "markdown")


def test_the_table_of_runs_has_columns_for_it_only_where_needed(visit, finish):
    finish("mine")
    assert "published" not in visit("Runs").dataframe[0].value.columns
    finish("theirs", config=RECIPES["sgd-classifier"].config)
    table = visit("Runs").dataframe[0].value.set_index("name")
    assert table.loc["theirs", "published"] == 0.9111
    # It is judged by held-out images, of which ``finish`` says in its fifth row that 1 - 0.375 / 5 are right.
    assert table.loc["theirs", "difference"] == pytest.approx(100 * (0.925 - 0.9111))
    assert table.loc["mine", "published"] != table.loc["mine", "published"]  # no number


def test_published_points_lie_dashed_over_the_curves(store, finish):
    run = store.get(finish(config=RECIPES["subclassed-mlp"].config))
    rows = published.points(run)
    figure = charts.curve(store.epochs(run.id), "accuracy", 10, "epoch", rows)
    traces = {trace["name"]: trace for trace in figure["data"]}
    assert traces["published, training"]["y"][:2] == [0.5979, 0.8284]
    assert traces["published, validation"]["x"] == list(range(1, 11))
    assert traces["published, test"]["y"] == [0.9122, 0.9122]
    for name, trace in traces.items():
        assert (trace["line"]["dash"] == "dash") == name.startswith("published")
    assert published.points(store.get(finish())) == []


def test_what_is_otherwise_than_published_stands_with_its_recipe(visit):
    assert "class probabilities of a batch every 50 steps" in words(visit("Train", recipe="cnn-layers"), "caption")
    assert "mlp-100-64-32-functional the other" in words(visit("Train", recipe="mlp-100-64-32"), "caption")


def test_what_a_subclass_cannot_do_is_told_where_it_is_chosen(visit):
    for name in ("subclassed-mlp", "logreg-steps"):
        app = visit("Train", recipe=name)
        assert "no file can hold" in labelled([*app.selectbox, *app.segmented_control], "Keras API").help


def test_the_explicit_loops_can_be_read_where_they_are_chosen(visit):
    for recipe, explicit in (("subclassed-mlp", True), ("quick", False)):
        shown = [code.value for code in visit("Train", recipe=recipe).code]
        for line in ("with tf.GradientTape() as tape:", "def _test_step(self, images, labels):"):
            assert any(line in text for text in shown) == explicit
    app = visit("Train", recipe="cnn-fast")  # any network can be trained by it
    labelled([*app.selectbox, *app.segmented_control], "Training loop").set_value("tape").run()
    assert any("tf.GradientTape()" in code.value for code in healthy(app).code)
