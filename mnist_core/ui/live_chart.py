"""A Plotly chart that is updated in place: the reader's zoom and hidden traces stay while points come in."""

from __future__ import annotations

from typing import Any

import plotly

from mnist_core.ui.components import component


def live_chart(figure: dict[str, Any], key: str, description: str, height: int = 320) -> None:
    """Draws a figure given as ``{"data": [...], "layout": {...}}`` of plain lists; cheap to call every second.

    Args:
        key: stable for as long as it is the same chart.
        description: what a screen reader says of it.
        height: in pixels.
    """
    figure["layout"]["uirevision"] = key
    mount = component("live_chart", html='<div class="live-chart"></div>')
    data = {"figure": figure, "description": description, "height": height, "plotly": plotly.__version__}
    mount(key=key, data=data, height="content")
