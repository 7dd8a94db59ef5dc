"""A Plotly chart that is updated in place: the reader's zoom and hidden traces stay while points come in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from mnist_core.ui.components import component

PARTS = Path(st.__file__).with_name("static") / "static" / "js"
SCRIPTS = [
    *(f"../../../static/js/{part.name}" for part in PARTS.glob("PlotlyChart.*.js")),
    "../mnist_lab.plotly/plotly.min.js",
]
"""Where Plotly comes from, as seen by the chart's script.

First the part of Streamlit's pages that has it inside: its name changes with its content, so that a browser keeps it
and what it has compiled of it. Should another Streamlit have none, the Python package's is taken, which the server
packs anew for each page load and no browser keeps.
"""


def live_chart(
    figure: dict[str, Any],
    key: str,
    description: str,
    height: int = 320,
    on_click: Callable[[Any, Any], None] | None = None,
) -> None:
    """Draws a figure given as ``{"data": [...], "layout": {...}}`` of plain lists; cheap to call every second.

    Args:
        key: stable for as long as it is the same chart.
        description: what a screen reader says of it.
        height: in pixels.
        on_click: called before the page runs again, with the x and y that a point or cell has which was clicked.
    """
    figure["layout"]["uirevision"] = key
    mount = component("live_chart", html='<div class="live-chart"></div>')
    # A text: Streamlit encodes whatever it gets twice, and hundreds of points cost more than all else of a page.
    data = {"figure": json.dumps(figure), "description": description, "height": height, "scripts": SCRIPTS}
    if not on_click:
        mount(key=key, data=data, height="content")
        return

    def clicked() -> None:
        if point := st.session_state[key].get("clicked"):
            on_click(*point)

    mount(key=key, data=data | {"clicks": True}, height="content", on_clicked_change=clicked)
