"""Train: the form makes the configuration it shows, one click makes one run, and a run shows what it does."""

import pytest

from mnist_core.config import RunConfig, choices
from mnist_core.recipes import RECIPES, recipe
from tests.helpers import assert_friendly
from tests.pages.conftest import curves, healthy, labelled, labels_of, words

KINDS = [
    (section, part) for section in ("architecture", "optimizer", "schedule") for part in choices(section)
]
COUNTS = {
    "quick": "101,770", "cnn-fast": "80,202", "subclassed-mlp": "50,890", "logreg-steps": "7,850",
    "logreg-epochs": "7,850", "logreg-functions": "7,850", "mlp-100-64-32": "87,374", "softmax-keras": "7,850",
    "mlp-100-64-32-functional": "87,374", "mlp-100-100": "89,610", "cnn-32-64-64": "61,514", "sgd-classifier": "7,850",
    "cnn-layers": "3,274,634", "tiny": "3,898", "flagship": "163,274",
}  # fmt: skip


def choose(app, label, value):
    """Chooses from the list or the segments with this label."""
    labelled([*app.selectbox, *app.segmented_control], label).set_value(value).run()
    return healthy(app)


def trained(app, store):
    """Clicks Train; gives the one run that this made, which the link then names."""
    before = {run.id for run in store.list()}
    healthy(labelled(app.button, "Train").click().run())
    (made,) = (run for run in store.list() if run.id not in before)
    assert linked(app) == made.id
    assert made.status == "queued"
    return made


def linked(app):
    """The run that the link names."""
    run = app.query_params.get("run", "")
    return run[0] if isinstance(run, list) else run


def progress(app):
    """What stands over the bar that grows."""
    return "".join(bar.proto.text for bar in app.get("progress"))


def can_train(app):
    return not labelled(app.button, "Train").disabled


# -- the form ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_fills_the_form(visit, store, name):
    app = visit("Train")
    other = next(other for other in RECIPES if other != name)
    choose(app, "Recipe to start from", other)
    choose(app, "Recipe to start from", name)
    config = RECIPES[name].config
    if "training" in config.architecture.sections:
        assert labelled(app.number_input, "Epochs").value == config.training.epochs
        assert labelled(app.number_input, "Batch size").value == config.training.batch_size
    else:
        assert "Epochs" not in labels_of(app.number_input)
    if name in COUNTS:
        assert f"**{COUNTS[name]} parameters**" in words(app, "markdown")
    run = trained(app, store)
    assert run.settings == config
    assert (run.recipe, run.parameters) == (name, config.parameters)


@pytest.mark.parametrize("name", RECIPES)
def test_a_link_fills_the_form(visit, store, name):
    app = visit("Train", recipe=name)
    assert "recipe" not in app.query_params
    assert trained(app, store).settings == RECIPES[name].config


def test_a_link_to_an_unknown_recipe(visit):
    app = visit("Train", recipe="nonsense")
    assert len(app.error) == 1
    assert_friendly(app.error[0].value, "nonsense", *RECIPES)


