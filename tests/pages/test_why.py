"""Why this digit: below an answer on Draw, with the real engine."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.explain.methods import METHODS, methods_for
from mnist_core.ui import heat, why
from tests import scans
from tests.helpers import eventually
from tests.pages.conftest import healthy, labelled, words

NETWORK = {"architecture": {"name": "cnn", "blocks": [{"filters": 6, "kernel": 3}]}, "training": {"epochs": 1}}
CONFIGS = {
    "network": NETWORK | {"data": {"subset": 3000}},
    "forest": {"architecture": {"name": "random_forest", "trees": 5}, "data": {"subset": 2000}},
    "linear": {"architecture": {"name": "sgd_classifier", "max_iter": 2}, "data": {"subset": 2000}},
}


@pytest.fixture(scope="module")
def readers(engine):
    """A run of each kind that the engine has really trained."""
    _, store, _ = engine
    runs = {kind: store.create(RunConfig.parse(config), f"a {kind}") for kind, config in CONFIGS.items()}
    for run_id in runs.values():
        eventually(lambda run_id=run_id: store.get(run_id).status in ("finished", "failed"), 120)
        assert store.get(run_id).status == "finished", store.get(run_id).message
    return runs


@pytest.fixture
def ask(visit):
    """Opens Draw with a test image and asks why in one way."""

    def ask(run_id, name, index=3):
        app = visit("Draw", run=run_id)
        labelled(app.segmented_control, "Read").set_value("a test image").run()
        labelled(app.number_input, "Number of the test image").set_value(index).run()
        labelled(app.segmented_control, "Ask the model by").set_value(name).run()
        return healthy(app)

    return ask


def test_nothing_is_computed_until_it_is_asked_for(visit, readers):
    app = visit("Draw", run=readers["network"])
    assert "Why this digit?" not in [expander.label for expander in app.expander]  # nothing has been drawn
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    healthy(app)
    assert labelled(app.expander, "Why this digit?").proto.expanded is False
    assert labelled(app.segmented_control, "Ask the model by").value is None
    assert METHODS["gradients"].how not in words(app, "caption")


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in CONFIGS for name in methods_for(kind) if name != "activations"]
)
def test_every_way_says_how_to_read_it_and_has_words_for_its_pictures(kind, name, ask, readers, engine):
    app = ask(readers[kind], name)
    assert METHODS[name].how in words(app, "caption")
    shown = words(app, "html")
    answer = int(engine[2].predict(readers[kind], mnist.load("test").images[3:4])[0].argmax())
    assert shown.count('alt=""') == 0
    if METHODS[name].asks_for == "explained":
        decides = "no single place decides" not in words(app, "markdown")
        assert f"{METHODS[name].label}: {'most in the ' if decides else 'nothing for the '}" in shown
        assert re.search(rf"\b(the|a) {answer}\b", words(app, "markdown"))
        labelled(app.selectbox, "Explain the digit").set_value("8").run()
        assert re.search(r"\b(the|a) 8\b", words(healthy(app), "markdown"))
    elif name == "change":
        labelled(app.selectbox, "Turn it into").set_value("8").run()
        assert 'alt="read as 8"' in words(healthy(app), "html")
        assert "the model reads a **8**" in words(app, "markdown")
        labelled(app.selectbox, "Turn it into").set_value(str(answer)).run()
        assert "nothing has to change" in words(healthy(app), "markdown")
    else:
        assert f"are labelled {answer}." in words(app, "markdown")


def test_the_layers_of_a_network(ask, readers, engine):
    app = ask(readers["network"], "activations")
    shown = words(app, "html")
    for layer in engine[1].get(readers["network"]).settings.layers:
        assert f"{layer.name}: " in shown


def test_a_change_is_told_under_the_certainty_that_the_reader_asks_for(ask, readers):
    app = ask(readers["network"], "change")
    unsure = "its answer would be: this does not look like a digit"
    labelled(app.slider, "Certainty needed").set_value(0.0).run()
    assert unsure not in words(healthy(app), "caption")
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    assert unsure in words(healthy(app), "caption")


def test_it_follows_the_drawing(ask, readers):
    """The way that was chosen stays, and answers for another image; also after a moment without any."""
    app = ask(readers["linear"], "weights")
    before = words(app, "markdown")
    labelled(app.number_input, "Number of the test image").set_value(12).run()
    assert labelled(healthy(app).segmented_control, "Ask the model by").value == "weights"
    assert words(app, "markdown") != before
    labelled(app.segmented_control, "Read").set_value("my drawing").run()
    assert "Ask the model by" not in [control.label for control in app.segmented_control]
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    assert labelled(healthy(app).segmented_control, "Ask the model by").value == "weights"
    assert labelled(app.expander, "Why this digit?").proto.expanded is True
    assert METHODS["weights"].how in words(app, "caption")


def test_one_digit_of_a_number(visit, readers, engine):
    """Each digit of a number can be asked about."""
    digits, packed = mnist.load("test").images[[1, 3, 1]], io.BytesIO()
    page, _ = scans.row(digits, np.random.default_rng(0))
    Image.fromarray(page).save(packed, "PNG")
    app = visit("Draw", run=readers["forest"])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    app.file_uploader[0].set_value(("number.png", packed.getvalue(), "image/png")).run()
    labelled(app.segmented_control, "Ask the model by").set_value("neighbours").run()
    first = words(healthy(app), "html")
    labelled(app.number_input, "Which of them, from the left").set_value(2).run()
    assert words(healthy(app), "html") != first
    assert "are labelled" in words(app, "markdown")


# -- pictures ------------------------------------------------------------------------------------------------------


def test_maps_stand_in_rows_of_eight_and_units_in_rows_of_32():
    maps = np.arange(10 * 3 * 4, dtype=np.float32).reshape(10, 3, 4)
    found = why.mosaic(maps)
    assert found.shape == (2 * 4 - 1, 8 * 5 - 1)
    np.testing.assert_array_equal(found[4:7, 5:9], maps[9])
    assert np.isnan(found[3]).all()
    assert np.isnan(found[4:7, 10:]).all()
    units = why.mosaic(np.arange(70, dtype=np.float32))
    assert units.shape == (3, 32)
    np.testing.assert_array_equal(units.ravel()[:70], range(70))
    assert np.isnan(units[2, 6:]).all()
    assert why.mosaic(np.ones((1, 5, 6))).shape == (5, 6)
    assert why.mosaic(np.ones(10)).shape == (1, 10)


def test_colours_tell_sides_apart_and_ink_is_seen_through_them():
    values = np.array([[-2.0, 0.0, 2.0]])
    below, nothing, above = heat.coloured(values, 2.0)[0].astype(int)
    assert below[2] > below[0] + 100
    assert above[0] > above[2] + 100
    assert nothing.min() == 247
    inked = heat.coloured(values, 2.0, np.array([[255, 255, 0]], np.uint8))[0].astype(int)
    assert (inked[:2].sum(axis=1) < np.array([below.sum(), nothing.sum()])).all()
    np.testing.assert_array_equal(inked[2], above)
    assert heat.limit(np.zeros((28, 28))) == 1.0
    one = np.zeros((28, 28))
    one[3, 3] = -0.2
    assert heat.limit(one) == 0.2


def test_words_say_where():
    values = np.zeros((28, 28))
    assert why._where(values) == "nothing"
    values[2, 25] = 1
    assert why._where(values) == "most in the upper right"
    values[14, 14] = 5
    assert why._where(values) == "most in the middle"
