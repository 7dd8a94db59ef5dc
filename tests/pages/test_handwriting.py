"""Own drawings on the pages Draw and Train: kept below an answer, listed, removed, and trained on."""

import io

import numpy as np
import pytest
from PIL import Image

from mnist_core.data import mnist
from mnist_core.recipes import recipe
from mnist_core.store import drawings
from mnist_core.store.drawings import Drawings, as_digits
from mnist_core.store.fine_tuning import fine_tune, handwriting
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui.answer import NONE
from mnist_core.ui.sources import CANVAS
from mnist_core.visitors import visitor_id
from tests.drawings import line
from tests.helpers import assert_friendly
from tests.pages.conftest import healthy, labelled, labels_of, linked, words

TOLD = "This is right"


SECRET = "5eed" * 8


@pytest.fixture(autouse=True)
def own(store, monkeypatch):
    """The visitor's drawings; none before and after a test."""
    monkeypatch.setattr("mnist_core.ui.visitor.new_secret", lambda: SECRET)
    own = Drawings(store.database, visitor_id("cookie", SECRET))
    yield own
    own.remove([drawing.id for drawing in own.kept()])


def keep(own, labels, first=0):
    """Keeps test images of these digits, as if they had been drawn."""
    test = mnist.load("test")
    for number, digit in enumerate(labels, first):
        own.remember(f"d{number}", test.images[np.flatnonzero(test.labels == digit)[number]], [], str(digit), 0.9)
        own.keep(f"d{number}", digit)


@pytest.fixture
def opened(visit):
    """Draw with the box of one's own handwriting open."""

    def opened(**link):
        app = visit("Draw", run=FLAGSHIP, **link)
        app.session_state["handwriting"] = True
        return healthy(app.run())

    return opened


@pytest.fixture
def photo(visit, seven):
    """Draw with the photo of a test digit."""

    def photo(index):
        app = visit("Draw", run=FLAGSHIP)
        labelled(app.segmented_control, "Read").set_value("a photo").run()
        packed = io.BytesIO()
        Image.fromarray(255 - mnist.load("test").images[index]).resize((280, 280)).save(packed, "PNG")
        app.file_uploader[0].set_value(("digit.png", packed.getvalue(), "image/png")).run()
        return healthy(app)

    return photo


def test_right_and_wrong_answers_are_kept_and_taken_back(photo, own):
    app = photo(0)
    assert own.kept() == []
    healthy(labelled(app.button, TOLD).click().run())
    (kept,) = own.kept()
    assert (kept.label, kept.answer) == (7, "7") and "Kept as a 7" in words(app, "caption")
    assert TOLD not in labels_of(app.button)
    healthy(labelled(app.button, "Take it back").click().run())
    assert own.kept() == []
    healthy(labelled(app.pills, "It is a").set_value(2).run())
    (kept,) = own.kept()
    assert (kept.label, kept.answer) == (2, "7") and "Kept as a 2" in words(app, "caption")
    assert kept.image.shape == (28, 28) and kept.image.max() > 200


def test_what_does_not_look_like_a_digit_is_remembered_as_none(visit, seven, own):
    app = visit("Draw", run=FLAGSHIP)
    sheet = app.session_state[f"{CANVAS}-sheet"]
    sheet["heard"] = sheet["strokes"] = [line((160, 50), (160, 270))]
    labelled(app.run().slider, "Certainty needed").set_value(1.0).run()
    assert NONE in words(healthy(app), "markdown") and own.last()[0].answer == "?"
    healthy(labelled(app.pills, "It is a").set_value(1).run())
    assert [(kept.label, kept.answer) for kept in own.kept()] == [(1, "?")]


def test_when_there_is_no_room_it_is_said(photo, own, monkeypatch):
    monkeypatch.setattr(drawings, "MOST_KEPT", 0)
    app = photo(1)
    healthy(labelled(app.button, TOLD).click().run())
    assert_friendly(app.error[0].value, "My handwriting")
    assert own.kept() == []


def test_anothers_drawings_are_not_seen(opened, store):
    other = Drawings(store.database, "another")
    keep(other, [1, 2])
    assert "Nothing is kept yet" in words(opened(), "info")
    other.remove([drawing.id for drawing in other.kept()])


def test_a_test_image_is_not_kept(visit, seven):
    app = visit("Draw", run=FLAGSHIP)
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    assert TOLD not in labels_of(healthy(app).button)


