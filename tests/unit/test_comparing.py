"""Figures of a comparison, from numbers made by hand."""

import csv
import io

import numpy as np
import pytest

from mnist_core.explore.compare import mark
from mnist_core.explore.seeds import band
from mnist_core.ui import comparing
from mnist_core.ui.take import as_csv, as_html

ROWS = [
    {"epoch": 1, "step": 10, "loss": 2.0, "val_loss": None, "seconds": 0.5},
    {"epoch": 2, "step": 20, "loss": 1.0, "val_loss": 1.5, "seconds": 0.75},
]
EVIL = '<a href="http://evil">x</a>'


@pytest.mark.parametrize(("across", "x"), [("epoch", [1, 2]), ("step", [10, 20]), ("seconds", [0.5, 1.25])])
def test_curves_by_epoch_step_and_seconds(across, x):
    (trace,) = comparing.curves({"a": ROWS}, "loss", across)["data"]
    assert (trace["x"], trace["y"]) == (x, [2.0, 1.0])


def test_rows_without_the_metric_are_left_out():
    assert comparing.curves({"a": ROWS}, "val_loss")["data"][0]["x"] == [2]


def test_twelve_curves_are_told_apart_without_colour():
    traces = comparing.curves({str(i): ROWS for i in range(12)}, "loss")["data"]
    assert len({(trace["line"]["dash"], trace["marker"]["symbol"]) for trace in traces}) == 12


def test_a_band_goes_there_on_top_and_back_below():
    found = {"epoch": [1, 2], "runs": [2, 2], "mean": [2, 3], "low": [1, 2], "high": [3, 4]}
    area, mean = comparing.bands({"a": found}, "loss")["data"]
    assert (area["x"], area["y"]) == ([1, 2, 2, 1], [3, 4, 2, 1])
    assert (mean["x"], mean["y"]) == ([1, 2], [2, 3])
    assert not comparing.broken({"data": [area, mean]})


def test_a_band_breaks_where_a_run_has_ended():
    """The bad one ends first: no line leads up from the mean of both to the good one alone."""
    good, bad = ([{"epoch": e, "val_accuracy": a} for e in range(1, last)] for a, last in ((0.9, 5), (0.5, 3)))
    figure = comparing.bands({"a": band([good, bad], "val_accuracy")}, "val_accuracy")
    area, mean = figure["data"]
    assert (mean["x"], mean["y"]) == ([1, 2, None, 3, 4], [0.7, 0.7, None, 0.9, 0.9])
    assert mean["text"] == ["mean of 2", "mean of 2", None, "one run", "one run"]
    assert (area["x"], area["y"]) == ([1, 2, 2, 1, None, 3, 4, 4, 3], [0.9, 0.9, 0.5, 0.5, None] + 4 * [0.9])
    assert comparing.broken(figure)


def test_marks_stand_with_their_intervals_best_last():
    scores = {"good": mark(np.zeros(100, int), np.zeros(100, int)), "bad": mark(np.zeros(100, int), np.ones(100, int))}
    (trace,) = comparing.marks(scores)["data"]
    assert trace["y"] == ["bad", "good"]
    assert trace["x"] == [0.0, 1.0]
    assert trace["error_x"]["arrayminus"][1] == pytest.approx(1 - scores["good"].interval.low)


def test_a_difference_is_signed_and_centred():
    matrix = np.zeros((10, 10), int)
    matrix[3, 5], matrix[5, 3] = 4, -2
    (heat,) = comparing.difference(matrix)["data"]
    assert heat["text"][3][5] == "+4"
    assert heat["text"][5][3] == "-2"
    assert heat["text"][0][0] == ""
    assert (heat["zmin"], heat["zmax"]) == (-4, 4)


def test_a_name_never_becomes_markup():
    figures = [
        comparing.curves({EVIL: ROWS}, "loss"),
        comparing.bands({EVIL: {"epoch": [1], "runs": [1], "mean": [1], "low": [1], "high": [1]}}, "loss"),
        comparing.marks({EVIL: mark(np.zeros(5, int), np.zeros(5, int))}),
    ]
    for figure in figures:
        assert "<a" not in str(figure)
    assert "</script><b>" not in as_html({"data": [{"x": ["</script><b>"]}], "layout": {}})


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1"])
def test_a_name_is_no_formula_and_numbers_stay(text):
    header, line = csv.reader(io.StringIO(as_csv([{text: text, "loss": -0.5, "shown": "-0.5", "note": "a=b"}])))
    assert header == [f"'{text}", "loss", "shown", "note"]
    assert line == [f"'{text}", "-0.5", "-0.5", "a=b"]


def test_tables_keep_every_column():
    assert as_csv([{"a": 1}, {"b": 'x,"y"'}]).splitlines() == ["a,b", "1,", ',"x,""y"""']
