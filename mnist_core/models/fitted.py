"""Fitted classical models as plain arrays: how they are kept, and how they read digits, without scikit-learn.

scikit-learn keeps models as pickles, and reading a pickle runs whatever its writer put in. Arrays in an ``.npz`` file
run nothing, do not depend on scikit-learn's version, and the worker that answers drawings need not import it. Tests
hold the answers to scikit-learn's own.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from mnist_core.data.mnist import Digits
from mnist_core.evaluation import CLASSES, cross_entropy
from mnist_core.models.plan import INPUT_SHAPE

PIXELS = INPUT_SHAPE[0] * INPUT_SHAPE[1]


class Fitted:
    """Base: ``scores`` of flat images become ``probabilities``; ``arrays`` are all that has to be kept."""

    scaled: bool

    @property
    def bytes(self) -> int:
        """That the model takes in memory."""
        return sum(np.asarray(array).nbytes for array in self.arrays().values())

    def scores(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels ``(N, 784)`` as the model was fitted on them; gives float64 ``(N, 10)`` that sum to 1."""
        raise NotImplementedError

    def arrays(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """``uint8 (N, 28, 28)`` in, ``float32 (N, 10)`` out."""
        return self.scores(flat(images, self.scaled)).astype(np.float32)

    def evaluate(self, digits: Digits) -> tuple[dict[str, float], np.ndarray]:
        """``loss`` (cross-entropy) and ``accuracy`` on the digits, and the probabilities."""
        probabilities = self.probabilities(digits.images)
        return scored(digits.labels, probabilities), probabilities

    def to_bytes(self) -> bytes:
        packed = io.BytesIO()
        np.savez_compressed(packed, scaled=self.scaled, **self.arrays())
        return packed.getvalue()


@dataclass(eq=False)
class Forest(Fitted):
    """Decision trees whose leaves' shares of digits are averaged.

    Attributes:
        roots: int32 ``(trees,)``: where each tree begins.
        children: int32 ``(nodes, 2)``: where to go when a pixel is at most the threshold, and when it is more. A
            number ``n`` below 0 is leaf ``-n - 1``.
        feature, threshold: int16 and float64 ``(nodes,)``: which pixel is asked about, and against what.
        leaves: float32 ``(leaves, 10)``: shares of the digits among the images that came to a leaf.
        counts: float32 ``(leaves,)``: how many images those were; nan in forests from before these were kept.
    """

    scaled: bool
    roots: np.ndarray
    children: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    leaves: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, scaled: bool) -> Forest:
        ints, floats = np.empty(0, np.int32), np.empty(0)
        leaves, counts = np.empty((0, CLASSES), np.float32), np.empty(0, np.float32)
        return cls(scaled, ints, np.empty((0, 2), np.int32), np.empty(0, np.int16), floats, leaves, counts)

    def with_tree(self, left, right, feature, threshold, shares, counts) -> Forest:
        """One tree more, given as scikit-learn's ``tree_`` has it: -1 for the children of a leaf.

        There a question stands before all that follows from it, *no* before *more*, so its leaves stand in a row.
        """
        leaf = np.asarray(left) < 0
        number = np.where(leaf, -(np.cumsum(leaf) + len(self.leaves)), np.cumsum(~leaf) + len(self.feature) - 1)
        inner = np.flatnonzero(~leaf)
        children = np.stack([number[np.asarray(left)[inner]], number[np.asarray(right)[inner]]], axis=1)
        return Forest(
            self.scaled,
            np.append(self.roots, number[0]).astype(np.int32),
            np.concatenate([self.children, children.reshape(-1, 2)]).astype(np.int32),
            np.concatenate([self.feature, np.asarray(feature)[inner]]).astype(np.int16),
            np.concatenate([self.threshold, np.asarray(threshold)[inner]]),
            np.concatenate([self.leaves, np.asarray(shares)[leaf]]).astype(np.float32),
            np.concatenate([self.counts, np.asarray(counts)[leaf]]).astype(np.float32),
        )

    def scores(self, pixels):
        votes = sum((self.votes(pixels, tree) for tree in range(len(self.roots))), np.zeros((len(pixels), CLASSES)))
        return votes / max(1, len(self.roots))

    def votes(self, pixels: np.ndarray, tree: int) -> np.ndarray:
        """What one tree says: float64 ``(N, 10)``."""
        return self.leaves[self.leaf(pixels, tree)].astype(np.float64)

    def leaf(self, pixels: np.ndarray, tree: int) -> np.ndarray:
        """The leaf that each image comes to in a tree. Pixels are compared in 32 bits, as scikit-learn does it."""
        pixels = np.asarray(pixels, np.float32)
        place = np.full(len(pixels), self.roots[tree])
        asked = np.flatnonzero(place >= 0)
        while len(asked):
            here = place[asked]
            more = pixels[asked, self.feature[here]] > self.threshold[here]
            place[asked] = self.children[here, more.astype(int)]
            asked = asked[place[asked] >= 0]
        return -place - 1

    def arrays(self):
        names = ("roots", "children", "feature", "threshold", "leaves", "counts")
        return {name: getattr(self, name) for name in names}


@dataclass(eq=False)
class LinearScores(Fitted):
    """Ten linear classifiers, one digit against the rest; digits that were not fitted yet are never answered.

    Attributes:
        weights, bias: float64 ``(10, 784)`` and ``(10,)``.
        known: how many digits, from 0 on, have been fitted.
        logistic: fitted by log loss, so that each gives a probability of its own, as ``predict_proba`` combines
            them. Otherwise a softmax of the distances stands in: it ranks digits as the model does, no more.
    """

    scaled: bool
    weights: np.ndarray
    bias: np.ndarray
    known: int
    logistic: bool

    def scores(self, pixels):
        distance = pixels @ self.weights.T + self.bias
        distance[:, self.known :] = -np.inf
        if self.logistic:
            each = 1 / (1 + np.exp(-distance))
            total = each.sum(axis=1, keepdims=True)
            return np.where(total > 0, each / np.where(total > 0, total, 1), 1 / CLASSES)
        exponential = np.exp(distance - distance.max(axis=1, keepdims=True))
        return exponential / exponential.sum(axis=1, keepdims=True)

    def arrays(self):
        return {"weights": self.weights, "bias": self.bias, "known": self.known, "logistic": self.logistic}


def from_bytes(data: bytes) -> Fitted:
    """The model that ``to_bytes`` packed; nothing in the file is ever run."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] if file[name].ndim else file[name].item() for name in file.files}
    if "roots" not in arrays:
        return LinearScores(**arrays)
    return Forest(**{"counts": np.full(len(arrays["leaves"]), np.nan, np.float32)} | arrays)


def flat(images: np.ndarray, scaled: bool) -> np.ndarray:
    """Pixels in one row: float64 ``(N, 784)``, 0-1 if they are scaled and 0-255 if not."""
    return images.reshape(len(images), PIXELS) / (255 if scaled else 1)


def scored(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    if not len(labels):
        return {"loss": 0.0, "accuracy": 0.0}
    right = probabilities.argmax(axis=1) == labels
    return {"loss": cross_entropy(labels, probabilities), "accuracy": float(right.mean())}
