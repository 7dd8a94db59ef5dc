"""The Explore page: fair experiments and free designs, from the form to the sweep."""

import json

import pytest

from mnist_core.config import RunConfig
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.questions import SMALL
from mnist_core.explore.size import LAYERS, UNITS
from mnist_core.explore.space import Dimension, keys
from mnist_core.recipes import RECIPES
from mnist_core.ui.design_form import HELD_OUT, suggested
from tests.helpers import assert_friendly
from tests.pages.conftest import healthy, labels_of, open_part, opened

RATE = "optimizer.learning_rate"


def test_a_design_comes_by_link_and_can_be_started(visit, sweeps):
    space = (Dimension.parse("architecture.dropout=0..0.4"),)
    design = Design(RunConfig.parse(SMALL), space, make_search({"sampler": "random", "trials": 7}))
    app = visit("Explore", design=design.to_json())
    assert app.text_input[0].value == "0..0.4"
    assert Lesson(design=design).link() in [code.value for code in opened(app, "share").code]
    healthy(app.button(key="start-sweep").click().run())
    assert sweeps.list()[0].design == design


CHOSEN = [
    {"sampler": "qmc", "pruner": "hyperband", "objective": "loss", "trials": 12, "parallel": 3, "seconds": 45},
    {"sampler": "grid", "pruner": "none", "objective": "loss and seconds", "trials": 7, "parallel": 1, "seconds": 9},
]


@pytest.mark.parametrize("chosen", CHOSEN)
def test_what_is_chosen_under_how_it_searches_is_searched_by(visit, sweeps, chosen):
    app = open_part(visit("Explore"), "Own design")
    for name, value in chosen.items():
        numbers = isinstance(value, int)
        (app.number_input if numbers else app.selectbox)(key=f"search.{name}").set_value(value)
    healthy(healthy(app.run()).button(key="start-sweep").click().run())
    (sweep,) = sweeps.list()
    assert sweep.design.search == make_search(chosen)


HOSTILE = json.dumps({"base": {}, "space": [{"key": "<b>"}], "search": {}})


@pytest.mark.parametrize("text", ["}", '{"base":{}}', HOSTILE])
def test_a_hostile_design_is_one_sentence_and_the_form_is_there(visit, text):
    app = visit("Explore", design=text)
    assert len(app.error) == 1
    assert_friendly(app.error[0].value, "design")
    app = open_part(app, "Own design")
    assert not app.button(key="start-sweep").disabled


@pytest.mark.parametrize("bad", ["1..0", "log:0..1", "a|", "", "1e-9..1"])
def test_a_bad_range_is_said_and_nothing_starts(visit, bad):
    design = Design(RunConfig.parse(SMALL), (Dimension.parse(f"{RATE}=log:1e-4..0.1"),))
    app = visit("Explore", design=design.to_json())
    healthy(app.text_input[0].set_value(bad).run())
    assert len(app.error) == 1
    assert app.button(key="start-sweep").disabled
    assert "architecture.dropout" not in labels_of(app.main.text_input)


def test_one_change_over_several_seeds(visit, sweeps):
    app = open_part(visit("Explore"), "One change")
    app.slider(key="fair-seeds").set_value(4).run()
    link = next(code.value for code in opened(app, "share").code)
    healthy(app.button(key="start-fair").click().run())
    (sweep,) = sweeps.list()
    assert [dimension.key for dimension in sweep.design.space] == [RATE, "seed"]
    assert sweep.trials == sweep.design.combinations == 8
    assert sweep.design.search.sampler == "grid"
    assert link == Lesson(design=sweep.design).link(), "the experiment can be given to others"


KINDS = ["architecture.activation", "architecture.hidden_units", "data.scaled", "training.epochs"]


@pytest.mark.parametrize("key", KINDS)
def test_every_kind_of_setting_has_a_range_to_begin_with(visit, key):
    app = open_part(visit("Explore"), "One change")
    box = next(box for box in app.selectbox if box.label.startswith("The one thing"))
    healthy(box.set_value(key).run())
    assert not app.error
    assert not app.button(key="start-fair").disabled


def test_any_setting_can_be_varied_in_a_design(visit):
    app = open_part(visit("Explore"), "Own design")
    varied = next(box for box in app.multiselect if box.label == "What varies")
    for option in keys(RunConfig.parse(SMALL)):
        varied.set_value([option]).run()
        healthy(app)
        assert len(app.main.text_input) == 1, option
        assert not app.error, option
        varied = next(box for box in app.multiselect if box.label == "What varies")


CONTRADICTED = {
    "architecture.name", "architecture.output", "data.not_digits", "data.written", "optimizer.nesterov",
    "training.epochs", "training.label_smoothing", "training.loss",
}  # fmt: skip
"""Settings that some recipe's other settings rule out, which their sentence says."""


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("name", RECIPES)
def test_what_is_suggested_for_a_recipe_is_possible(name, few):
    base = RECIPES[name].config
    if not base.data.validation_fraction:
        base = base.replace({"data.validation_fraction": HELD_OUT})
    for key, spec in keys(base).items():
        dimension = Dimension.parse(f"{key}={suggested(key, spec, few)}")
        if key not in CONTRADICTED:
            Design(base, (dimension,)).check()