@pytest.mark.parametrize(
    "section, part", KINDS, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_every_choice_makes_a_configuration(visit, store, section, part):
    app = visit("Train")
    name = part.model_fields["name"].default
    choose(app, section.capitalize(), name)
    assert not app.error
    assert part.sentence in words(app, "caption")
    run = trained(app, store)
    assert run.settings == RunConfig.parse({section: {"name": name}})
    assert run.recipe == ("quick" if run.settings == recipe("quick").config else "")


def test_what_the_form_says_is_what_is_trained(visit, store):
    app = visit("Train")
    choose(app, "Hidden layers", 2)
    labelled(app.number_input, "Layer 1").set_value(48)
    labelled(app.number_input, "Layer 2").set_value(24)
    labelled(app.number_input, "Learning rate").set_value(0.0025)
    labelled(app.number_input, "Epochs").set_value(7)
    labelled(app.number_input, "Held out for validation").set_value(0.25)
    labelled(app.number_input, "Rotate").set_value(10.0)
    labelled(app.number_input, "Seed").set_value(42)
    labelled(app.toggle, "Batch normalisation").set_value(True).run()
    expected = RunConfig.parse(
        {
            "architecture": {"name": "mlp", "hidden_units": [48, 24], "batch_norm": True},
            "optimizer": {"learning_rate": 0.0025},
            "data": {"validation_fraction": 0.25},
            "augmentation": {"rotate": 10.0},
            "training": {"epochs": 7},
            "seed": 42,
        }
    )
    assert f"**{expected.parameters:,} parameters**" in words(healthy(app), "markdown")
    run = trained(app, store)
    assert run.settings == expected
    assert run.recipe == ""


def test_blocks_of_a_convolutional_network(visit, store):
    app = visit("Train")
    choose(app, "Architecture", "cnn")
    choose(app, "Blocks", 1)
    labelled(app.number_input, "Filters").set_value(8)
    choose(app, "Kernel", 5)
    choose(app, "Pooling", "average")
    choose(app, "From pictures to values", "global_average")
    run = trained(app, store)
    blocks = [{"filters": 8, "kernel": 5, "pooling": "average"}]
    architecture = {"name": "cnn", "blocks": blocks, "head": "global_average"}
    assert run.settings == RunConfig.parse({"architecture": architecture})


def test_an_impossible_network(visit, store):
    app = visit("Train")
    choose(app, "Architecture", "cnn")
    choose(app, "Blocks", 4)
    assert len(app.error) == 1
    assert_friendly(app.error[0].value, "conv2d_4")
    assert not can_train(app)
    choose(app, "Blocks", 3)
    assert not app.error
    assert can_train(app)
    assert not store.list()


@pytest.mark.parametrize("choice", ["plateau", "early stopping", "nesterov"])
def test_settings_that_do_not_fit_together(visit, choice):
    app = visit("Train")
    if choice == "nesterov":
        choose(app, "Optimizer", "sgd")
        labelled(app.toggle, "Nesterov").set_value(True).run()
    else:
        labelled(app.number_input, "Held out for validation").set_value(0.0).run()
        if choice == "plateau":
            choose(app, "Schedule", "plateau")
        else:
            labelled(app.number_input, "Early stopping").set_value(3).run()
    assert len(healthy(app).error) == 1
    assert_friendly(app.error[0].value)
    assert not can_train(app)


@pytest.mark.parametrize("name", RECIPES)
def test_the_table_counts_every_layer(visit, name):
    app = visit("Train", recipe=name)
    table = next(text.value for text in app.markdown if text.value.startswith("| layer"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    counts = [int(count.split("=")[-1].replace(",", "")) for _, _, count in rows]
    assert f"{sum(counts):,}" == COUNTS.get(name, "0")
    assert rows[0][:2] == ["image", "28 × 28 × 1"] and rows[-1][1] == "10"


def test_the_picture_shows_every_layer_and_the_shapes_between(visit):
    [picture] = visit("Train", recipe="cnn-32-64-64").get("graphviz_chart")
    shapes = ["28 × 28 × 1", "26 × 26 × 32", "13 × 13 × 32", "11 × 11 × 64", "5 × 5 × 64", "3 × 3 × 64", "576", "10"]
    arrows = [part for part in picture.proto.spec.split(";") if "->" in part]
    assert [arrow.split('label=" ')[1].split('"')[0] for arrow in arrows] == shapes
    for text in ("32 filters of 3 × 3, relu\\n320 parameters", "largest of 2 × 2", "10 units", "5,770 parameters"):
        assert text in picture.proto.spec


def test_every_setting_says_what_it_is(visit):
    app = visit("Train")
    for architecture in ("cnn", "mlp"):
        choose(app, "Architecture", architecture)
        for widget in (*app.number_input, *app.toggle):
            assert len(widget.help) > 20, widget.label


def test_the_form_survives_a_visit_to_another_page(visit, store):
    app = visit("Train")
    choose(app, "Architecture", "cnn")
    labelled(app.number_input, "Epochs").set_value(3).run()
    app.switch_page("pages/1_Data.py").run()
    app.switch_page("pages/2_Train.py").run()
    run = trained(healthy(app), store)
    assert (run.settings.architecture.name, run.settings.training.epochs) == ("cnn", 3)


# -- a run ---------------------------------------------------------------------------------------------------


def test_a_run_that_waits_and_is_cancelled(visit, store):
    store.create(RunConfig(), "before it")
    run_id = store.create(RunConfig(), "mine")
    app = visit("Train", run=run_id)
    assert "place 2 of 2" in progress(app)
    labelled(app.button, "Cancel").click().run()
    assert store.get(run_id).status == "cancelled"
    assert "cancelled" in words(healthy(app), "markdown")
    assert not {"Cancel", "Stop", "Pause", "Resume"} & set(labels_of(app.button))


@pytest.fixture
def running(store):
    """A run in the middle of its third epoch."""
    run_id = store.create(RunConfig(), "mine")
    store.mark_running(run_id)
    batches = [{"step": step, "loss": 1 / step, "accuracy": 0.9} for step in range(1, 1050, 7)]
    progress = {"step": 1050, "steps": 2100, "epoch": 2, "train_seconds": 1.5, "images_per_second": 123_456.0}
    store.record(run_id, progress, batches, curves(2))
    return run_id


def test_what_was_chosen_to_compute_with_and_why(visit, store, running):
    store.record(running, {}, event="Starts on a processor (CPU): XLA compiles the whole loop; float32 as asked for.")
    store.record(running, {}, event="Paused at step 5.")
    said = words(healthy(visit("Train", run=running)), "caption")
    assert "Starts on a processor (CPU): XLA compiles the whole loop; float32 as asked for." in said


def test_a_run_that_trains(visit, running):
    app = visit("Train", run=running)
    said = words(app) + progress(app)
    for text in ("training", "Epoch 3 of 5", "50%", "87.50%", "81.25%", "123,456", "101,770"):
        assert text in said


def test_a_forest_tells_its_trees_and_can_be_stopped(visit, store):
    run_id = store.create(recipe("random-forest").config)
    store.mark_running(run_id)
    store.record(run_id, {"step": 2, "steps": 50, "epoch": 2, "train_seconds": 1.5}, [], curves(2))
    app = visit("Train", run=run_id)
    assert "Tree 3 of 50" in progress(app)
    assert "**Accuracy by tree**" in words(app, "markdown")
    assert {"Stop", "Pause"} <= set(labels_of(app.button))


@pytest.mark.parametrize("button, wish", [("Pause", "pause"), ("Stop", "stop")])
def test_what_a_reader_asks_of_it(visit, store, running, button, wish):
    app = visit("Train", run=running)
    labelled(app.button, button).click().run()
    assert store.get(running).wish == wish
    assert f"Asked to {wish}" in words(healthy(app), "caption")
    assert not {"Stop", "Pause"} & set(labels_of(app.button))


@pytest.mark.parametrize("button, wish", [("Resume", ""), ("Stop and keep the weights", "stop")])
def test_a_paused_run(visit, store, running, button, wish):
    store.record(running, {"status": "paused"})
    app = visit("Train", run=running)
    assert "Nothing conspicuous" not in words(app), "it has not ended"
    labelled(app.button, button).click().run()
    assert (store.get(running).status, store.get(running).wish) == ("queued", wish)
    healthy(app)


@pytest.mark.parametrize("status", ["finished", "stopped"])
@pytest.mark.parametrize(
    "button, title", [("See where it errs", "Evaluate"), ("Draw a digit for it", "Draw")]
)
def test_from_a_finished_run_onwards(visit, finish, status, button, title):
    run_id = finish(status=status)
    finish("a newer one")
    app = visit("Train", run=run_id)
    labelled(app.button, button).click().run()
    assert healthy(app).title[0].value == title
    assert linked(app) == run_id


def test_a_failed_run_says_why(visit, fail):
    app = visit("Train", run=fail(message="The loss became infinite. Try a smaller learning rate."))
    assert [error.value for error in app.error] == ["The loss became infinite. Try a smaller learning rate."]
    assert "Change and train again" in labels_of(app.button)


def test_a_run_that_is_deleted_while_it_is_watched(visit, store, running):
    app = visit("Train", run=running)
    store.delete(running)
    app.run()
    assert len(healthy(app).error) == 1
    assert_friendly(app.error[0].value, running)


def test_its_settings_again(visit, store, finish):
    config = RECIPES["cnn-32-64-64"].config.replace({"training.epochs": 4, "augmentation.shift": 1.5})
    app = visit("Train", run=finish(config=config))
    labelled(app.button, "Change and train again").click().run()
    assert trained(healthy(app), store).settings == config


def test_another_run(visit, finish):
    app = visit("Train", run=finish())
    labelled(app.button, "Set up another run").click().run()
    assert "run" not in healthy(app).query_params
    assert can_train(app)
