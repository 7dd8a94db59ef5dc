"""A Plotly chart that is updated in place: the reader's zoom and hidden traces stay while points come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

ASSETS = Path(__file__).with_name("assets")
PLOTLY = Path(plotly.__file__).with_name("package_data")


def live_chart(figure: dict[str, Any], key: str, description: str, height: int = 320) -> None:
    """Draws a figure given as ``{"data": [...], "layout": {...}}`` of plain lists; cheap to call every second.

    Args:
        key: stable for as long as it is the same chart.
        description: what a screen reader says of it.
        height: in pixels.
    """
    figure["layout"]["uirevision"] = key
    mount = _component()
    mount(key=key, data={"figure": figure, "description": description, "height": height}, height="content")


def _component():
    """The component, registered with the server that runs this script.

    Files of a component are served from a package that declares them in a manifest. Our script is not an
    installed package, and Plotly declares none, so both manifests are handed to the manager here: the browser
    gets Plotly from the Python package that is there anyway, and works offline.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_path("mnist_lab.live_chart") is None:
        for name, folder in (("live_chart", ASSETS), ("plotly", PLOTLY)):
            config = ComponentConfig(name=name, asset_dir=folder.name)
            manager.register_from_manifest(ComponentManifest("mnist_lab", "1", [config]), folder.parent)
    return st.components.v2.component(
        "mnist_lab.live_chart", js="live_chart.js", html='<div class="live-chart"></div>', isolate_styles=False
    )
