"""Figures and tables of a comparison, from numbers: overlaid curves, marks with intervals, differences."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from mnist_core.explore.compare import Mark
from mnist_core.explore.seeds import pieces
from mnist_core.ui.charts import Row, axes, matrix_axes

METRICS = {
    "val_accuracy": "accuracy on held-out images",
    "accuracy": "accuracy in training",
    "val_loss": "loss on held-out images",
    "loss": "loss in training",
}
ACROSS = {"epoch": "epoch", "step": "step (one batch)", "seconds": "seconds of training"}

DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "x")
MOST_MARKERS = 12
"""Of one curve: they tell curves apart, and each costs the browser time. A point without one tells its numbers too."""


def first_metric(histories: Iterable[Sequence[Row]]) -> str:
    """What curves show at first: what is read of held-out images, if all runs that have begun hold some out."""
    held_out = all(rows[-1]["val_accuracy"] is not None for rows in histories if rows)
    return "val_accuracy" if held_out else "accuracy"


def known(histories: Iterable[Sequence[Row]]) -> list[str]:
    """The metrics of which some run has a curve, in their order; all of them before any has begun."""
    rows = [row for rows in histories for row in rows]
    return [metric for metric in METRICS if not rows or any(row.get(metric) is not None for row in rows)]


def curves(histories: Mapping[str, Sequence[Row]], metric: str, across: str = "epoch") -> dict[str, Any]:
    """One line a run, by its rows of epochs; told apart by dash and marker as well as by colour."""
    traces = []
    for i, (name, rows) in enumerate(histories.items()):
        spent = list(accumulate(row["seconds"] or 0.0 for row in rows))
        x = spent if across == "seconds" else [row[across] for row in rows]
        points = [(a, row[metric]) for a, row in zip(x, rows, strict=True) if row.get(metric) is not None]
        line = {"dash": DASHES[i % len(DASHES)], "width": 2}
        marker = {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6, "maxdisplayed": MOST_MARKERS}
        traces.append(
            {"type": "scatter", "mode": "lines+markers", "name": _plain(name), "line": line, "marker": marker}
            | {"x": [a for a, _ in points], "y": [b for _, b in points]}
        )
    figure = {"data": traces, "layout": _metric_layout(metric, ACROSS[across])}
    if across != "seconds":
        figure["layout"]["xaxis"] |= {"tickformat": ",d", "rangemode": "tozero"}
    return figure


FEWER = (
    "Where a line breaks, a run has ended or is not as far as the others: from there on it is the mean of those that "
    "go on, which may be better or worse than all of them are. Point at it to see of how many."
)


def bands(groups: Mapping[str, Mapping[str, Sequence[float]]], metric: str) -> dict[str, Any]:
    """Mean and band (lowest to highest seed) of each group, as ``explore.seeds.band`` gives them.

    They break where a mean is of fewer runs than the one before; ``broken`` says whether any does.
    """
    traces = []
    for i, (label, band) in enumerate(groups.items()):
        name = _plain(label)
        colour = COLOURS[i % len(COLOURS)]
        parts = pieces(band)
        outlines = [(p["epoch"] + p["epoch"][::-1], p["high"] + p["low"][::-1]) for p in parts]
        area = {"x": _broken([x for x, _ in outlines]), "y": _broken([y for _, y in outlines])}
        traces.append(
            {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
            | {"legendgroup": name, "fill": "toself", "fillcolor": colour + "33"}
            | area
        )
        line = {"color": colour, "dash": DASHES[i % len(DASHES)], "width": 2.5}
        alone = any(len(part["epoch"]) == 1 for part in parts)  # has no line: its marker is all that one sees of it
        marker = {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6, "maxdisplayed": 0 if alone else MOST_MARKERS}
        told = [[f"mean of {count}" if count > 1 else "one run" for count in part["runs"]] for part in parts]
        mean = {"x": _broken([p["epoch"] for p in parts]), "y": _broken([p["mean"] for p in parts])}
        traces.append(
            {"type": "scatter", "mode": "lines+markers", "name": name, "legendgroup": name, "line": line}
            | {"marker": marker, "text": _broken(told)}
            | mean
        )
    return {"data": traces, "layout": _metric_layout(metric, "epoch")}


def broken(figure: Mapping[str, Any]) -> bool:
    """Whether any line of it breaks."""
    return any(None in trace["x"] for trace in figure["data"])


def _broken(parts: Sequence[list]) -> list:
    """Lists in one, with nothing between them, where a line breaks."""
    return [value for i, part in enumerate(parts) for value in ([None] * (i > 0) + part)]


COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#7b5ea7", "#8c6d31", "#637939", "#ad494a", "#3182bd", "#756bb1",
)  # fmt: skip
"""Okabe and Ito's colours, which colour-blind readers tell apart, and some more for the last of twelve."""


def marks(scores: Mapping[str, Mark]) -> dict[str, Any]:
    """Test accuracy of each run with its interval, best on top."""
    order = sorted(scores, key=lambda name: scores[name].accuracy)
    found = [scores[name] for name in order]
    errors = {"type": "data", "symmetric": False, "array": [m.interval.high - m.accuracy for m in found]}
    errors |= {"arrayminus": [m.accuracy - m.interval.low for m in found]}
    trace = {"type": "scatter", "mode": "markers", "x": [m.accuracy for m in found], "y": list(map(_plain, order))}
    trace["error_x"] = errors
    trace |= {"marker": {"size": 9}, "hovertemplate": "%{y}: %{x:.2%}<extra></extra>"}
    layout = axes("test accuracy with its 95 % interval", "", left=None) | {"showlegend": False}
    layout["xaxis"] |= {"tickformat": ".2%"}
    return {"data": [trace], "layout": layout}


def difference(matrix: np.ndarray) -> dict[str, Any]:
    """Of two confusion matrices, second less first: orange where the second has more, blue where it has fewer."""
    digits = [str(digit) for digit in range(10)]
    text = [[f"{value:+d}" if value else "" for value in row] for row in matrix.tolist()]
    most = max(1, int(np.abs(matrix).max()))
    scale = [[0, "#0072b2"], [0.5, "#f7f7f7"], [1, "#d55e00"]]
    heat = {"type": "heatmap", "z": matrix.tolist(), "x": digits, "y": digits, "zmin": -most, "zmax": most}
    heat |= {"text": text, "texttemplate": "%{text}", "textfont": {"color": "#1b2430"}}
    heat |= {"colorscale": scale, "showscale": False}
    heat |= {"hovertemplate": "true %{y}, read as %{x}: %{z:+d}<extra></extra>"}
    return {"data": [heat], "layout": matrix_axes() | {"height": 420}}


def _plain(name: str) -> str:
    """A name that anybody may have given, so that Plotly makes no link or markup of it."""
    return html.escape(name, quote=False)


def _metric_layout(metric: str, across: str) -> dict[str, Any]:
    shape = axes(across, METRICS[metric])
    if metric.endswith("accuracy"):
        shape["yaxis"] |= {"tickformat": ".1%"}
    return shape
