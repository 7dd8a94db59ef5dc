"""The drawing canvas: white ink on black, as MNIST has it."""

from __future__ import annotations

import secrets
from functools import partial

import numpy as np
import streamlit as st

from mnist_core.store.drawings import Drawing
from mnist_core.ui.components import component
from mnist_core.ui.strokes import render

SIDE = 320
PAPER, PEN = "#000000", "#ffffff"
PAPER_RGB = (0, 0, 0)
PENS = {"thin": (14, PEN), "medium": (22, PEN), "thick": (32, PEN), "eraser": (40, PAPER)}
"""Width in pixels and colour. What erases is a stroke of paper: it can be undone like any other."""

FABRIC_VERSION = "6"
"""Of the drawing library in the browser, whose format of strokes this is."""


def drawing_canvas(key: str) -> np.ndarray | None:
    """Draws the canvas with its tools; gives ``uint8 (H, W, 4)``, or ``None`` while nothing is drawn.

    The strokes are kept in the session, so that one can be undone and a visit to another page loses nothing.
    """
    # The component refuses to be imported outside a running app, so core and tests never do.
    from streamlit_drawable_canvas import st_canvas

    sheet = sheet_of(key)
    if f"{key}-pen" not in st.session_state:
        # Streamlit forgets the widgets of a page that was left, and the canvas its strokes: put them back.
        _lay_out(sheet, sheet["strokes"])
    chosen = st.segmented_control("Pen", list(PENS), default="medium", key=f"{key}-pen") or "medium"
    width, colour = PENS[chosen]
    result = st_canvas(
        key=key,
        width=SIDE,
        height=SIDE,
        stroke_width=width,
        stroke_color=colour,
        background_color=PAPER,
        drawing_mode="freedraw",
        # The canvas takes these strokes whenever they differ from the last ones that it was given; hence the number.
        initial_drawing={"version": FABRIC_VERSION, "objects": sheet["begin"], "layout": sheet["layout"]},
        return_image_data=True,
    )
    component("canvas_tools", html="")(key=f"{key}-tools", data={"place": f".st-key-{key}"}, height=1)
    _hear(sheet, result.json_data, result.image_bytes)
    strokes = sheet["strokes"]
    tool = partial(st.button, disabled=not strokes, on_click=_keep)
    with st.container(horizontal=True):
        tool("Undo", icon=":material/undo:", key=f"{key}-undo", args=(key, slice(-1)), shortcut="Mod+Z")
        tool("Clear", icon=":material/delete:", key=f"{key}-clear", args=(key, slice(0)))
    if not strokes:
        return None
    # The browser's picture has what was laid out only after a while, or never: that is drawn here.
    drawn = result.image_data if len(strokes) > len(sheet["begin"]) else None
    return render(strokes, SIDE) if drawn is None else drawn


def sheet_of(key: str) -> dict:
    """The session's sheet: its ``strokes``, and the id of the ``drawing`` that they are."""
    begin = {"layout": 0, "strokes": [], "begin": [], "heard": None, "drawing": secrets.token_hex(8)}
    return st.session_state.setdefault(f"{key}-sheet", begin)


def begin_another(sheet: dict) -> None:
    """What is on the sheet from now on is another drawing.

    It takes the sheet itself: a look into the session may end a callback in its middle, with half of it done.
    """
    sheet["drawing"] = secrets.token_hex(8)


def show_again(key: str, drawing: Drawing) -> None:
    """Puts an earlier drawing on the canvas, in place of what is there; called by a button, before the page runs."""
    sheet = sheet_of(key)
    _hear_arrived(key, sheet)
    sheet["drawing"] = drawing.id
    _lay_out(sheet, drawing.strokes)


def _hear(sheet: dict, drawing: dict, picture: bytes | str | None) -> None:
    """Takes the strokes that the browser says it shows, unless it has not said anything since they were laid out.

    Without a picture they are not the browser's: Streamlit forgets a canvas that an interrupted page did not come to,
    and it then says what it was given at its beginning. An empty canvas is one that has been emptied to lay strokes
    out, and the browser's word of it may come late: what it shows then is what was laid out last.
    """
    if picture and drawing["objects"] != sheet["heard"]:
        sheet["heard"] = drawing["objects"]
        sheet["strokes"] = drawing["objects"] or sheet["begin"]


def _hear_arrived(key: str, sheet: dict) -> None:
    """A stroke may arrive together with a click."""
    if arrived := st.session_state.get(key, {}).get("drawing"):
        _hear(sheet, arrived["raw"], arrived["data"])


def _keep(key: str, part: slice) -> None:
    """Goes on with a part of the strokes; called by a button, before the page runs."""
    sheet = st.session_state[f"{key}-sheet"]
    _hear_arrived(key, sheet)
    _lay_out(sheet, sheet["strokes"][part])
    if not sheet["strokes"]:
        begin_another(sheet)


def _lay_out(sheet: dict, strokes: list) -> None:
    """Has the canvas show these strokes, and go on from them."""
    sheet["layout"] += 1
    sheet["strokes"] = sheet["begin"] = strokes
