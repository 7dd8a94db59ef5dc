"""How a drawing becomes 28 x 28 pixels: every step as a picture, and what the network reads without it."""

from __future__ import annotations

import html
from collections.abc import Callable

import numpy as np
import streamlit as st
from PIL import Image

from mnist_core import ink
from mnist_core.errors import ImageError
from mnist_core.ui.digits import picture

KEY = "ink-steps"
NAMES = [stage.name for stage in ink.STAGES]
SHOWN_SIDE = 160
"""Pixels that a step is shown with; a photo has a hundred times as many."""

STYLE = """<style>
.steps { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 1rem .9rem; }
.steps figure { margin: 0; font-size: .8rem; line-height: 1.3; }
.steps .frame { height: 120px; display: flex; align-items: center; }
.steps .frame img { aspect-ratio: auto; width: auto; height: 120px; object-fit: contain;
  outline: 1px solid color-mix(in srgb, currentColor 35%, transparent); }
.steps .idle .frame { opacity: .45; }
.steps b, .steps em, .steps span { display: block; margin-top: .2rem; }
</style>"""

Read = Callable[[np.ndarray], np.ndarray]
"""A network: uint8 (N, 28, 28) -> probabilities (N, 10)."""


def chosen_steps() -> ink.Steps:
    """The steps that the reader has left on. The strip, which is drawn later, holds the switches."""
    on = st.session_state.get(KEY)
    return ink.ALL if on is None else ink.ALL.without(*(set(NAMES) - set(on)))


def strip(source: ink.Picture, seen: ink.Ink, steps: ink.Steps, read: Read, several: bool) -> None:
    """An expander with all steps of ``seen``; without being open it costs nothing.

    Args:
        source: what was drawn or photographed; ``seen`` is made of it by ``steps``.
        read: the network whose answers are told.
        several: whether it is a number, and ``seen`` its first digit.
    """
    box = st.expander("How it got there", icon=":material/auto_fix:", key="how", on_change="rerun")
    if not box.open:
        return
    with box:
        st.pills(
            "Steps that are on",
            NAMES,
            selection_mode="multi",
            default=NAMES,
            key=KEY,
            persist_state="session",
            help="Switch one off to see what it is for.",
        )
        with st.spinner("Reading it without each step …", show_time=False):
            answers = _answers(source, seen, steps, read, several)
        _compare(answers, steps)
        if several:
            st.caption("The pictures are of all of it while it is one, and then of its first digit.")
        told = {name: f"Without it: {_words(found)}".replace("**", "") for name, found in answers.items()}
        figures = [_figure(step, told.get(step.name, "")) for step in seen.steps]
        st.html(f'{STYLE}<div class="steps">{"".join(figures)}</div>')


def _answers(source: ink.Picture, seen: ink.Ink, steps: ink.Steps, read: Read, several: bool) -> dict:
    """Each digit's probabilities, or ``None`` where none was found: as *seen*, with all steps (``None``), without each
    one."""
    ways = {"seen": steps, None: ink.ALL}
    ways |= {step.name: steps.without(step.name) for step in seen.steps if step.on and step.changed}
    images = {name: _digits(source, way, several) for name, way in ways.items()}
    rows = iter(read(np.stack([image for digits in images.values() for image in digits])))
    return {name: [next(rows) for _ in digits] or None for name, digits in images.items()}


def _digits(source: ink.Picture, way: ink.Steps, several: bool) -> list[np.ndarray]:
    try:
        return [digit.ink.image for digit in ink.cut(source, way).digits] if several else [ink.trace(source, way).image]
    except ImageError:
        return []


def _compare(answers: dict, steps: ink.Steps) -> None:
    words = f"With all steps: {_words(answers[None])}"
    if steps.off:
        words += f" Without *{', '.join(name for name in NAMES if name in steps.off)}*: {_words(answers['seen'])}"
    st.markdown(words)


def _words(digits: list[np.ndarray] | None) -> str:
    if digits is None:
        return "no digit is found."
    return f"**{''.join(str(row.argmax()) for row in digits)}**, {np.prod([row.max() for row in digits]):.0%}."


def _figure(step: ink.Step, told: str) -> str:
    if not step.on:
        told = "Switched off."
    elif not step.changed:
        told = "Nothing to do here."
    idle = "" if step.on and step.changed else ' class="idle"'
    return (
        f'<figure{idle}><div class="frame">{picture(_small(step.image), step.name)}</div><figcaption>'
        f"<b>{html.escape(step.name)}</b><span>{html.escape(step.help)}</span><em>{told}</em></figcaption></figure>"
    )


def _small(image: np.ndarray) -> np.ndarray:
    if max(image.shape[:2]) <= SHOWN_SIDE:
        return image
    return np.array(Image.fromarray(image).reduce(-(-max(image.shape[:2]) // SHOWN_SIDE)))


