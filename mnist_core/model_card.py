"""The flagship's model card: its figures, measured anew, as a document.

Every figure is found by asking the network, as anybody can; none is chosen by. Sets other than MNIST are for measuring
only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_core import evaluation
from mnist_core.calibration import Calibration, calibrated, certainty
from mnist_core.data.mnist import Digits
from mnist_core.data.others import LETTERS, LETTERS_AND_SIGNS, LIKE_DIGITS, kinds, others
from mnist_core.robustness.corruptions import CORRUPTIONS, corrupt
from mnist_core.store.run import Run

Predict = Callable[[np.ndarray], np.ndarray]
"""``uint8 (N, 28, 28)`` in, probabilities ``float32 (N, 10)`` out."""

OTHERS_SEED = 1
"""Not that of the pictures it was trained with, which is 0."""

OTHERS = 4_000


@dataclass(frozen=True)
class Figures:
    """What was measured; shares are 0..1.

    Attributes:
        ece_before, ece: expected calibration error on the test set, without and with the temperature.
        refused: share of MNIST's test digits that are not taken for digits.
        others_refused: the same of each kind of pictures that are none.
        corrupted: accuracy under each of MNIST-C's corruptions.
    """

    test_accuracy: float
    ece_before: float
    ece: float
    refused: float
    others_refused: Mapping[str, float]
    corrupted: Mapping[str, float]

    @property
    def mean_corrupted(self) -> float:
        return float(np.mean(list(self.corrupted.values())))


def measure(predict: Predict, calibration: Calibration, test: Digits) -> Figures:
    """Asks the network for everything; takes about a minute."""
    raw = predict(test.images)
    probabilities = calibrated(raw, calibration.temperature)

    def refused(images: np.ndarray) -> float:
        sure = certainty(calibrated(predict(images), calibration.temperature))
        return float((sure < calibration.threshold).mean())

    pictures = others(OTHERS, OTHERS_SEED)
    return Figures(
        test_accuracy=evaluation.accuracy(test.labels, raw),
        ece_before=evaluation.reliability(test.labels, raw).ece,
        ece=evaluation.reliability(test.labels, probabilities).ece,
        refused=float((certainty(probabilities) < calibration.threshold).mean()),
        corrupted={name: evaluation.accuracy(test.labels, predict(corrupt(test.images, name))) for name in CORRUPTIONS},
        others_refused={kind: refused(pictures[places]) for kind, places in kinds(OTHERS).items()},
    )


def document(run: Run, calibration: Calibration, figures: Figures, size: int, command: str, machine: str) -> str:
    """The card in Markdown.

    Args:
        size: of the model's file in bytes.
        command, machine: how and where it was made.
    """
    config = run.settings
    rows: list[tuple[str, Any]] = [
        ("MNIST test accuracy", f"{figures.test_accuracy:.2%}"),
        ("expected calibration error, before and after", f"{figures.ece_before:.2%}, {figures.ece:.2%}"),
        ("MNIST test digits not taken for digits", f"{figures.refused:.2%}"),
        *((f"{_which(kind)} not taken for digits", f"{share:.1%}") for kind, share in figures.others_refused.items()),
        ("mean accuracy under the fifteen corruptions of MNIST-C", f"{figures.mean_corrupted:.2%}"),
        *((CORRUPTIONS[name].name, f"{share:.2%}") for name, share in figures.corrupted.items()),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"""# The flagship's model card

Written by `{command}`, on {machine}. The network is shipped in `mnist_core/flagship/` ({size / 1e6:.2f} MB).

## What it is

{config.summary()}, {run.parameters:,} parameters, trained for {run.train_seconds / 60:.0f} minutes with the recipe
`flagship` (seed {config.seed}). It reads one digit in 28 x 28 pixels, as the ink pipeline makes them.

## Data

MNIST's 60,000 training images: {1 - config.data.validation_fraction:.0%} learned from, the rest (every digit in equal
share) held out for choosing the recipe, the temperature ({calibration.temperature:.3f}) and the threshold
({calibration.threshold:.3f}) under which a picture is not taken for a digit. Besides {config.data.not_digits:,}
pictures that are no digits, drawn by `mnist_core/data/others.py`, with the lesson that all ten digits are equally
likely, and {config.data.written:,} digits in forms that MNIST's writers seldom used, such as a crossed 7, drawn by
`mnist_core/data/written.py` along ways of the pen that were laid down by hand. Each time an image is used it is changed
anew, but for {config.augmentation.untouched:.0%}: moved, bent, written with another pen, poorly scanned or cluttered
(`mnist_core/data/augment.py`, `pens.py`). No other handwriting was learned from. While the recipe was made, two
networks of three epochs were looked at with scikit-learn's digits, and drawn forms and stretching were kept after that:
those digits are no untouched measure of this network.

## Figures

| figure | value |
| --- | ---: |
{table}

The pictures that are no digits are drawn from another seed than those of the training, but by the same rules.

## Limits

It knows the digits 0 to 9 as they were written in the United States around 1990, and the forms of `written.py`.
Letters that may be written as a digit is ({", ".join(LIKE_DIGITS)}) are often read as that digit;
the figure of letters and signs is of the other {len(LETTERS)}. It reads one digit at a time, upright.
"""


def _which(kind: str) -> str:
    """A kind of pictures, with what it leaves out."""
    return f"{kind}, without {' '.join(LIKE_DIGITS)}," if kind == LETTERS_AND_SIGNS else kind
