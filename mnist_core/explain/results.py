"""What explanations give: plain arrays, so that a web process can unpack them without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much every pixel speaks for a digit (above zero) or against it.

    Attributes:
        values: float32 ``(28, 28)``, in units of ``start`` and ``end``.
        digit: the one that is explained.
        start, end: what the model says of it without and with the drawing. All values add up to ``end - start``, but
            for occlusion, whose ``start`` is what is left with the most telling place covered.
        probabilities: float32 ``(10,)``, the model's answer to the drawing.
    """

    values: np.ndarray
    digit: int
    start: float
    end: float
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class Layer:
    """What one layer gives for one drawing.

    Attributes:
        shape: of all it gives; of many maps or units only the first are in ``values``.
        values: float32, maps as ``(maps, rows, columns)`` or a row of units as ``(units,)``.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Activations:
    """The layers from first to last; ``left_out`` of them follow that are too many to show."""

    layers: tuple[Layer, ...]
    left_out: int


@dataclass(frozen=True, eq=False)
class Similar:
    """Training images, the most similar first.

    Attributes:
        by: what was compared, as the end of a sentence: "by their pixels".
        indices: int64 ``(K,)``, their places in the training set.
        images, labels: uint8 ``(K, 28, 28)`` and ``(K,)``.
        likeness: float64 ``(K,)``: distances (smaller is more alike), or of a forest the share of trees that cannot
            tell the two apart, 0-1 (larger is more alike).
        measure: ``"distance"`` or ``"share"``.
    """

    by: str
    indices: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    likeness: np.ndarray
    measure: str = "distance"


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The same question by one or two measures; ``answer`` is what the model reads."""

    rows: tuple[Similar, ...]
    answer: int


@dataclass(frozen=True, eq=False)
class Change:
    """A drawing changed so that a model reads another digit.

    Attributes:
        image: uint8 ``(28, 28)``: the changed drawing; the last attempt if it was not ``reached``.
        target: the digit that was wanted.
        reached: whether the model reads ``image`` as that digit.
        before, after: float32 ``(10,)``: probabilities for the drawing and for ``image``.
        added, removed: ink, counted in pixels that are full of it.
        pixels: how many are changed at all.
    """

    image: np.ndarray
    target: int
    reached: bool
    before: np.ndarray
    after: np.ndarray
    added: float
    removed: float
    pixels: int

    @property
    def ink(self) -> float:
        return self.added + self.removed
