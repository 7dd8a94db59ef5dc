"""The drawing canvas: white ink on black, as MNIST has it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_core.ui.components import component
from mnist_core.ui.strokes import render

SIDE = 320
PAPER, PEN = "#000000", "#ffffff"
PAPER_RGB = (0, 0, 0)
PEN_WIDTHS = {"thin": 14, "medium": 22, "thick": 32}

FABRIC_VERSION = "6"
"""Of the drawing library in the browser, whose format of strokes this is."""


def drawing_canvas(key: str) -> np.ndarray | None:
    """Draws the canvas with its tools; gives ``uint8 (H, W, 4)``, or ``None`` while nothing is drawn.

    The strokes are kept in the session, so that one can be undone and a visit to another page loses nothing.
    """
    # The component refuses to be imported outside a running app, so core and tests never do.
    from streamlit_drawable_canvas import st_canvas

    sheet = st.session_state.setdefault(f"{key}-sheet", {"number": 0, "strokes": [], "begin": []})
    if f"{key}-pen" not in st.session_state:
        # Streamlit forgets the widgets of a page that was left, and the canvas its strokes: put them back.
        _lay_out(sheet, sheet["strokes"])
    width = st.segmented_control("Pen", list(PEN_WIDTHS), default="medium", key=f"{key}-pen") or "medium"
    result = st_canvas(
        key=f"{key}-{sheet['number']}",
        width=SIDE,
        height=SIDE,
        stroke_width=PEN_WIDTHS[width],
        stroke_color=PEN,
        background_color=PAPER,
        drawing_mode="freedraw",
        initial_drawing={"version": FABRIC_VERSION, "objects": sheet["begin"]},
        return_image_data=True,
    )
    tools = f"{key}-tools-{sheet['number']}"
    component("canvas_tools", html="")(key=tools, data={"place": f".st-key-{key}-{sheet['number']}"}, height=1)
    strokes = sheet["strokes"] = result.json_data["objects"]
    with st.container(horizontal=True):
        if st.button("Undo stroke", icon=":material/undo:", key=f"{key}-undo", disabled=not strokes):
            _lay_out(sheet, strokes[:-1])
            st.rerun(scope="fragment")
        if st.button("Clear", icon=":material/delete:", key=f"{key}-clear", disabled=not strokes):
            _lay_out(sheet, [])
            st.rerun(scope="fragment")
    if not strokes:
        return None
    # The canvas sends a picture after a stroke, but none of the strokes that we have laid out.
    return render(strokes, SIDE) if result.image_data is None else result.image_data


def _lay_out(sheet: dict, strokes: list) -> None:
    """Begins a canvas with these strokes; it takes them only when it is new, which it is under another key."""
    sheet["number"] += 1
    sheet["strokes"] = sheet["begin"] = strokes
