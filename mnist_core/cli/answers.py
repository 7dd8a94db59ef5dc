"""How ``predict`` tells what was read: in one picture a digit, or with ``--several`` a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_core.calibration import Calibration, calibrated
from mnist_core.cli.pictures import Seen

TOUCHING = "may be two digits that touch: leave a gap between them"
UNLIKE = "does not look like a digit"

JSON_NOTES = """in --json:
  label, probabilities   as the network gives them, bit for bit
  certainty              the largest probability as it may be trusted, under the temperature found on held-out digits;
                         the shares told without --json are such ones
  refused                whether that is too little to take it for a digit, by the threshold found with it
  touching               whether it may be two digits that touch, so that what is read is a guess
  pieces                 of ink that the picture has; null if they are too many for a number
A model's file has no temperature and no threshold: nothing is refused."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network makes of one image.

    Attributes:
        raw: probabilities ``(10,)`` as the network gives them, and ``probabilities`` under its temperature.
        needed: the certainty that a digit needs.
        touching: whether the image may show two digits.
    """

    raw: np.ndarray
    probabilities: np.ndarray
    needed: float
    touching: bool

    @property
    def refused(self) -> bool:
        return bool(self.probabilities.max() < self.needed)

    @property
    def mark(self) -> str:
        """The digit, or ``?`` where two may touch, or it does not look like one."""
        return "?" if self.touching or self.refused else str(self.probabilities.argmax())

    def as_json(self) -> dict[str, Any]:
        return {
            "label": int(self.raw.argmax()),
            "probabilities": self.raw.tolist(),
            "certainty": float(self.probabilities.max()),
            "touching": self.touching,
            "refused": self.refused,
        }


def answers(rows: np.ndarray, calibration: Calibration, touching: list[bool]) -> list[Answer]:
    """Of a network's probabilities ``(N, 10)``, and which of the N images may show two digits."""
    sure = calibrated(rows, calibration.temperature)
    return [Answer(*each, calibration.threshold, two) for *each, two in zip(rows, sure, touching, strict=True)]


def digit_json(seen: Seen, answer: Answer) -> dict[str, Any]:
    return answer.as_json() | {"pieces": len(seen.digits) or None}


def digit_line(seen: Seen, answer: Answer) -> str:
    """To be read: the two likeliest digits, and what speaks against them."""
    best, second = np.argsort(answer.probabilities)[::-1][:2]
    sure = answer.probabilities
    doubts = [f"it {UNLIKE}"] * answer.refused + [f"it {TOUCHING}"] * answer.touching
    if len(seen.digits) > 1:
        doubts.append(f"there are {len(seen.digits)} pieces: read them with --several")
    doubt = f", but {'; '.join(doubts)}" if doubts else ""
    return f"{seen.name}: {best} ({sure[best]:.1%}), else {second} ({sure[second]:.1%}){doubt}"


def number_json(seen: Seen, pieces: list[Answer]) -> dict[str, Any]:
    digits = [
        piece.as_json() | {"box": [int(edge) for edge in digit.box]}
        for digit, piece in zip(seen.digits, pieces, strict=True)
    ]
    return {"number": "".join(piece.mark for piece in pieces), "digits": digits}


def number_line(seen: Seen, pieces: list[Answer]) -> str:
    """To be read, with what a question mark means."""
    told = [f"{piece.mark} {piece.probabilities.max():.1%}" for piece in pieces if piece.mark != "?"]
    told = [", ".join(told) or "no digit is sure"]
    if any(piece.touching for piece in pieces):
        told.append(f"? {TOUCHING}")
    if any(piece.refused and not piece.touching for piece in pieces):
        told.append(f"? {UNLIKE}")
    return f"{seen.name}: {''.join(piece.mark for piece in pieces)} ({'; '.join(told)})"
