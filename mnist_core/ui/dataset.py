"""What the Data page shows, kept small: pictures and counts are remembered, the training images are not.

The web process serves many visitors and should stay small, so the 47 MB of training images are read (in a
quarter of a second), used and let go.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_core.config import DataConfig
from mnist_core.data import mnist
from mnist_core.data.split import class_counts, split

PARTS = {"train": "Training set", "test": "Test set"}
PARTS_HELP = "Networks learn from the training set; the test set is only for the final mark."

SHAPES_TABLE = "\n".join(
    ["| array | shape | type | what |", "| --- | --- | --- | --- |"]
    + [
        f"| `{name}` | `{shape}` | `uint8` | {'images, 0 = paper, 255 = ink' if name[0] == 'x' else 'labels 0-9'} |"
        for name, shape in mnist.SHAPES.items()
    ]
)

_remembered = st.cache_data(max_entries=64, show_spinner="Reading the images …")


def size(part: mnist.Part) -> int:
    return mnist.SHAPES[f"x_{part}"][0]


@_remembered
def sample(part: mnist.Part, digit: str, count: int, draw: int) -> list[tuple[int, int, np.ndarray]]:
    """``(index, label, image)`` of images drawn at random: of one digit, or of ``all``."""
    digits = _load(part)
    members = np.arange(len(digits)) if digit == "all" else np.flatnonzero(digits.labels == int(digit))
    picks = np.random.default_rng(draw).choice(members, count, replace=False)
    return [(int(i), int(digits.labels[i]), digits.images[i].copy()) for i in picks]


@_remembered
def one(part: mnist.Part, index: int) -> tuple[np.ndarray, int]:
    digits = _load(part)
    return digits.images[index].copy(), int(digits.labels[index])


@_remembered
def counts(validation_fraction: float, how: str) -> dict[str, np.ndarray]:
    """Images per digit in each part of the data."""
    labels, test_labels = _labels()
    parts = split(labels, DataConfig(validation_fraction=validation_fraction, split=how))
    counted = {"training": class_counts(labels[parts.train])}
    if len(parts.validation):
        counted["validation"] = class_counts(labels[parts.validation])
    return counted | {"test": class_counts(test_labels)}


@_remembered
def _labels() -> tuple[np.ndarray, np.ndarray]:
    """Training and test labels, 70 KB that are read once."""
    return _load("train").labels.copy(), _load("test").labels.copy()


@_remembered
def means() -> list[np.ndarray]:
    """The mean training image of every digit, ``uint8 (28, 28)``."""
    digits = _load("train")
    return [digits.images[digits.labels == digit].mean(axis=0).astype(np.uint8) for digit in range(10)]


def _load(part: mnist.Part) -> mnist.Digits:
    digits = mnist.load(part)
    mnist.forget()
    return digits
