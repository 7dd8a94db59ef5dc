"""Numbers from arrays: how right, and how sure, a model was on a set of labelled images.

Everything here is a pure function of ``labels``, integers 0..9 of shape (N,), and ``probabilities``, floats
of shape (N, 10) whose rows sum to 1. Drawing is left to the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

CLASSES = 10

# Keras keeps probabilities this far from 0 and 1 before it takes their logarithm (keras.config.epsilon()).
EPSILON = 1e-7

CLIPPED = 1e-9
"""What the tutorials with raw variables clip a probability to before they take its logarithm."""


class Averages(NamedTuple):
    """Precision, recall and F1 averaged over the classes, each 0..1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class Report:
    """Precision, recall and F1 of each class, 0..1, of shape (classes,), and their averages.

    ``support`` counts the true images of each class. ``macro`` counts every class alike; ``weighted`` counts
    each class by its support. A class that was never predicted has precision 0, one without images recall 0.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    accuracy: float
    macro: Averages
    weighted: Averages

    def rows(self) -> list[dict[str, str | float | int]]:
        """The report as a table: a row per class, then 'macro average' and 'weighted average'."""
        names = [str(digit) for digit in range(len(self.support))] + ["macro average", "weighted average"]
        per_class = zip(self.precision.tolist(), self.recall.tolist(), self.f1.tolist(), strict=True)
        scores = [*per_class, self.macro, self.weighted]
        total = int(self.support.sum())
        support = [*self.support.tolist(), total, total]
        return [
            {"class": name, "precision": precision, "recall": recall, "f1": f1, "support": count}
            for name, (precision, recall, f1), count in zip(names, scores, support, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: images gathered by how sure the model was, and how often it was then right.

    ``edges`` (bins + 1,) run from 0 to 1; bin b holds confidences in (edges[b], edges[b + 1]].
    ``confidence`` and ``accuracy`` (bins,) are means over a bin, nan where ``count`` (bins,) is 0.
    ``ece`` is the expected calibration error, 0..1: 0 when confidence equals accuracy in every bin.
    """

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    ece: float


def predictions(probabilities: np.ndarray) -> np.ndarray:
    """The likeliest class of each image, int (N,); the lower digit wins a tie."""
    return _probabilities(probabilities).argmax(axis=1)


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of images whose likeliest class is the true one, 0..1."""
    labels, probabilities = _pair(labels, probabilities)
    return float(np.mean(predictions(probabilities) == labels))


def cross_entropy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of -log(probability of the true class), in nats: Keras' sparse categorical cross-entropy."""
    labels, probabilities = _pair(labels, probabilities)
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(of_truth, EPSILON, 1 - EPSILON)).mean())


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """How often each true class (down) was predicted as each class (across), int64 (classes, classes)."""
    labels, predicted = _classes("labels", labels, classes), _classes("predicted", predicted, classes)
    _same_length(labels, predicted, "predicted")
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def classification_report(matrix: np.ndarray) -> Report:
    """Precision, recall and F1 of each class, from a confusion matrix (true down, predicted across).

    A score that would divide by zero is 0.0, as in scikit-learn with ``zero_division=0``.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(
            f"matrix has shape {matrix.shape}; a confusion matrix is square, (classes, classes)."
        )
    hits, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    precision, recall = _ratio(hits, predicted), _ratio(hits, support)
    f1 = _ratio(2 * hits, support + predicted)
    share = _ratio(support, support.sum())
    scores = (precision, recall, f1)
    return Report(
        *scores,
        support=support,
        accuracy=float(_ratio(hits.sum(), matrix.sum())),
        macro=Averages(*(float(score.mean()) for score in scores)),
        weighted=Averages(*(float(score @ share) for score in scores)),
    )


def mistakes(labels: np.ndarray, probabilities: np.ndarray, predicted: np.ndarray | None = None) -> np.ndarray:
    """Indices (M,) of the wrongly predicted images, the most confident mistake first, ties in order.

    Args:
        predicted: classes, where those count that other probabilities gave; these then tell only how sure they are.
    """
    labels, probabilities = _pair(labels, probabilities)
    wrong = np.flatnonzero((predictions(probabilities) if predicted is None else predicted) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def cell(labels: np.ndarray, predicted: np.ndarray, true: int, predicted_class: int) -> np.ndarray:
    """Indices (M,) of the images in one cell of the confusion matrix, in order."""
    labels, predicted = _classes("labels", labels), _classes("predicted", predicted)
    _same_length(labels, predicted, "predicted")
    return np.flatnonzero((labels == true) & (predicted == predicted_class))


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> Reliability:
    """Compare confidence with accuracy in ``bins`` (1 or more) equal bins of confidence.

    Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv 1706.04599): the bins of section 2,
    the expected calibration error of eq. 3, and 15 bins as in its experiments.
    """
    labels, probabilities = _pair(labels, probabilities)
    if bins < 1:
        raise ValueError(f"bins is {bins}; it is 1 or more.")
    confident = probabilities.max(axis=1).astype(np.float64)
    right = predictions(probabilities) == labels
    edges = np.linspace(0, 1, bins + 1)
    # A sum of float32 may exceed 1 by a rounding error: it belongs to the last bin.
    bin_of = np.clip(np.searchsorted(edges, confident, side="left") - 1, 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    held = np.where(count, count, np.nan)
    confidence = np.bincount(bin_of, weights=confident, minlength=bins) / held
    correct = np.bincount(bin_of, weights=right, minlength=bins) / held
    ece = np.nansum(count * np.abs(correct - confidence)) / len(labels)
    return Reliability(edges, confidence, correct, count, float(ece))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole in floats, 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(part + whole)), where=np.asarray(whole) != 0)


def _probabilities(probabilities: np.ndarray) -> np.ndarray:
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != CLASSES or not len(probabilities):
        raise ValueError(f"probabilities has shape {probabilities.shape}; it is (N, {CLASSES}), N 1 or more.")
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities holds nan or infinity; each is a number from 0 to 1.")
    return probabilities


def _classes(name: str, values: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise ValueError(f"{name} is {values.dtype} of shape {values.shape}; it is integers of shape (N,).")
    if values.size and not 0 <= values.min() <= values.max() < classes:
        raise ValueError(
            f"{name} runs from {values.min()} to {values.max()}; classes are 0 to {classes - 1}."
        )
    return values.astype(np.int64)


def _same_length(labels: np.ndarray, others: np.ndarray, name: str) -> None:
    if len(labels) != len(others):
        raise ValueError(f"{len(labels)} labels and {len(others)} {name}; each image has one of both.")


def _pair(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, probabilities = _classes("labels", labels), _probabilities(probabilities)
    _same_length(labels, probabilities, "rows of probabilities")
    return labels, probabilities