def test_what_is_not_quite_one_change_is_told(visit):
    app = open_part(visit("Explore"), "One change")
    assert not app.info
    box = next(box for box in app.selectbox if box.label.startswith("The one thing"))
    healthy(box.set_value("optimizer.name").run())
    assert_friendly(app.info[0].value, "rate of its own")
    assert not app.button(key="start-fair").disabled


def test_a_classical_model_is_no_trouble_to_the_forms(visit):
    app = open_part(visit("Explore"), "One change")
    box = app.selectbox(key="fair-base")
    for option in RECIPES:
        healthy(box.set_value(option).run())
        assert not app.error, option
        box = app.selectbox(key="fair-base")


def ranges(app):
    return {box.label.partition(",")[0]: box.value for box in app.main.text_input}


def test_what_was_typed_for_one_start_holds_for_another_where_it_applies(visit):
    app = open_part(visit("Explore"), "Own design")
    app.multiselect(key="varies-small").set_value([RATE, UNITS, LAYERS, "architecture.dropout"]).run()
    usual = ranges(app)["Dropout"]
    for key, text in {RATE: "log:1e-3..0.01", UNITS: "20|30", LAYERS: "1..6"}.items():
        app.text_input(key=f"over-small-{key}").set_value(text).run()
    typed = {"Learning rate": "log:1e-3..0.01", "Units of a hidden layer": "20|30", "Hidden layers": "1..6"}
    healthy(app.selectbox(key="design-base").set_value("mlp-100-64-32").run())
    assert ranges(app) == typed | {"Dropout": usual}
    healthy(app.run())
    assert ranges(app) == typed | {"Dropout": usual}
    app.text_input(key=f"over-mlp-100-64-32-{UNITS}").set_value("40|50").run()
    healthy(app.selectbox(key="design-base").set_value("softmax-keras").run())
    assert ranges(app) == {"Learning rate": "log:1e-3..0.01"}, "the others are no settings of it"


def test_what_does_not_apply_to_another_start_gives_way_to_what_is_suggested(visit):
    """A convolutional network has no more than three dense layers."""
    app = open_part(visit("Explore"), "Own design")
    app.multiselect(key="varies-small").set_value([RATE, LAYERS]).run()
    app.text_input(key=f"over-small-{LAYERS}").set_value("1..6").run()
    app.text_input(key=f"over-small-{RATE}").set_value("0.5|").run()
    healthy(app.selectbox(key="design-base").set_value("cnn-fast").run())
    assert ranges(app) == {"Learning rate": "log:1e-4..0.1", "Hidden layers": "1..3"}
    assert not app.error


def test_the_one_change_stays_with_another_start(visit):
    app = open_part(visit("Explore"), "One change")
    healthy(app.selectbox(key="fair-key-small").set_value("training.batch_size").run())
    healthy(app.text_input(key="fair-small-training.batch_size").set_value("50|60").run())
    healthy(app.selectbox(key="fair-base").set_value("softmax-keras").run())
    assert list(ranges(app).values()) == ["50|60"]
    assert app.selectbox(key="fair-key-softmax-keras").value == "training.batch_size"


def test_another_design_comes_as_it_is(visit, sweeps):
    """What was typed before belongs to the design before."""
    app = open_part(visit("Explore"), "Own design")
    app.text_input(key=f"over-small-{RATE}").set_value("0.5|0.6").run()
    design = Design(RunConfig.parse(SMALL), (Dimension.parse(f"{RATE}=0.1|0.2"),))
    app.query_params["sweep"] = sweeps.create(design)
    healthy(app.run())
    healthy(app.button(key="change").click().run())
    assert app.selectbox(key="design-base").value == "link"
    assert list(ranges(app).values()) == ["0.1|0.2"]


def test_a_design_that_is_opened_again_comes_as_it_is(visit, sweeps):
    """What was typed in an earlier visit, for another start, is gone with the choice of that start."""
    design = Design(RunConfig.parse(SMALL), (Dimension.parse("architecture.dropout=0..0.5"),))
    app = visit("Explore", sweep=sweeps.create(design))
    healthy(app.button(key="change").click().run())
    healthy(app.selectbox(key="design-base").set_value("small").run())
    app.multiselect(key="varies-small").set_value([RATE]).run()
    healthy(app.text_input(key=f"over-small-{RATE}").set_value("1|2").run())
    app.query_params["sweep"] = sweeps.list()[0].id
    healthy(app.run())
    healthy(app.button(key="change").click().run())
    assert app.selectbox(key="design-base").value == "link"
    assert ranges(app) == {"Dropout": "0..0.5"}


def test_what_was_typed_is_gone_when_another_part_was_looked_at(visit):
    app = open_part(visit("Explore"), "One change")
    healthy(app.selectbox(key="fair-base").set_value("softmax-keras").run())
    healthy(app.text_input(key=f"fair-softmax-keras-{RATE}").set_value("0.5|0.6").run())
    app = open_part(open_part(app, "Earlier"), "One change")
    assert app.selectbox(key="fair-base").value == "small"
    assert list(ranges(app).values()) == ["0.001|0.01"]
