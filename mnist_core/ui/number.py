"""Several digits in a row: the picture with a box around each, and what a network reads in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from mnist_core import ink
from mnist_core.store.run import Run
from mnist_core.ui.answer import NONE, Told, ask, certainty_needed, threshold
from mnist_core.ui.digits import gallery, picture
from mnist_core.ui.lab import Lab
from mnist_core.ui.words import escaped

BOX, WIDE = "#56a0d3", "#d55e00"
TOUCHES, UNLIKE = "touching?", "no digit?"
PART = "what it reads"
NOTHING = "This does not look like a number"
ONE_DIGIT = "All of it together looks like a **{best}** ({sure:.1%}). If it is one digit, turn on *It is one digit*."
TOUCHING = (
    "{which} as wide as two digits that touch. If they do, what a network reads is a guess: leave a gap between "
    "digits."
)
OR_ONE = " If it is one digit, turn on *It is one digit*."


@dataclass(frozen=True, eq=False)
class _Judged:
    """Pieces of ink under the certainty that a digit needs.

    Attributes:
        doubts: why each is not told as a digit; an empty text if it is.
        read: from left to right, with ``?`` for what is not told as a digit.
        sure: of all that are told as digits together, 0..1; 0 if none is.
    """

    doubts: tuple[str, ...]
    read: str
    sure: float

    @property
    def digits(self) -> int:
        """How many pieces are told as digits."""
        return self.doubts.count("")

    @property
    def refused(self) -> bool:
        """Whether not one of them looks like a digit; two that may touch are not told, but look like some."""
        return set(self.doubts) == {UNLIKE}

    @property
    def why_none(self) -> str:
        """Why no piece is told as a digit, for the end of a sentence; empty if one is."""
        if not all(self.doubts):
            return ""
        if len(self.doubts) == 1:
            return "this may be two that touch"
        if UNLIKE not in self.doubts:
            return f"each of the {len(self.doubts)} pieces may be two that touch"
        touching = self.doubts.count(TOUCHES)
        return f"of the {len(self.doubts)} pieces, {touching} may be two that touch, and the rest looks like none"


def is_number(found: ink.Number) -> bool:
    """Whether a picture is read piece by piece: there are several, or the only one may be two digits that touch."""
    return len(found.digits) > 1 or found.digits[0].touching


def boxes(number: ink.Number) -> None:
    """The ink of the whole picture with a box around every digit, numbered by place in words for screen readers."""
    canvas = Image.fromarray(number.page).convert("RGB")
    pen, line = ImageDraw.Draw(canvas), max(1, max(number.page.shape) // 160)
    for digit in number.digits:
        top, left, bottom, right = digit.box
        corners = (left - line, top - line, right + line - 1, bottom + line - 1)
        pen.rectangle(corners, outline=WIDE if digit.touching else BOX, width=line)
    tops, lefts, bottoms, rights = zip(*(digit.box for digit in number.digits), strict=True)
    margin = 6 * line
    canvas = canvas.crop((min(lefts) - margin, min(tops) - margin, max(rights) + margin, max(bottoms) + margin))
    around = f"each of {len(number.digits)} digits" if len(number.digits) > 1 else "its only piece"
    words = f"The picture with a box around {around}"
    st.html(picture(np.asarray(canvas), words, "220px"))


def answer(lab: Lab, run: Run, number: ink.Number) -> Told:
    """Asks a network for the number, shows what it reads and how sure it is of each digit, and gives what is shown.

    What two digits may share, or what does not look like a digit, is a question mark.
    """
    images = [digit.ink.image for digit in number.digits]
    *rows, whole = ask(lab, run, np.stack([*images, number.whole.image]))
    needed = certainty_needed(lab, run)
    judged = _judged([digit.touching for digit in number.digits], rows, needed)
    if judged.refused:
        st.markdown(f"#### {NOTHING}")
        st.caption(f"{escaped(run.name)} takes none of the {len(rows)} pieces for a digit.")
        words = f"{NOTHING}, says {run.name}."
    elif judged.why_none:
        st.markdown(f"## {judged.read}")
        st.caption(f"{escaped(run.name)} reads no digit: {judged.why_none}.")
        words = f"{run.name} reads no digit: {judged.why_none}."
    else:
        some = judged.digits < len(rows)
        count = f"{judged.digits} of {len(rows)} pieces" if some else f"{len(rows)} digits"
        of = PART if some else "all together"
        st.markdown(f"## {judged.read}")
        st.caption(f"{escaped(run.name)} reads {count} from left to right, {judged.sure:.1%} sure of {of}.")
        words = f"{run.name} reads {' '.join(judged.read)}, {judged.sure:.0%} sure of {of}."
    gallery(
        (digit.ink.image, f"{'?' if doubt else row.argmax()}\n{doubt or f'{row.max():.1%}'}", bool(doubt))
        for digit, doubt, row in zip(number.digits, judged.doubts, rows, strict=True)
    )
    if UNLIKE in judged.doubts and whole.max() >= needed:
        st.info(ONE_DIGIT.format(best=whole.argmax(), sure=whole.max()), icon=":material/join:")
    threshold(lab, run)
    return Told(judged.read, judged.sure, words, judged.refused)


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
        touching = [digit.touching for digit in number.digits] if several else [False]
        judged = _judged(touching, [next(rows) for _ in pieces[name]], needed)
        if judged.refused:
            told[name] = f"{_lower(NOTHING if several else NONE)}."
        elif judged.why_none:
            told[name] = f"no digit, since {judged.why_none}."
        else:
            of = f" of {PART}" if "?" in judged.read else ""
            told[name] = f"**{judged.read}**, {judged.sure:.0%}{of}."
    return told


def _judged(touching: Sequence[bool], rows: Sequence[np.ndarray], needed: float) -> _Judged:
    doubts = tuple(
        TOUCHES if two else UNLIKE if row.max() < needed else "" for two, row in zip(touching, rows, strict=True)
    )
    read = "".join("?" if doubt else str(row.argmax()) for doubt, row in zip(doubts, rows, strict=True))
    told = [row.max() for doubt, row in zip(doubts, rows, strict=True) if not doubt]
    return _Judged(doubts, read, float(np.prod(told)) if told else 0.0)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def say_touching(digits: tuple[ink.Digit, ...]) -> None:
    """Says which pieces of ink are too wide for one digit, if there are any."""
    wide = [str(place) for place, digit in enumerate(digits, 1) if digit.touching]
    if wide:
        alone = len(digits) == 1
        which = "This is" if alone else f"Piece {' and '.join(wide)} from the left is"
        st.warning(TOUCHING.format(which=which) + OR_ONE * alone, icon=":material/join_inner:")
