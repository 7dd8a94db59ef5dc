"""What pages give to take along: tables as CSV and JSON, charts as web pages."""

import csv
import io
import json
import re

import pytest
import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.robustness import FIGURES
from mnist_core.store.shipped import FLAGSHIP
from tests.pages.conftest import curves, healthy


@pytest.fixture
def files(monkeypatch):
    """What the download buttons would save, by the file's name."""
    found, button = {}, st.download_button

    def listen(label, data, file_name, *more, **options):
        found[file_name] = data
        return button(label, data, file_name, *more, **options)

    monkeypatch.setattr(st, "download_button", listen)
    return found


def drawn(page):
    """The x and y of each line of a chart that was saved as a web page."""
    (text,) = re.findall(r"Plotly\.newPlot\(\s*\S+\s*(\[.*?\]),\s*\{", page, re.DOTALL)
    return [(line.get("x"), line.get("y")) for line in json.loads(text)]


def test_the_table_of_runs(visit, finish, fail, files, read):
    finish("=1+1")
    fail("second")
    visit("Runs")
    rows = json.loads(files["runs.json"]())
    assert [row["name"] for row in rows] == ["second", "=1+1"]
    assert [row["test accuracy"] for row in rows] == [None, read.accuracy]
    read_back = list(csv.DictReader(io.StringIO(files["runs.csv"]())))
    assert [row["name"] for row in read_back] == ["second", "'=1+1"]
    assert [row["id"] for row in read_back] == [row["id"] for row in rows]


def test_the_curves_of_chosen_runs(visit, finish, files):
    config = RunConfig.parse({"training": {"epochs": 2}})
    finish("one", config), finish("two", config)
    app = visit("Runs")
    assert "curves.html" not in files
    app.session_state["table"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    healthy(app.run())
    assert drawn(files["curves.html"]()) == [([1, 2], [row["val_accuracy"] for row in curves(2)])] * 2


def test_the_report_of_a_run(visit, finish, files):
    run_id = finish()
    table = visit("Evaluate", run=run_id).dataframe[0].value
    rows = json.loads(files[f"report-{run_id}.json"]())
    assert rows == table.to_dict("records") and len(rows) == 12
    read_back = list(csv.DictReader(io.StringIO(files[f"report-{run_id}.csv"]())))
    assert [float(row["f1"]) for row in read_back] == [row["f1"] for row in rows]


def test_the_charts_of_a_report(visit, finish, files):
    run_id = finish()
    visit("Evaluate", run=run_id)
    assert "read as %{x}" in files[f"confusion-{run_id}.html"]()
    bars, honest = drawn(files["reliability.html"]())
    assert honest == ([0, 1], [0, 1]) and len(bars[0]) == len(bars[1]) > 5


def test_the_curves_of_a_run_once_it_has_ended(visit, store, finish, files):
    run_id = store.create(RunConfig(), "in training")
    store.mark_running(run_id)
    store.record(run_id, {"epoch": 2, "step": 840, "steps": 2100}, epoch_rows=curves(2))
    visit("Train", run=run_id)
    assert not files
    run_id, points = finish(), [{"step": step, "loss": 1 / step, "accuracy": 0.5} for step in (10, 20)]
    store.record(run_id, {}, points)
    visit("Train", run=run_id)
    rows = store.epochs(run_id)
    for metric in ("loss", "accuracy"):
        trained, held_out = drawn(files[f"{metric}-{run_id}.html"]())[:2]
        assert trained == ([row["epoch"] for row in rows], [row[metric] for row in rows])
        assert held_out[1] == [row[f"val_{metric}"] for row in rows]
    assert drawn(files[f"batches-{run_id}.html"]())[0][0] == [10, 20]


def test_of_a_run_that_was_stopped_in_its_first_epoch_there_is_the_batch_curve(visit, store, files):
    run_id = store.create(RunConfig(), "stopped soon")
    store.mark_running(run_id)
    store.record(run_id, {"status": "stopped", "step": 10, "steps": 2100}, [{"step": 10, "loss": 2.0, "accuracy": 0.1}])
    visit("Train", run=run_id)
    assert list(files) == [f"batches-{run_id}.html"]


def test_how_many_images_there_are_of_each_digit(visit, files):
    visit("Data")
    rows = json.loads(files["counts.json"]())
    assert [row["digit"] for row in rows] == list(range(10))
    assert sum(row["training"] + row["validation"] for row in rows) == 60_000
    assert [y for _, y in drawn(files["counts.html"]())] == [[row[name] for row in rows] for name in list(rows[0])[1:]]


def test_the_schedule_of_a_run_to_be(visit, files):
    visit("Train")
    ((epochs, rates),) = drawn(files["schedule.html"]())
    assert len(epochs) == len(rates) > 100 and set(rates) == {RunConfig().optimizer.learning_rate}


def test_the_accuracy_under_each_corruption(visit, files, store):
    visit("Robustness", run=FLAGSHIP)
    known = json.loads(store.load_blob(FLAGSHIP, FIGURES))
    rows = json.loads(files[f"robustness-{FLAGSHIP}.json"]())
    assert [row["accuracy"] for row in rows] == sorted(known.values())
    assert drawn(files[f"robustness-{FLAGSHIP}.html"]())
