"""Charts: room for their axes, and no more markers than tell the curves of a comparison apart."""

import numpy as np
import pytest
import sklearn.metrics

from mnist_core.evaluation import confusion_matrix
from mnist_core.explore.compare import mark
from mnist_core.explore.seeds import band
from mnist_core.ui import charts, comparing

ROWS = [{"epoch": epoch, "step": 10 * epoch, "loss": 1.0, "val_loss": 1.0, "seconds": 0.5} for epoch in range(1, 51)]
NAMED = ("marks", "named_bars")
"""Charts whose y axis has names of any length, for which only Plotly can make room."""

BAND = {"epoch": [1, 2], "runs": [2, 2], "mean": [2, 3], "low": [1, 2], "high": [3, 4]}
TEN = np.linspace(0.05, 0.95, 10)

FIGURES = {
    "curve": charts.curve(ROWS, "loss", 50),
    "batch_curve": charts.batch_curve([{"step": 1, "loss": 1.0, "accuracy": 0.5}], 10),
    "line": charts.line([1, 2], [0.1, 0.2], "step", "learning rate"),
    "bars": charts.bars({"train": range(10)}, "digit", "images"),
    "named_bars": charts.named_bars(["a long name"], [0.5], "accuracy"),
    "confusion": charts.confusion(np.eye(10, dtype=int), percent=False),
    "reliability": charts.reliability(np.linspace(0, 1, 11), TEN, TEN, np.ones(10)),
    "curves": comparing.curves({"a": ROWS}, "loss"),
    "bands": comparing.bands({"a": BAND}, "loss"),
    "marks": comparing.marks({"a": mark(np.zeros(100, int), np.zeros(100, int))}),
    "difference": comparing.difference(np.eye(10, dtype=int)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_room_is_set_aside_and_not_measured(name):
    """Plotly draws a chart again once it has measured labels that need other room."""
    layout = FIGURES[name]["layout"]
    axes = {key: axis for key, axis in layout.items() if key[1:].startswith("axis")}
    assert {axis["automargin"] for axis in axes.values()} == {name in NAMED}
    for key, axis in axes.items():
        side = axis.get("side", "bottom" if key.startswith("x") else "left")
        assert name in NAMED or layout["margin"][side[0]] >= 40


@pytest.mark.parametrize("name", ["named_bars", "reliability"])
def test_an_axis_that_ends_at_100_percent_has_room_for_its_last_label(name):
    layout = FIGURES[name]["layout"]
    assert layout["xaxis"]["range"][1] == 1 and layout["margin"]["r"] >= 16


@pytest.mark.parametrize("percent, normalize, shown", [(False, None, "{:,}"), (True, "true", "{:.1%}")])
def test_a_confusion_matrix_tells_counts_or_shares_of_each_row(percent, normalize, shown):
    random = np.random.default_rng(0)
    true, read = random.integers(0, 10, (2, 20_000))
    (heat,) = charts.confusion(confusion_matrix(true, read), percent)["data"]
    expected = sklearn.metrics.confusion_matrix(true, read, normalize=normalize)
    assert heat["text"] == [[shown.format(value) for value in row] for row in expected]


@pytest.mark.parametrize("name", ["curves", "bands"])
def test_a_long_curve_has_few_markers(name):
    """They tell curves apart; one for each of 500 epochs of twelve runs would be ropes."""
    marked = [trace["marker"] for trace in FIGURES[name]["data"] if "marker" in trace]
    assert marked and all(marker["maxdisplayed"] == comparing.MOST_MARKERS for marker in marked)


def test_a_mean_of_one_epoch_keeps_its_marker():
    """Its line has no length and its band no width, so that it would not be seen at all."""
    runs = [[{"epoch": e, "loss": 1.0} for e in range(1, last + 1)] for last in (30, 31, 40)]
    _, mean = comparing.bands({"a": band(runs, "loss")}, "loss")["data"]
    assert mean["x"][30:33] == [None, 31, None] and mean["marker"]["maxdisplayed"] == 0
