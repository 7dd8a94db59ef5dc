"""Several digits in a row: the picture with a box around each, and what a network reads in them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from mnist_core import ink
from mnist_core.store.run import Run
from mnist_core.ui.answer import Told, ask, certainty_needed, threshold
from mnist_core.ui.digits import gallery, picture
from mnist_core.ui.lab import Lab
from mnist_core.ui.words import escaped

BOX, WIDE = "#56a0d3", "#d55e00"
TOUCHES, UNLIKE = "touching?", "no digit?"
NOTHING = "This does not look like a number"
ONE_DIGIT = "All of it together looks like a **{best}** ({sure:.1%}). If it is one digit, turn on *It is one digit*."
TOUCHING = (
    "{which} as wide as two digits that touch. If they do, what a network reads is a guess: leave a gap between "
    "digits."
)


def boxes(number: ink.Number) -> None:
    """The ink of the whole picture with a box around every digit, numbered by place in words for screen readers."""
    canvas = Image.fromarray(number.page).convert("RGB")
    pen, line = ImageDraw.Draw(canvas), max(1, max(number.page.shape) // 160)
    for digit in number.digits:
        top, left, bottom, right = digit.box
        corners = (left - line, top - line, right + line - 1, bottom + line - 1)
        pen.rectangle(corners, outline=WIDE if digit.touching else BOX, width=line)
    rows, columns = ink.frame.extent(number.page / np.float32(255))
    margin = 6 * line
    canvas = canvas.crop((columns.start - margin, rows.start - margin, columns.stop + margin, rows.stop + margin))
    words = f"The picture with a box around each of {len(number.digits)} digits"
    st.html(picture(np.asarray(canvas), words, "220px"))


def answer(lab: Lab, run: Run, number: ink.Number) -> Told:
    """Asks a network for the number, shows what it reads and how sure it is of each digit, and gives what is shown.

    What two digits may share, or what does not look like a digit, is a question mark.
    """
    images = [digit.ink.image for digit in number.digits]
    *rows, whole = ask(lab, run, np.stack([*images, number.whole.image]))
    needed, sure = certainty_needed(lab, run), float(np.prod([row.max() for row in rows]))
    doubts = [_doubt(digit, row, needed) for digit, row in zip(number.digits, rows, strict=True)]
    read = "".join("?" if doubt else str(row.argmax()) for doubt, row in zip(doubts, rows, strict=True))
    refused = all(doubts) and UNLIKE in doubts
    if refused:
        st.markdown(f"#### {NOTHING}")
        st.caption(f"{escaped(run.name)} takes none of the {len(rows)} pieces for a digit.")
    else:
        st.markdown(f"## {read}")
        st.caption(f"{escaped(run.name)} reads {len(rows)} digits from left to right, {sure:.1%} sure of all together.")
    gallery(
        (digit.ink.image, f"{'?' if doubt else row.argmax()}\n{doubt or f'{row.max():.1%}'}", bool(doubt))
        for digit, doubt, row in zip(number.digits, doubts, rows, strict=True)
    )
    if UNLIKE in doubts and whole.max() >= needed:
        st.info(ONE_DIGIT.format(best=whole.argmax(), sure=whole.max()), icon=":material/join:")
    threshold(lab, run)
    words = f"{NOTHING}, says {run.name}." if refused else f"{run.name} reads {' '.join(read)}, {sure:.0%} sure of all."
    return Told(read, sure, words, refused)


def in_words(
    lab: Lab, run: Run, numbers: Mapping[str | None, ink.Number | None], several: bool
) -> dict[str | None, str]:
    """What a network reads in each, in a few words; of ``None`` that there is nothing to be read. Asks it once.

    Args:
        several: whether they are read as numbers, not as one digit each.
    """
    found = {name: number for name, number in numbers.items() if number}
    pieces = {name: [d.ink for d in number.digits] if several else [number.whole] for name, number in found.items()}
    rows = iter(ask(lab, run, np.stack([piece.image for some in pieces.values() for piece in some])))
    needed = certainty_needed(lab, run)
    told = dict.fromkeys(numbers, "nothing can be read.")
    for name, number in found.items():
        answers = [next(rows) for _ in pieces[name]]
        doubts = [_doubt(d, row, needed) if several else "" for d, row in zip(number.digits, answers, strict=False)]
        read = "".join("?" if doubt else str(row.argmax()) for doubt, row in zip(doubts, answers, strict=False))
        told[name] = f"**{read}**, {np.prod([row.max() for row in answers]):.0%}."
    return told


def _doubt(digit: ink.Digit, probabilities: np.ndarray, needed: float) -> str:
    """Why a piece of ink is not told as a digit; an empty text if it is."""
    if digit.touching:
        return TOUCHES
    return UNLIKE if probabilities.max() < needed else ""


def say_touching(digits: tuple[ink.Digit, ...]) -> None:
    """Says which pieces of ink are too wide for one digit, if there are any."""
    wide = [str(place) for place, digit in enumerate(digits, 1) if digit.touching]
    if wide:
        which = "This is" if len(digits) == 1 else f"Piece {' and '.join(wide)} from the left is"
        st.warning(TOUCHING.format(which=which), icon=":material/join_inner:")
