"""How a drawing becomes 28 x 28 pixels: every step as a picture, and what the network reads without it."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import streamlit as st
from PIL import Image

from mnist_core import ink
from mnist_core.errors import ImageError
from mnist_core.ui.digits import picture
from mnist_core.ui.number import is_number
from mnist_core.ui.once import once

KEY = "ink-steps"
NAMES = [stage.name for stage in ink.STAGES]
SEEN = "as it is read"
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

Tell = Callable[[dict[str | None, ink.Number | None], bool], dict[str | None, str]]
"""What a network makes of drawings, in a few words for each: of the whole as one digit, or (``True``) as a number."""


Cut = Callable[[ink.Picture, ink.Steps], ink.Number]


def chosen_steps() -> ink.Steps:
    """The steps that the reader has left on. The strip, which is drawn later, holds the switches."""
    on = st.session_state.get(KEY)
    return ink.ALL if on is None else ink.ALL.without(*(set(NAMES) - set(on)))


def cut(picture: ink.Picture, steps: ink.Steps) -> ink.Number:
    """What steps make of a picture; raises as ``ink.cut``. The last are kept: what is read, and what all steps make.

    Pictures of steps are as small as they are shown: a photo's would take megabytes of every session.
    """

    def make() -> ink.Number:
        found, small = ink.cut(picture, steps), {}

        def smaller(step: ink.Step) -> ink.Step:
            # Of all digits of a number the first steps are the same ones.
            if id(step) not in small:
                small[id(step)] = replace(step, image=_small(step.image))
            return small[id(step)]

        return _with_steps(found, smaller)

    return once("cut", (picture.digest, steps), make, most=2)


def attempt(picture: ink.Picture, steps: ink.Steps, cut: Cut = cut) -> ink.Number | None:
    """The same; ``None`` if nothing is left to be read."""
    try:
        return cut(picture, steps)
    except ImageError:
        return None


def cut_as_chosen(picture: ink.Picture, steps: ink.Steps) -> ink.Number | None:
    """What the steps that are on make of a picture; ``None`` if there is something to be read only with all of them.

    Raises:
        ImageError: there is nothing with all of them either.
    """
    found = attempt(picture, steps)
    if found is None:
        cut(picture, ink.ALL)  # says what is wrong where the steps are not to blame
    return found


def without(steps: ink.Steps) -> str:
    """Which steps are off, in words."""
    return f"without *{', '.join(name for name in NAMES if name in steps.off)}*"


def strip(source: ink.Picture, found: ink.Number | None, several: bool, steps: ink.Steps, tell: Tell) -> None:
    """An expander with all steps; without being open it costs nothing.

    Args:
        source: what was drawn or photographed; ``found`` is what the ``steps`` that are on made of it, if anything.
        several: whether it is read as a number, not as one digit.
        tell: what a network reads.
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
        # Where nothing is left to be read, the pictures are those of all steps, and say what each is for.
        way = steps if found else ink.ALL
        pictured = found or attempt(source, ink.ALL)
        if pictured is None:
            return
        several = several if found else is_number(pictured)
        shown = _steps([digit.ink for digit in pictured.digits] if several else [pictured.whole])
        changed = tuple(step.name for step in shown if step.on and step.changed)
        with st.spinner("Reading it without each step …", show_time=False):
            numbers = {None: attempt(source, ink.ALL)} | _without_each(source, way, changed)
            answers = tell(numbers | {SEEN: found} if steps.off else numbers, several)
        _compare(answers, steps)
        if several and len(pictured.digits) > 1:
            st.caption("The first pictures show the whole number, the later ones its first digit; all digits are read.")
        told = {name: f"Without it: {words}".replace("**", "") for name, words in answers.items()}
        figures = [_figure(step, told.get(step.name, "")) for step in shown]
        st.html(f'{STYLE}<div class="steps">{"".join(figures)}</div>')


def _without_each(source: ink.Picture, way: ink.Steps, names: tuple[str, ...]) -> dict[str | None, ink.Number | None]:
    """What is left of a picture without each of these steps."""

    def cut_all() -> dict[str | None, ink.Number | None]:
        return {name: _bare(attempt(source, way.without(name), ink.cut)) for name in names}

    return once("without-each-step", (source.digest, way, names), cut_all)


def _bare(number: ink.Number | None) -> ink.Number | None:
    """Only what is read of it: with the pictures of their own steps, all ways of a photo take a hundred megabytes."""
    return number and replace(_with_steps(number, lambda step: None), page=np.empty((0, 0), np.uint8))


def _with_steps(number: ink.Number, change: Callable[[ink.Step], ink.Step | None]) -> ink.Number:
    """The same with its steps changed, or without them."""

    def changed(one: ink.Ink) -> ink.Ink:
        return replace(one, steps=tuple(filter(None, map(change, one.steps))))

    digits = tuple(replace(digit, ink=changed(digit.ink)) for digit in number.digits)
    return replace(number, digits=digits, whole=changed(number.whole))


def _steps(pieces: list[ink.Ink]) -> list[ink.Step]:
    """Those of the first piece, which are shown; a step has changed something if it did so in any."""
    together = zip(*(piece.steps for piece in pieces), strict=True)
    return [replace(steps[0], changed=any(step.changed for step in steps)) for steps in together]


def _compare(answers: dict, steps: ink.Steps) -> None:
    words = f"With all steps: {answers[None]}"
    if steps.off:
        words += f" {without(steps).capitalize()}: {answers[SEEN]}"
    st.markdown(words)


def _figure(step: ink.Step, told: str) -> str:
    if not step.on:
        told = "Switched off."
    elif not step.changed:
        told = "Nothing to do here."
    idle = "" if step.on and step.changed else ' class="idle"'
    return (
        f'<figure{idle}><div class="frame">{picture(step.image, step.name)}</div><figcaption>'
        f"<b>{html.escape(step.name)}</b><span>{html.escape(step.help)}</span><em>{told}</em></figcaption></figure>"
    )


def _small(image: np.ndarray) -> np.ndarray:
    if max(image.shape[:2]) <= SHOWN_SIDE:
        return image
    return np.array(Image.fromarray(image).reduce(-(-max(image.shape[:2]) // SHOWN_SIDE)))


