"""Below an answer: the drawing among the last ones, and whether it was read right, with which it is kept."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from mnist_core.store.drawings import LAST, Drawings
from mnist_core.ui.answer import Told
from mnist_core.ui.canvas import begin_another, sheet_of, show_again
from mnist_core.ui.digits import png
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.once import once
from mnist_core.ui.sources import CANVAS, Source
from mnist_core.ui.visitor import acting, visitor

STYLE = """<style>
.st-key-last-drawings button { padding: .2rem .45rem; min-height: 2.5rem; }
.st-key-last-drawings button img { height: 2rem; max-height: 2rem; width: 2rem; image-rendering: pixelated;
  border-radius: .25rem; margin: 0 .35rem 0 0; vertical-align: middle; }
</style>"""


def drawings_of(lab: Lab) -> Drawings:
    """The drawings of whoever looks at the page."""
    return Drawings(lab.store.database, visitor(lab).id)


def keep(lab: Lab, source: Source, image: np.ndarray, told: Sequence[Told], several: bool) -> None:
    """Notes a drawing with its answer, and asks whether that is right; of several digits it only notes.

    Args:
        image: as all steps make it, uint8 ``(28, 28)``; ``told``: what the networks made of it.
    """
    label = drawings_of(lab).label_of(source.id)
    if source.strokes and not _noted(lab, source, label, image, told[0]):
        sheet = sheet_of(CANVAS)
        begin_another(sheet)
        source, label = replace(source, id=sheet["drawing"]), None
        _noted(lab, source, label, image, told[0])
    if not several:
        _right_or_wrong(lab, source, label, image, told)


def last_drawings(lab: Lab) -> None:
    """The last drawings but the one on the canvas, each with its answer; a click shows one again."""
    here = sheet_of(CANVAS)["drawing"]
    last = [drawing for drawing in drawings_of(lab).last(LAST + 1) if drawing.id != here]
    if not last:
        return
    st.caption("Your last drawings, and what was read")
    st.html(STYLE)
    with st.container(horizontal=True, gap="xsmall", key="last-drawings"):
        for drawing in last[:LAST]:
            st.button(
                f"![]({_address(drawing.image)}){drawing.answer}",
                key=f"again-{drawing.id}",
                help="Put it on the canvas again",
                on_click=show_again,
                args=(CANVAS, drawing),
            )


def _noted(lab: Lab, source: Source, label: int | None, image: np.ndarray, told: Told) -> bool:
    """Notes a drawing, unless it is noted as it is; ``False`` if it is another one than was kept with a label."""

    def note() -> bool:
        return drawings_of(lab).remember(source.id, image, source.strokes, told.read, told.sure)

    return once("noted", (source.id, label, len(source.strokes), image.tobytes(), told.read, told.sure), note)


def _right_or_wrong(lab: Lab, source: Source, label: int | None, image: np.ndarray, told: Sequence[Told]) -> None:
    """Asks for the digit that a drawing is, and keeps it with that; ``label``: with which it is kept already."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if label is not None:
            st.caption(f":material/check: Kept as a {label} under *My handwriting*.", width="content")
            if st.button("Take it back", key="take-back", type="tertiary"):
                _keep(lab, source, image, told[0], None)
            return
        answers = {one.read for one in told if not one.refused}
        if len(answers) == 1:
            words, icon = "Keeps the drawing with this label.", ":material/thumb_up:"
            if st.button("This is right", icon=icon, key="right", type="tertiary", help=words):
                _keep(lab, source, image, told[0], int(answers.pop()))
        with st.popover("This is wrong, it is a …", icon=":material/thumb_down:", type="tertiary"):
            digit = st.pills("It is a", range(10), key=f"truth-{source.id}")
            if digit is not None:
                _keep(lab, source, image, told[0], digit)


def _keep(lab: Lab, source: Source, image: np.ndarray, told: Told, label: int | None) -> None:
    with errors_in_words():
        drawings_of(lab).remember(source.id, image, source.strokes, told.read, told.sure)
        acting(lab).keep_drawing(source.id, label)
        st.rerun()  # all of the page: what is kept is shown below too


def _address(image: np.ndarray) -> str:
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"

