"""A number as ``predict --several`` tells it: its digits from left to right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_core import ink


@dataclass(frozen=True)
class Piece:
    """One piece of a number: its ink, the probabilities as the network gives them, those it may be as sure of, and the
    certainty that a digit needs."""

    digit: ink.Digit
    raw: np.ndarray
    probabilities: np.ndarray
    needed: float

    @property
    def refused(self) -> bool:
        return bool(self.probabilities.max() < self.needed)

    @property
    def mark(self) -> str:
        """The digit, or ``?`` where two may touch, or it does not look like one."""
        return "?" if self.digit.touching or self.refused else str(self.probabilities.argmax())


def as_json(pieces: list[Piece]) -> dict[str, Any]:
    """For ``--json``; probabilities as the network gives them."""
    digits = [
        {
            "label": int(piece.raw.argmax()),
            "probabilities": piece.raw.tolist(),
            "box": [int(edge) for edge in piece.digit.box],
            "touching": piece.digit.touching,
            "refused": piece.refused,
        }
        for piece in pieces
    ]
    return {"number": "".join(piece.mark for piece in pieces), "digits": digits}


def as_line(name: str, pieces: list[Piece]) -> str:
    """To be read, with what a question mark means."""
    told = [f"{piece.mark} {piece.probabilities.max():.1%}" for piece in pieces if piece.mark != "?"]
    told = [", ".join(told) or "no digit is sure"]
    if any(piece.digit.touching for piece in pieces):
        told.append("? may be two digits that touch: leave a gap between them")
    if any(piece.refused and not piece.digit.touching for piece in pieces):
        told.append("? does not look like a digit")
    return f"{name}: {''.join(piece.mark for piece in pieces)} ({'; '.join(told)})"
