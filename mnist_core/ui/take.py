"""Taking results along: tables as CSV and JSON, figures as web pages, runs as TensorBoard files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_core.explore.events import tensorboard
from mnist_core.store import RunStore
from mnist_core.store.run import Run


def take_along(name: str, rows: Sequence[Mapping[str, Any]], figure: Mapping[str, Any] | None = None):
    """A line of buttons under a table, its figure, or both; gives the line, for more of them.

    Args:
        name: of the files, without their endings; once a page.
    """
    line = st.container(horizontal=True)
    with line:
        _table_buttons(rows, name)
        if figure:
            figure_button(figure, name)
    return line


def tensorboard_button(store: RunStore, runs: Sequence[Run]) -> None:
    """Downloads what TensorBoard reads of these runs, packed when it is asked for."""
    st.download_button(
        "TensorBoard files", lambda: tensorboard(store, runs), "tensorboard.zip", "application/zip",
        icon=":material/download:", key="tensorboard", on_click="ignore",
        help="Unpack it, then: tensorboard --logdir FOLDER",
    )  # fmt: skip


def _table_buttons(rows: Sequence[Mapping[str, Any]], name: str) -> None:
    st.download_button(
        "CSV", lambda: as_csv(rows), f"{name}.csv", "text/csv",
        icon=":material/download:", key=f"csv-{name}", on_click="ignore",
    )  # fmt: skip
    st.download_button(
        "JSON", lambda: as_json(rows), f"{name}.json", "application/json",
        icon=":material/download:", key=f"json-{name}", on_click="ignore",
    )  # fmt: skip


def figure_button(figure: Mapping[str, Any], name: str) -> None:
    """Downloads a chart as a web page that works offline; the camera above a chart saves it as PNG.

    Args:
        name: of the file, without its ending; once a page.
    """
    st.download_button(
        "Chart as web page", lambda: as_html(figure), f"{name}.html", "text/html", icon=":material/download:",
        key=f"html-{name}", on_click="ignore",
        help="Opens in any browser, offline too. The camera above the chart saves it as PNG.",
    )  # fmt: skip


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """A list of objects; what JSON has no kind for, as text."""
    return json.dumps(list(rows), indent=1, default=str)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """All columns of any row, in the order of their first appearance; texts never as formulas of a spreadsheet."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(_no_formula, columns))
    writer.writerows([_no_formula(row.get(column, "")) for column in columns] for row in rows)
    return text.getvalue()


def _no_formula(cell: Any) -> Any:
    """Texts that a spreadsheet would compute, such as a run's name ``=1+1``, after an apostrophe (OWASP)."""
    if not isinstance(cell, str) or not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def as_html(figure: Mapping[str, Any]) -> str:
    """With Plotly's script inside."""
    import plotly.io

    config = {"modeBarButtonsToRemove": ["sendChartToCloud"], "displaylogo": False}  # it stays with its reader
    return plotly.io.to_html(dict(figure), config, include_plotlyjs=True, full_html=True, validate=False)
