"""Runs: the table, its filters, and what may be done with one run."""

import json

import pytest

from mnist_core.config import RunConfig
from mnist_core.store.runs import NAME_LENGTH
from mnist_core.ui import run_table
from tests.helpers import assert_friendly
from tests.pages.conftest import healthy, labelled, labels_of, words

SCRIPT = "<script>alert(1)</script> **bold** [a link](javascript:alert(1))"


def listed(app):
    """Names in the table from top to bottom."""
    return list(app.dataframe[0].value["name"]) if app.dataframe else []


def choose_all(app, *names):
    """Clicks the boxes at the left of the rows."""
    rows = [listed(app).index(name) for name in names]
    app.session_state["table"] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    return healthy(app.run())


def lines(app):
    """What the curves of the chosen runs show: x and y by name."""
    found = [json.loads(part.proto.json) for part in app.get("bidi_component") if "-chosen-" in part.proto.id]
    return {line["name"]: (line["x"], line["y"]) for chart in found for line in json.loads(chart["figure"])["data"]}


def table_drawn(monkeypatch):
    """Grows with every table of runs that is drawn from now on."""
    drawn, table = [], run_table.table
    monkeypatch.setattr(run_table, "table", lambda *given: drawn.append(given) or table(*given))
    return drawn


def choose(app, name):
    assert "Save" in labels_of(choose_all(app, name).button)
    return app


def test_all_runs_newest_first(visit, finish, fail, store, read):
    finish("first")
    fail("second")
    store.create(RunConfig(), "third")
    app = visit("Runs")
    assert listed(app) == ["third", "second", "first"]
    row = app.dataframe[0].value.iloc[2]
    assert row["test accuracy"] == read.accuracy
    assert row["parameters"] == 101_770


@pytest.mark.parametrize(
    "text, left",
    [
        ("", ["third", "second", "first"]),
        ("fir", ["first"]),
        ("FIRST", ["first"]),
        ("cnn", ["third"]),
        ("mlp second", ["second"]),
        ("tanh", ["third"]),
        ("plateau", []),
        ("well", ["first"]),
        ("nothing like it", []),
        (".*", []),
    ],
)
def test_filter_by_words(visit, finish, fail, store, text, left):
    store.annotate(finish("first"), "It reads well.")
    fail("second")
    store.create(RunConfig.parse({"architecture": {"name": "cnn", "activation": "tanh"}}), "third")
    app = visit("Runs")
    labelled(app.text_input, "Filter").set_value(text).run()
    assert listed(healthy(app)) == left
    assert bool(left) or "No run matches" in words(app, "info")


def test_filter_by_status(visit, finish, fail):
    finish("first")
    fail("second")
    app = visit("Runs")
    labelled(app.multiselect, "Status").set_value(["failed"]).run()
    assert listed(healthy(app)) == ["second"]
    labelled(app.multiselect, "Status").set_value(["failed", "finished"]).run()
    assert listed(healthy(app)) == ["second", "first"]


def test_every_setting(visit, finish):
    finish()
    app = visit("Runs")
    labelled(app.toggle, "Show every setting").set_value(True).run()
    assert set(RunConfig().flat()) <= set(healthy(app).dataframe[0].value.columns)


def test_the_pace_is_that_of_the_whole_training_in_whole_images(visit, finish, store):
    run = store.get(finish())
    assert run.train_seconds and run.images_trained
    row = visit("Runs").dataframe[0].value.iloc[0]
    assert row["images/s"] == round(run.images_trained / run.train_seconds) != run.images_per_second


def test_rename_and_note(visit, finish, store):
    run_id = finish("old name")
    app = choose(visit("Runs"), "old name")
    labelled(app.text_input, "Name").set_value("new name")
    labelled(app.text_area, "Note").set_value("Line one\nLine two")
    labelled(app.button, "Save").click().run()
    assert (store.get(run_id).name, store.get(run_id).note) == ("new name", "Line one\nLine two")
    assert listed(healthy(app)) == ["new name"]


def test_an_empty_name_is_refused(visit, finish, store):
    run_id = finish("old name")
    app = choose(visit("Runs"), "old name")
    labelled(app.text_input, "Name").set_value("   ")
    labelled(app.button, "Save").click().run()
    assert len(healthy(app).error) == 1
    assert_friendly(app.error[0].value, "name")
    assert store.get(run_id).name == "old name"


def test_text_of_visitors_is_shown_as_text(visit, finish, store):
    run_id = finish("plain")
    app = choose(visit("Runs"), "plain")
    labelled(app.text_input, "Name").set_value(SCRIPT)
    labelled(app.text_area, "Note").set_value(SCRIPT)
    labelled(app.button, "Save").click().run()
    assert (store.get(run_id).name, store.get(run_id).note) == (SCRIPT, SCRIPT)
    choose(app, SCRIPT)
    for element in (*app.markdown, *app.subheader, *app.caption):
        assert not getattr(element.proto, "allow_html", False)
        assert "**bold**" not in element.value and "[a link](" not in element.value, element.value
    assert "<script" not in words(app, "html")


