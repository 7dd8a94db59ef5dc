"""What a network makes of a drawing: a digit with how sure it is, or that it does not look like one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core.calibration import calibrated
from mnist_core.store.run import Run
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.once import once
from mnist_core.ui.probabilities import probability_bars
from mnist_core.ui.reading import Reading, reading
from mnist_core.ui.visitor import visitor
from mnist_core.ui.words import escaped

NONE = "This does not look like a digit"

STEPS = 100
"""Of the slider, from 0 to 1."""


ANSWERS_KEPT = 8
"""By each session: those of three networks side by side, and to the same picture with a step switched off."""


@dataclass(frozen=True)
class Told:
    """What a network made of a drawing.

    Attributes:
        read: the digit, or those of a number, with ``?`` for what is told as none; ``sure``: of all that are told, or
            of a picture that does not look like a digit what was too little, 0..1.
        words: the same for screen readers.
        refused: whether the answer was that it does not look like a digit.
    """

    read: str
    sure: float
    words: str
    refused: bool = False


def ask(lab: Lab, run: Run, images: np.ndarray) -> np.ndarray:
    """The network's probabilities ``float32 (N, 10)`` for ``uint8 (N, 28, 28)``, under its temperature.

    Raises:
        UnknownRun: it was deleted meanwhile; what it answered before is told no more.
    """
    lab.store.get(run.id)

    def raw() -> np.ndarray:
        lab.predictions.take(visitor(lab).id)
        with st.spinner("Asking the network …", show_time=False):
            return lab.engine.predict(run.id, images)

    asked = once("asked", (run.id, run.ended, images.tobytes()), raw, ANSWERS_KEPT)
    return calibrated(asked, _reading(lab, run).calibration.temperature)


def answer(lab: Lab, run: Run, image: np.ndarray, place: str = "") -> Told | None:
    """Asks the network about ``uint8 (28, 28)``, shows its answer and gives it; ``None`` if it could not be asked.

    Args:
        place: tells two answers of one run on a page apart.
    """
    with errors_in_words():
        probabilities = ask(lab, run, image[None])[0]
        best, sure = int(probabilities.argmax()), float(probabilities.max())
        refused = bool(probabilities.max() < certainty_needed(lab, run, place))
        if refused:
            st.markdown(f"#### {NONE}")
            st.caption(f"{escaped(run.name)} is {sure:.1%} sure. If it is a digit, then most likely a {best}.")
        else:
            st.markdown(f"## {best}")
            st.caption(f"{escaped(run.name)} is {sure:.1%} sure.")
        probability_bars(probabilities)
        threshold(lab, run, place)
        words = f"{NONE}, says {run.name}." if refused else f"{run.name} reads a {best}, {sure:.0%} sure."
        return Told("?" if refused else str(best), sure, words, refused)
    return None


def certainty_needed(lab: Lab, run: Run, place: str = "") -> float:
    """Under it, the answer is that this does not look like a digit, 0..1: as the reader has set it by ``threshold``.

    Until then it is exactly what was set on held-out digits, as the command line has it: many answers of one network
    may be just as sure as that.
    """
    held_out = _reading(lab, run).calibration.threshold
    chosen = st.session_state.get(_key(run, place))
    return held_out if chosen is None or chosen == _on_slider(held_out) else chosen


def threshold(lab: Lab, run: Run, place: str = "") -> None:
    """Where the reader sets the certainty under which a drawing is not taken for a digit, and sees what that costs."""
    test = _reading(lab, run)
    held_out = test.calibration.threshold
    with st.popover("When is it no digit?", icon=":material/rule:"):
        st.slider(
            "Certainty needed",
            0.0,
            1.0,
            _on_slider(held_out),
            1 / STEPS,
            key=_key(run, place),
            persist_state="session",  # also while there is nothing to read
            help="Less sure than this, and the answer is that it does not look like a digit. At 0 everything is one.",
        )
        refused = test.refused(certainty_needed(lab, run, place))
        st.caption(
            f"So {refused:.2%} of MNIST's test digits are refused. Set on held-out digits: {held_out:.4f}. "
            "Networks that were shown letters and scribbles in training tell them best (a setting of the data)."
        )


def _reading(lab: Lab, run: Run) -> Reading:
    """With its calibration, which never changes once a run has ended."""
    return reading(lab.settings.database_url, run.id, run.ended, lab.settings.data)


def _on_slider(certainty: float) -> float:
    """Where the slider stands for it; rounded down, so that it never seems to ask for more."""
    return math.floor(certainty * STEPS) / STEPS


def _key(run: Run, place: str) -> str:
    return f"threshold-{run.id}{place}"