def test_nothing_kept_yet(opened):
    app = opened()
    assert "Nothing is kept yet" in words(app, "info")
    assert not app.dataframe


def test_what_is_kept_is_listed_counted_and_removed(opened, own):
    keep(own, [3, 3, 1])
    app = opened()
    assert "3 of 500 drawings are kept." in words(app, "markdown") and "1: 1 · 3: 2" in words(app, "markdown")
    assert list(app.dataframe[0].value["it is a"]) == [1, 3, 3]
    assert labels_of(app.get("download_button")) == ["As .npz", "As CSV"]
    assert labelled(app.button, "Remove the chosen ones").disabled
    app.session_state["handwriting-table-0"] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
    healthy(labelled(healthy(app.run()).button, "Remove 2 of them").click().run())
    assert [drawing.id for drawing in own.kept()] == ["d1"]
    assert "1 of 500" in words(app, "markdown")


def test_a_fine_tuning_needs_some_drawings(opened, own):
    keep(own, [1] * 12)
    app = opened()
    assert_friendly(app.info[-1].value, "12 drawings of 1 digit")
    assert "Fine-tune on my handwriting" not in labels_of(app.button)


def test_one_click_fine_tunes_the_flagship(opened, own, store):
    keep(own, [1, 2, 3] * 4)
    app = opened()
    assert labelled(app.selectbox, "Network to begin from").value == FLAGSHIP
    assert "9 of your drawings" in words(app, "caption") and "other 3 are held back" in words(app, "caption")
    labelled(app.button, "Fine-tune on my handwriting").click().run()
    (run,) = store.list()
    assert healthy(app).title[0].value == "Train" and linked(app) == run.id
    assert (run.status, run.name, run.settings.fine_tuning.run) == ("queued", "Flagship, my handwriting", FLAGSHIP)
    assert run.owner == visitor_id("cookie", SECRET)
    assert len(handwriting(store, run.id).held_back) == 3


@pytest.fixture
def tuned(store, own, read):
    """A fine-tuning as a worker leaves it."""
    keep(own, [1, 2, 3] * 4)
    run_id = fine_tune(store, FLAGSHIP, as_digits(own.kept()))
    labels = handwriting(store, run_id).held_back.labels.tolist()
    packed = io.BytesIO()
    np.save(packed, read.probabilities)
    files = {"test_probabilities": packed.getvalue()}
    for when, share, answers in (("before", 0.9956, [0, *labels[1:]]), ("after", 0.9951, labels)):
        files[f"handwriting-{when}"] = f'{{"mnist": {share}, "held_back": {answers}}}'.encode()
    store.mark_running(run_id)
    store.record(run_id, {"status": "finished", "ended": 1.0, "test_accuracy": 0.9951, "test_loss": 0.02}, files=files)
    return store.get(run_id)


def test_before_and_after_stand_beside_each_other(visit, tuned):
    app = visit("Train", run=tuned.id)
    mine, theirs = (labelled(app.metric, name) for name in ("My held-back drawings", "MNIST's test set"))
    assert (mine.value, mine.delta) == ("3 of 3", "+1, before: 2 of 3")
    assert (theirs.value, theirs.delta) == ("99.51%", "-0.05 points, before: 99.56%")
    assert "began from *Flagship* and learned from 9 drawings" in words(app, "caption")


def test_a_fine_tuning_is_repeated_from_its_own_drawings(visit, tuned, own, store):
    own.remove([drawing.id for drawing in own.kept()])
    app = visit("Train", run=tuned.id)
    labelled(app.button, "Repeat it with the same drawings").click().run()
    (again,) = (run for run in store.list() if run.id != tuned.id)
    assert linked(healthy(app)) == again.id and again.config == tuned.config
    assert store.load_blob(again.id, "handwriting") == store.load_blob(tuned.id, "handwriting")


def test_settings_of_a_fine_tuning_train_a_network_from_its_seed(visit, tuned, store):
    app = visit("Train", run=tuned.id)
    labelled(app.button, "Change and train again").click().run()
    labelled(healthy(app).button, "Train").click().run()
    (fresh,) = (run for run in store.list() if run.id != tuned.id)
    assert fresh.settings.fine_tuning is None
    assert fresh.settings.architecture == recipe("flagship").config.architecture == tuned.settings.architecture
