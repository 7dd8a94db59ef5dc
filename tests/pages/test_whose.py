"""Whose a run is: what others and a teacher find on the Runs page, and a visitor who has it open in two tabs."""

import pytest

from mnist_core.config import RunConfig
from mnist_core.visitors import given_name
from tests.helpers import assert_friendly
from tests.pages.conftest import curves, healthy, labelled, labels_of, words
from tests.pages.test_runs import choose, choose_all, listed
from tests.pages.test_visitors import ANNA, PIN, SECRETS, enter_pin

ASKED = {"Cancel", "Pause", "Resume", "Stop", "Stop and keep the weights"}


@pytest.fixture
def annas(store):
    return store.create(RunConfig(), "by anna", owner=ANNA)


@pytest.fixture
def training(store, annas):
    """The same in the middle of its third epoch."""
    store.mark_running(annas)
    store.record(annas, {"step": 1050, "steps": 2100, "epoch": 2, "train_seconds": 1.5}, [], curves(2))
    return annas


@pytest.fixture
def tab(visit):
    """Opens a page as this visitor's browser does in a new tab."""
    return lambda name, title, **link: visit(title, secret=SECRETS[name], **link)


# -- the Runs page -------------------------------------------------------------------------------------------------


def test_another_sees_a_run_and_may_neither_rename_nor_delete_it(tab, store, annas):
    store.annotate(annas, "a note for all")
    app = choose_all(tab("ben", "Runs"), "by anna")
    assert "by anna" in words(app, "subheader") and "a note for all" in words(app, "markdown")
    assert "Open" in labels_of(app.button)
    assert not {"Save", "Yes, delete it"} & set(labels_of(app.button))
    assert not {"Name", "Note"} & set(labels_of([*app.text_input, *app.text_area]))
    assert f"This belongs to {given_name(ANNA)}. Only they and a teacher" in words(app, "caption")
    assert {"Save", "Yes, delete it"} <= set(labels_of(choose_all(tab("anna", "Runs"), "by anna").button))


@pytest.mark.parametrize("button", ["Save", "Yes, delete it"])
def test_a_runs_page_that_was_open_before_cannot_change_it_either(tab, store, button):
    run_id = store.create(RunConfig(), "a command's")  # which everybody may change
    app = choose(tab("ben", "Runs"), "a command's")
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET owner = '{ANNA}'")
    labelled(app.text_input, "Name").set_value("by ben")
    app = healthy(labelled(app.button, button).click().run())
    assert store.get(run_id).name == "a command's"
    assert_friendly(app.error[0].value, given_name(ANNA))


def test_a_teacher_renames_and_deletes_the_run_of_another(tab, store, monkeypatch, annas):
    monkeypatch.setenv("MNIST_LAB_TEACHER_PIN", PIN)
    app = choose_all(tab("ben", "Runs"), "by anna")
    assert not {"Save", "Yes, delete it"} & set(labels_of(app.button))
    app = choose(enter_pin(app, PIN), "by anna")
    labelled(app.text_input, "Name").set_value("renamed")
    labelled(app.text_area, "Note").set_value("Well done.")
    app = healthy(labelled(app.button, "Save").click().run())
    run = store.get(annas)
    assert (run.name, run.note, run.owner) == ("renamed", "Well done.", ANNA), "it stays hers"
    assert listed(app) == ["renamed"]
    app = choose(tab("ben", "Runs"), "renamed")
    healthy(labelled(app.button, "Yes, delete it").click().run())
    assert store.list() == [] and not listed(tab("anna", "Runs"))


# -- two tabs of one visitor ---------------------------------------------------------------------------------------


def asked(app):
    """The buttons by which something is asked of a run."""
    return ASKED & set(labels_of(app.button))


@pytest.mark.parametrize(("button", "wish"), [("Pause", "pause"), ("Stop", "stop")])
def test_what_is_asked_in_one_tab_is_shown_in_the_other(tab, store, training, button, wish):
    one, other = (tab("anna", "Train", run=training) for _ in range(2))
    healthy(labelled(other.button, button).click().run())
    assert store.get(training).wish == wish
    assert asked(one) == {"Pause", "Stop"}
    assert f"Asked to {wish}" in words(healthy(one.run()), "caption") and asked(one) == set()


@pytest.mark.parametrize(
    ("button", "wish", "left"),
    [("Resume", "", {"Stop"}), ("Stop and keep the weights", "stop", set())],
)
def test_a_paused_run_that_goes_on_or_ends_in_one_tab_does_so_in_the_other(tab, store, training, button, wish, left):
    one, other = (tab("anna", "Train", run=training) for _ in range(2))
    store.record(training, {"status": "paused"})
    assert asked(healthy(one.run())) == asked(healthy(other.run())) == {"Resume", "Stop and keep the weights"}
    healthy(labelled(other.button, button).click().run())
    assert (store.get(training).status, store.get(training).wish) == ("queued", wish)
    assert asked(healthy(one.run())) == left
    assert "place 1 of 1 in the queue" in "".join(bar.proto.text for bar in one.get("progress"))


def test_a_waiting_run_that_is_taken_back_in_one_tab_is_so_in_the_other(tab, store, annas):
    one, other = (tab("anna", "Train", run=annas) for _ in range(2))
    healthy(labelled(other.button, "Cancel").click().run())
    assert store.get(annas).status == "cancelled" and asked(one) == {"Cancel"}
    assert "taken back before it began" in words(healthy(one.run()), "info") and asked(one) == set()


def test_a_tab_that_has_not_seen_it_does_not_undo_what_was_asked_in_the_other(tab, store, training):
    one, other = (tab("anna", "Train", run=training) for _ in range(2))
    healthy(labelled(other.button, "Stop").click().run())
    app = healthy(labelled(one.button, "Pause").click().run())
    assert store.get(training).wish == "stop" and "Asked to stop" in words(app, "caption")
