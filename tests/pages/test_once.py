"""What has not changed is not computed again when anything else on a page is touched."""

import io

import numpy as np
import pytest

from mnist_core import evaluation, ink
from mnist_core.store import RunStore
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui import robustness
from tests.pages.conftest import healthy, labelled, words

COMPUTED = ("predictions", "confusion_matrix", "classification_report", "mistakes", "reliability")


@pytest.fixture
def counted(monkeypatch):
    """Calls of the functions of that name in a module or class, by name, in the order in which they come."""
    calls = []

    def counted(where, *names):
        for name in names:
            real = getattr(where, name)
            monkeypatch.setattr(where, name, lambda *a, name=name, real=real, **k: calls.append(name) or real(*a, **k))
        return calls

    return counted


@pytest.fixture
def read_blobs(monkeypatch):
    """The names of files that are read from the store."""
    names, real = [], RunStore.load_blob
    monkeypatch.setattr(RunStore, "load_blob", lambda self, run, name: names.append(name) or real(self, run, name))
    return names


def test_evaluate_computes_what_a_run_made_of_the_test_set_once(visit, finish, counted):
    calls = counted(evaluation, *COMPUTED)
    app = visit("Evaluate", run=finish())
    assert set(calls) == set(COMPUTED)
    calls.clear()
    healthy(labelled(app.number_input, "Number of the image").set_value(5).run())
    healthy(labelled(app.segmented_control, "Show").set_value("percent of row").run())
    assert calls == []


def test_evaluate_reads_no_weights_that_are_not_shown(visit, finish, read_blobs, store):
    app = visit("Evaluate", run=finish())
    read_blobs.clear()
    healthy(labelled(app.number_input, "Number of the image").set_value(5).run())
    assert "first_layer" not in read_blobs


def test_evaluate_reads_weights_that_are_shown_once(visit, finish, read_blobs, store):
    packed, run_id = io.BytesIO(), finish()
    np.save(packed, np.linspace(-1, 1, 2 * 3 * 28 * 28, dtype=np.float32).reshape(2, 3, 28, 28))
    store.keep(run_id, "first_layer", packed.getvalue())
    app = visit("Evaluate", run=run_id)
    read_blobs.clear()
    healthy(labelled(app.number_input, "Number of the image").set_value(5).run())
    assert "no. 2, after training" in words(app, "html") and "first_layer" not in read_blobs


def test_an_answer_reads_its_calibration_with_the_run(visit, seven, read_blobs):
    app = visit("Robustness", run=FLAGSHIP)
    read_blobs.clear()
    healthy(labelled(app.slider, "How much").set_value(0.9).run())
    assert "calibration" not in read_blobs


def test_a_drawing_is_traced_once_however_much_it_is_spoiled(visit, seven, counted, monkeypatch):
    canvas = np.zeros((320, 320, 4), np.uint8)
    canvas[..., 3] = 255
    monkeypatch.setattr(robustness, "drawing_canvas", lambda key: canvas)
    canvas[60:260, 140:180, :3] = 255
    calls = counted(ink, "trace")
    app = visit("Robustness", run=FLAGSHIP)
    healthy(labelled(app.segmented_control, "Digit").set_value("my drawing").run())
    assert calls == ["trace"]
    spoiled = [html.proto.body for html in app.get("html") if "28 by 28" in html.proto.body]
    healthy(labelled(app.slider, "How much").set_value(0.9).run())
    assert calls == ["trace"]
    assert [html.proto.body for html in app.get("html") if "28 by 28" in html.proto.body][1] != spoiled[1]
    canvas[60:100, 140:240, :3] = 255
    healthy(app.run())
    assert calls == ["trace", "trace"]
