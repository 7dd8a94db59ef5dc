"""Figures from numbers. Plain Plotly specifications: nothing here draws, so tests and downloads can use them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Row = Mapping[str, Any]

CURVE_NAMES = {"loss": "Loss", "accuracy": "Accuracy"}

BLUES = [[0, "#f7fbff"], [0.25, "#c6dbef"], [0.5, "#6baed6"], [0.75, "#2171b5"], [1, "#08306b"]]
"""ColorBrewer's, from pale to dark; the scale that Plotly's script has by this name begins with the dark."""

HALF_A_LABEL = 20
"""Pixels beyond the end of an axis that ends at 100 %: Plotly leaves out a label that would be cut."""

MOST_POINTS = 600
"""Of a noisy curve as wide as a page: more are not told apart, and cost everybody time at every look."""


def curve(
    epochs: Sequence[Row], metric: str, total: int, unit: str = "epoch", published: Sequence[Row] = ()
) -> dict[str, Any]:
    """Training and validation curve of ``loss`` or ``accuracy`` over ``total`` epochs, drawn as far as they are.

    Args:
        unit: what the rows are: epochs, or the trees or digits of a classical model.
        published: rows that the source of a recipe reported, drawn dashed and hollow; two with the key
            ``test_accuracy`` make a line across.
    """
    percent = metric == "accuracy"
    traces = []
    for key, name, dash in ((metric, "training", "solid"), (f"val_{metric}", "validation", "dot")):
        points = [(row["epoch"], row[key]) for row in epochs if row.get(key) is not None]
        if points or key == metric:
            x, y = zip(*points, strict=True) if points else ((), ())
            # Line styles and markers differ as well as colours, for print and for colour-blind readers.
            marker = {"size": 7, "symbol": "circle" if key == metric else "diamond"}
            traces.append(_scatter(name, x, y, {"dash": dash, "width": 2.5}, marker))
    for key, name, symbol in (
        (metric, "published, training", "circle-open"),
        (f"val_{metric}", "published, validation", "diamond-open"),
        (f"test_{metric}", "published, test", "line-ew-open"),
    ):
        points = [(row["epoch"], row[key]) for row in published if key in row]
        if points:
            x, y = zip(*points, strict=True)
            traces.append(_scatter(name, x, y, {"dash": "dash", "width": 1.5}, {"size": 9, "symbol": symbol}))
    layout = axes(unit, "accuracy" if percent else "loss")
    layout["xaxis"] |= {"range": [0, total * 1.02], "tickformat": ",d", "dtick": max(1, math.ceil(total / 10))}
    if percent:
        layout["yaxis"] |= {"tickformat": ".1%"}
    return {"data": traces, "layout": layout}


def _scatter(name: str, x: Sequence[float], y: Sequence[float], line: dict, marker: dict) -> dict[str, Any]:
    shown = {"type": "scatter", "mode": "lines+markers", "name": name, "x": list(x), "y": list(y)}
    return shown | {"line": line, "marker": marker}


def batch_curve(batches: Sequence[Row], steps: int) -> dict[str, Any]:
    """Loss and accuracy of single batches over steps."""
    shown = thin(batches, MOST_POINTS)
    x = [row["step"] for row in shown]
    traces = [
        {"type": "scatter", "mode": "lines", "name": "loss", "x": x, "y": [row["loss"] for row in shown]},
        {"type": "scatter", "mode": "lines", "name": "accuracy", "x": x, "yaxis": "y2", "line": {"dash": "dot"}}
        | {"y": [row["accuracy"] for row in shown]},
    ]
    layout = axes("step (one batch)", "loss")
    layout["xaxis"] |= {"range": [0, steps]} if steps else {}
    layout["yaxis2"] = {"overlaying": "y", "side": "right", "tickformat": ".0%", "showgrid": False}
    layout["yaxis2"] |= {"title": {"text": "accuracy"}, "automargin": False}
    layout["margin"] |= {"r": 60}
    return {"data": traces, "layout": layout}


def line(x: Sequence[float], y: Sequence[float], x_title: str, y_title: str) -> dict[str, Any]:
    """One plain line, such as the learning rate over steps."""
    trace = {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "name": y_title}
    layout = axes(x_title, y_title) | {"showlegend": False}
    layout["yaxis"] |= {"rangemode": "tozero"}
    return {"data": [trace], "layout": layout}


def bars(counts: Mapping[str, Sequence[float]], x_title: str, y_title: str) -> dict[str, Any]:
    """Grouped bars per digit 0-9, one group per name."""
    traces = [
        {"type": "bar", "name": name, "x": [str(d) for d in range(10)], "y": [float(v) for v in values]}
        for name, values in counts.items()
    ]
    layout = axes(x_title, y_title) | {"barmode": "group", "showlegend": len(traces) > 1}
    layout["xaxis"] |= {"type": "category"}
    return {"data": traces, "layout": layout}


def named_bars(names: Sequence[str], shares: Sequence[float], title: str) -> dict[str, Any]:
    """Bars that lie, one below the other, from 0 to 1; the first is on top."""
    trace = {
        "type": "bar", "orientation": "h", "y": list(names)[::-1], "x": [float(share) for share in shares][::-1],
        "texttemplate": "%{x:.1%}", "hovertemplate": "%{y}: %{x:.2%}<extra></extra>",
    }  # fmt: skip
    layout = axes(title, "", left=None) | {"showlegend": False, "height": 60 + 28 * len(names)}
    layout["xaxis"] |= {"range": [0, 1.0], "tickformat": ".0%"}
    layout["yaxis"] |= {"type": "category"}
    layout["margin"] |= {"r": HALF_A_LABEL}
    return {"data": [trace], "layout": layout}


def confusion(matrix: np.ndarray, percent: bool) -> dict[str, Any]:
    """The confusion matrix as an annotated heat map, true label down and predicted across."""
    rows = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    share = matrix / rows
    digits = [str(d) for d in range(10)]
    text = [[f"{share[t, p]:.1%}" if percent else f"{matrix[t, p]:,}" for p in range(10)] for t in range(10)]
    # The diagonal would drown the mistakes, so colours follow the square root.
    heat = {"type": "heatmap", "z": np.sqrt(share).tolist(), "x": digits, "y": digits, "text": text}
    heat |= {"texttemplate": "%{text}", "colorscale": BLUES, "showscale": False}
    heat |= {"hovertemplate": "true %{y}, read as %{x}<extra>click to see them</extra>"}
    return {"data": [heat], "layout": matrix_axes() | {"dragmode": False}}


def reliability(edges: np.ndarray, confidence: np.ndarray, accuracy: np.ndarray, count: np.ndarray) -> dict[str, Any]:
    """How often the network is right (bars) when it is so sure (across); on the dashed line it is honest."""
    middle = ((edges[:-1] + edges[1:]) / 2).tolist()
    has = count > 0
    bars_ = {
        "type": "bar",
        "name": "right this often",
        "x": middle,
        "y": [float(a) if h else None for a, h in zip(accuracy, has, strict=True)],
        "width": float(edges[1] - edges[0]) * 0.9,
        "customdata": [int(c) for c in count],
        "hovertemplate": "%{y:.1%} right of %{customdata:,} images<extra></extra>",
    }
    line_ = {"type": "scatter", "mode": "lines", "name": "perfectly honest", "x": [0, 1], "y": [0, 1]}
    line_ |= {"line": {"dash": "dash"}, "hoverinfo": "skip"}
    layout = axes("how sure the network is", "how often it is right")
    layout["xaxis"] |= {"tickformat": ".0%", "range": [0, 1]}
    layout["yaxis"] |= {"tickformat": ".0%", "range": [0, 1.02]}
    layout["margin"] |= {"r": HALF_A_LABEL}
    return {"data": [bars_, line_], "layout": layout}


def thin(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """Every so many rows, first and last among them, so that at most about ``most`` are left."""
    if len(rows) <= most:
        return rows
    picks = np.linspace(0, len(rows) - 1, most).astype(int)
    return [rows[i] for i in picks]


def axes(x_title: str, y_title: str, left: int | None = 70) -> dict[str, Any]:
    """The layout that all charts begin with.

    Room for axes is set aside. Where Plotly measures labels to make room ("automargin"), it draws the chart a second
    time whenever the room has changed: twelve curves in 0.2 s where 0.13 would do.

    Args:
        left: pixels for the labels and the title of the y axis; ``None`` for names: Plotly must measure those, and so
            the labels of the x axis, which it turns where names leave them no width.
    """
    measured = left is None
    return {
        "margin": {"l": left or 8, "r": 8, "t": 28, "b": 8 if measured else 50},
        "xaxis": {"title": {"text": x_title}, "automargin": measured},
        "yaxis": {"title": {"text": y_title}, "automargin": measured},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
    }


def matrix_axes() -> dict[str, Any]:
    """The layout of a confusion matrix: true label down and predicted across, with its digits on top."""
    layout = axes("predicted", "true label", left=50)
    layout["margin"] |= {"t": 50, "b": 8}
    layout["xaxis"] |= {"type": "category", "side": "top", "showgrid": False}
    layout["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False}
    return layout
