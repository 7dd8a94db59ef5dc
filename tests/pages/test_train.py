"""Train, before a run: the form makes the configuration it shows, and one click makes one run."""

import pytest

from mnist_core.config import RunConfig, choices
from mnist_core.recipes import RECIPES, recipe
from mnist_core.store import RunStore
from mnist_core.training.estimate import expected_seconds
from mnist_core.ui.words import duration
from tests.helpers import assert_friendly
from tests.pages.conftest import can_train, healthy, labelled, labels_of, trained, words

KINDS = [
    (section, part) for section in ("architecture", "optimizer", "schedule") for part in choices(section)
]
COUNTS = {
    "quick": "101,770", "cnn-fast": "80,202", "subclassed-mlp": "50,890", "logreg-steps": "7,850",
    "logreg-epochs": "7,850", "logreg-functions": "7,850", "mlp-100-64-32": "87,374", "softmax-keras": "7,850",
    "mlp-100-64-32-functional": "87,374", "mlp-100-100": "89,610", "cnn-32-64-64": "61,514", "sgd-classifier": "7,850",
    "cnn-layers": "3,274,634", "tiny": "3,898", "champion": "290,762", "flagship": "395,338",
}  # fmt: skip


def choose(app, label, value):
    """Chooses from the list or the segments with this label."""
    labelled([*app.selectbox, *app.segmented_control], label).set_value(value).run()
    return healthy(app)


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


def test_how_long_it_will_take_stands_beside_the_button(visit, monkeypatch):
    """By this machine's pace so far, which the first runs have measured."""
    monkeypatch.setattr("mnist_core.ui.queue.correction", lambda runs: 3.0)
    app = visit("Train", recipe="mlp-100-64-32")
    expected = duration(expected_seconds(recipe("mlp-100-64-32").config, 3.0))
    assert f"about {expected}" in words(healthy(app), "caption")


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


def test_the_pace_of_this_machine_is_looked_up_once_a_minute(visit, store, monkeypatch):
    asked, listed = [], RunStore.list

    def listen(self, *args, **options):
        asked.append(options.get("statuses"))
        return listed(self, *args, **options)

    monkeypatch.setattr(RunStore, "list", listen)
    app = visit("Train")
    healthy(labelled(app.number_input, "Epochs").set_value(7).run())
    assert asked.count(("finished",)) == 1
