"""Robustness: one digit spoiled by a slider, and a bar for each corruption; with the real engine."""

import json

import numpy as np
import pytest

from mnist_core.engine.client import EngineClient
from mnist_core.engine.tasks import SPOILED
from mnist_core.errors import EngineError
from mnist_core.robustness import FIGURES
from mnist_core.robustness.corruptions import CORRUPTIONS
from mnist_core.store.shipped import FLAGSHIP
from tests.helpers import assert_friendly
from tests.pages.conftest import healthy, labelled, labels_of, words


def test_a_digit_is_spoiled_as_much_as_asked(visit, engine):
    app = visit("Robustness", run=FLAGSHIP)
    labelled(app.selectbox, "How").set_value("rotate").run()
    before = [html.proto.body for html in app.get("html") if "28 by 28" in html.proto.body]
    labelled(app.slider, "How much").set_value(1.0).run()
    after = [html.proto.body for html in healthy(app).get("html") if "28 by 28" in html.proto.body]
    assert before[0] == after[0] and before[1] != after[1]
    assert CORRUPTIONS["rotate"].sentence in words(app, "caption")


def test_without_a_drawing_it_says_what_to_do(visit, engine):
    app = visit("Robustness", run=FLAGSHIP)
    labelled(app.segmented_control, "Digit").set_value("my drawing").run()
    assert "Draw a digit" in words(healthy(app), "info")


def test_the_flagships_figures_are_there_at_once(visit, store):
    app = visit("Robustness", run=FLAGSHIP)
    known = json.loads(store.load_blob(FLAGSHIP, FIGURES))
    assert set(known) == set(CORRUPTIONS)
    assert "Measure" not in labels_of(app.button)
    assert f"{sum(known.values()) / 15:.2%}" in words(app, "metric")
    assert f"{store.get(FLAGSHIP).test_accuracy:.2%}" in words(app, "metric")
    assert "of the same test images: all 10,000." in words(app, "caption")


def test_the_clean_figure_is_of_the_images_that_were_spoiled(visit, store, finish, read):
    run_id = finish()
    store.keep(run_id, FIGURES, json.dumps(dict.fromkeys(CORRUPTIONS, 0.5)).encode())
    app = visit("Robustness", run=run_id)
    clean = np.mean(read.predicted[:SPOILED] == read.labels[:SPOILED])
    assert labelled(app.metric, "On clean test images").value == f"{clean:.2%}" != f"{read.accuracy:.2%}"
    assert "of the same test images: the first 2,000." in words(app, "caption")


def test_figures_of_corruptions_as_they_were_at_first_are_not_told(visit, store, finish):
    run_id = finish()
    store.keep(run_id, "robustness", json.dumps(dict.fromkeys(CORRUPTIONS, 0.5)).encode())
    app = visit("Robustness", run=run_id)
    assert "Measure" in labels_of(app.button) and "Mean under corruption" not in words(app, "metric")


def test_of_some_corruptions_no_mean_is_told(visit, finish, monkeypatch):
    """The engine went away after seven of fifteen."""
    answers = iter([0.5] * 7)

    def accuracy_under(self, run_id, name):
        if (accuracy := next(answers, None)) is None:
            raise EngineError("The engine did not answer. Try again in a moment.")
        return accuracy

    monkeypatch.setattr(EngineClient, "accuracy_under", accuracy_under)
    app = visit("Robustness", run=finish())
    labelled(app.button, "Measure").click().run()
    assert_friendly(healthy(app).error[0].value, "did not answer")
    assert "Mean under corruption" not in labels_of(app.metric) and not app.get("progress")


@pytest.mark.timeout(300)
def test_a_run_is_measured_by_a_click_and_keeps_its_figures(visit, engine):
    _, store, client = engine
    from tests.pages.draw import SMALL, train

    run_id = train(engine, SMALL.replace({"seed": 5}), "to be spoiled")
    store.keep(run_id, "robustness", b'{"fog": 2.0}')  # as it was defined at first
    app = visit("Robustness", run=run_id)
    labelled(app.button, "Measure").click().run(timeout=200)
    known = json.loads(store.load_blob(run_id, FIGURES))
    assert set(known) == set(CORRUPTIONS) and all(0 < accuracy < 1 for accuracy in known.values())
    assert known["brightness"] < store.get(run_id).test_accuracy
    again = visit("Robustness", run=run_id)
    assert "Measure" not in labels_of(again.button)
    assert client.accuracy_under(run_id, "fog") == known["fog"]


def test_an_unknown_run_is_told(visit):
    app = visit("Robustness", run="nobody")
    assert_friendly(app.error[0].value, "nobody")