def test_a_very_long_name(visit, finish, store):
    run_id = finish("x" * 5000)
    assert len(store.get(run_id).name) == NAME_LENGTH
    choose(visit("Runs"), "x" * NAME_LENGTH)


def test_delete(visit, finish, store):
    gone, kept = finish("gone"), finish("kept")
    app = choose(visit("Runs"), "gone")
    assert {run.id for run in store.list()} == {gone, kept}
    labelled(app.button, "Yes, delete it").click().run()
    assert [run.id for run in store.list()] == [kept]
    assert listed(healthy(app)) == ["kept"]


def test_delete_the_last_one(visit, finish, store):
    finish("gone")
    app = choose(visit("Runs"), "gone")
    labelled(app.button, "Yes, delete it").click().run()
    assert not store.list()
    assert "Train the quick recipe" in labels_of(healthy(app).button)


def test_deleted_elsewhere_meanwhile(visit, finish, store):
    run_id = finish("gone")
    finish("kept")
    app = choose(visit("Runs"), "gone")
    store.delete(run_id)
    labelled(app.text_input, "Name").set_value("another")
    labelled(app.button, "Save").click().run()
    healthy(app)
    assert [run.name for run in store.list()] == ["kept"]


@pytest.mark.parametrize("button, title", [("Open", "Train"), ("Evaluate", "Evaluate")])
def test_from_a_run_onwards(visit, finish, monkeypatch, button, title):
    run_id = finish("mine")
    app = choose(visit("Runs"), "mine")
    labelled(app.button, button).click()
    # AppTest of Streamlit 1.65, the last for Python 3.10, forgets the chosen row; a browser sends it every time.
    app.session_state["table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    drawn = table_drawn(monkeypatch)
    assert healthy(app.run()).title[0].value == title
    assert run_id in str(app.query_params["run"])
    assert not drawn, "the page that is left was drawn once more, for which the reader waits"


def test_several_runs_are_compared(visit, finish, store, monkeypatch):
    ids = [finish(name) for name in ("first", "second", "third")]
    app = choose_all(visit("Runs"), "first", "third")
    assert "2 runs chosen" in words(app, "subheader")
    assert "**Accuracy on held-out images**" in words(app, "markdown")
    for name, (_, accuracies) in lines(app).items():
        run_id = ids[["first", "second", "third"].index(name)]
        assert accuracies == [row["val_accuracy"] for row in store.epochs(run_id)]
    assert set(lines(app)) == {"first", "third"}
    assert "Save" not in labels_of(app.button)
    labelled(app.button, "Compare these 2").click()
    app.session_state["table"] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
    drawn = table_drawn(monkeypatch)
    assert healthy(app.run()).title[0].value == "Compare"
    assert not drawn
    assert str(app.query_params["runs"]).count(",") == 1
    assert all(run_id in str(app.query_params["runs"]) for run_id in (ids[0], ids[2]))


def test_runs_without_held_out_images_or_any_curve_are_told(visit, finish, store):
    store.create(RunConfig(), "waiting")
    finish("with held-out images")
    bare = finish("without", RunConfig().replace({"data.validation_fraction": 0.0}))
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE epochs SET val_accuracy = NULL WHERE run_id = '{bare}'")
    app = choose_all(visit("Runs"), "waiting", "with held-out images", "without")
    assert "**Accuracy in training**" in words(app, "markdown")
    assert set(lines(app)) == {"with held-out images", "without"}
    assert lines(app)["without"][1] == [row["accuracy"] for row in store.epochs(bare)]
    assert "Without a curve: waiting." in words(app, "caption")
    assert not lines(choose_all(app, "waiting"))


def test_chosen_runs_of_one_name_are_told_apart(visit, store):
    twins = [store.create(RunConfig(), "twin") for _ in range(2)]
    app = visit("Runs")
    app.session_state["table"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    healthy(app.run())
    assert all(f"twin ({run_id})" in words(app, "markdown").replace("\\", "") for run_id in twins)


def test_no_more_runs_are_compared_than_can_be_told_apart(visit, store):
    names = [f"run {number}" for number in range(13)]
    for name in names:
        store.create(RunConfig(), name)
    app = choose_all(visit("Runs"), *names)
    assert_friendly(words(app, "info").strip(), "Up to 12 runs")
    assert not any(label.startswith("Compare") for label in labels_of(app.button))


def test_a_failed_run_offers_no_model(visit, fail):
    fail("mine", "The weights have run away.")
    app = choose(visit("Runs"), "mine")
    assert "The weights have run away" in words(app, "markdown").replace("\\", "")
    assert labels_of(app.download_button) == ["CSV", "JSON"], "those of the table"
    assert "Evaluate" not in labels_of(app.button)
