"""Scripts of ours that run in the browser, as Streamlit components."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components.v2.bidi_component import serialization
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

ASSETS = Path(__file__).with_name("assets")
PLOTLY = Path(plotly.__file__).with_name("package_data")

OURS = ("live_chart", "canvas_tools", "aloud", "visitor", "never_blank")
FOLDERS = dict.fromkeys(OURS, ASSETS) | {"plotly": PLOTLY}
"""Every component and where its files are: ``NAME.js`` in ``assets``, and Plotly's own script."""

_might_be_a_table = serialization.is_dataframe_like


def _is_a_table(value: Any) -> bool:
    return not isinstance(value, dict | list) and _might_be_a_table(value)


# Streamlit would import pandas, 60 MB with Arrow, to find out whether the dictionaries in a component's data are tables
# in disguise. No component here is sent any.
serialization.is_dataframe_like = _is_a_table


def component(name: str, html: str):
    """The component whose script is ``assets/NAME.js``, to be mounted with a key and data.

    Files of a component are served from a package that declares them in a manifest. Our scripts are not in an
    installed package, and Plotly declares none, so the manifests are handed to Streamlit's manager here: the browser
    gets Plotly from the Python package that is there anyway, and works offline.
    """
    return _registered(get_bidi_component_manager(), name, html)


@lru_cache(maxsize=2 * len(FOLDERS))
def _registered(manager, name: str, html: str):
    """Once for each server: Streamlit looks for the files whenever a component is named."""
    if manager.get_component_path(f"mnist_lab.{name}") is None:
        for each, folder in FOLDERS.items():
            config = ComponentConfig(name=each, asset_dir=folder.name)
            manager.register_from_manifest(ComponentManifest("mnist_lab", "1", [config]), folder.parent)
    return st.components.v2.component(f"mnist_lab.{name}", js=f"{name}.js", html=html, isolate_styles=False)
