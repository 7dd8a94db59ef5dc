"""Several digits in a row: the picture with a box around each, and what a network reads in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from mnist_core import ink
from mnist_core.ui.answer import Told
from mnist_core.ui.digits import gallery, picture
from mnist_core.ui.words import escaped

BOX, WIDE = "#56a0d3", "#d55e00"
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


def answer(number: ink.Number, read: Callable[[np.ndarray], np.ndarray], name: str) -> Told:
    """The number that a network of this name reads, and how sure it is of each digit; gives what is shown.

    ``read`` asks it: uint8 (N, 28, 28) -> probabilities (N, 10).
    """
    probabilities = read(np.stack([digit.ink.image for digit in number.digits]))
    best = probabilities.argmax(axis=1)
    told = ["?" if digit.touching else str(label) for digit, label in zip(number.digits, best, strict=True)]
    st.markdown(f"## {''.join(told)}")
    sure = float(np.prod([row.max() for row in probabilities]))
    st.caption(f"{escaped(name)} reads {len(told)} digits from left to right, and is {sure:.1%} sure of all together.")
    gallery(
        (digit.ink.image, f"{label}\n{'touching?' if digit.touching else f'{row.max():.1%}'}", digit.touching)
        for digit, label, row in zip(number.digits, told, probabilities, strict=True)
    )
    return Told("".join(told), sure, f"{name} reads {' '.join(told)}, {sure:.0%} sure of all together.")


def say_touching(digits: tuple[ink.Digit, ...]) -> None:
    """Says which pieces of ink are too wide for one digit, if there are any."""
    wide = [str(place) for place, digit in enumerate(digits, 1) if digit.touching]
    if wide:
        which = "This is" if len(digits) == 1 else f"Piece {' and '.join(wide)} from the left is"
        st.warning(TOUCHING.format(which=which), icon=":material/join_inner:")
