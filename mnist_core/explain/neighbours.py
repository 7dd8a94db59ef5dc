"""MNIST's training images that are most like a drawing: by pixels among all, and as the model sees them among those.

To compare 60,000 images as a network's last hidden layer sees them would take it half a minute. So the nearest by
pixels are taken, and put into the order that the model's own measure gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mnist_core.data.mnist import Digits
from mnist_core.explain.results import Similar

SHOWN = 10
CANDIDATES = 256
"""How many of the nearest by pixels are put into the model's order."""

AT_ONCE = 4000
"""Images in 32 bits at a time, so that no copy of the training set four times its size is made."""

BLOCK = 512
"""Images that are turned together: as many as the processor's cache holds, which halves the time."""


class Search:
    """Finds the nearest of many images by their pixels.

    It keeps them a second time, turned: then only the rows of those pixels have to be read where the drawing has ink.
    """

    def __init__(self, digits: Digits):
        self.digits = digits
        self._flat = digits.images.reshape(len(digits), -1)
        self._turned = np.empty(self._flat.shape[::-1], np.uint8)
        for i in range(0, len(digits), BLOCK):
            self._turned[:, i : i + BLOCK] = self._flat[i : i + BLOCK].T
        self._squares = np.zeros(len(digits), np.int64)
        for row in self._turned:
            self._squares += row.astype(np.uint16) ** 2  # at most 65,025

    def nearest(self, image: np.ndarray, count: int = CANDIDATES) -> tuple[np.ndarray, np.ndarray]:
        """Places and Euclidean distances (in pixels full of ink) of the nearest, the earlier one first in a tie."""
        # 32 bits round sums of products. Twice as many are taken and measured exactly.
        rough = np.argsort(self._roughly(image), kind="stable")[: 2 * count]
        differences = self._flat[rough] - image.astype(np.int64).ravel()
        exact = np.einsum("ij,ij->i", differences, differences)
        order = np.lexsort((rough, exact))[:count]
        return rough[order], np.sqrt(exact[order]) / 255

    def examples(self, image: np.ndarray, label: int, count: int = SHOWN) -> np.ndarray:
        """The nearest of one label, uint8 ``(K, 28, 28)``."""
        places = np.flatnonzero(self.digits.labels == label)
        return self.digits.images[places[np.argsort(self._roughly(image)[places], kind="stable")[:count]]]

    def _roughly(self, image: np.ndarray) -> np.ndarray:
        """Squares of the distances to all images, less the drawing's own, float64 ``(N,)``."""
        drawing = image.astype(np.float32).ravel()
        ink = np.flatnonzero(drawing)
        rows, weights = self._turned[ink], drawing[ink]
        alike = [weights @ rows[:, i : i + AT_ONCE].astype(np.float32) for i in range(0, len(self.digits), AT_ONCE)]
        return self._squares - 2 * np.concatenate(alike).astype(np.float64)


def by_pixels(digits: Digits, near: tuple[np.ndarray, np.ndarray], count: int = SHOWN) -> Similar:
    """The first of those that a ``Search`` found."""
    indices, distances = (values[:count] for values in near)
    return Similar("by their pixels", indices, digits.images[indices], digits.labels[indices], distances)


def by_features(
    digits: Digits, near: np.ndarray, image: np.ndarray, features: Callable[[np.ndarray], np.ndarray], by: str
) -> Similar:
    """The nearest of the images at ``near`` by ``features``, which gives ``(N, F)`` for uint8 ``(N, 28, 28)``."""
    values = features(np.concatenate([image[None], digits.images[near]])).astype(np.float64)
    return _best(digits, near, np.linalg.norm(values[1:] - values[0], axis=1), by, "distance")


def by_leaves(
    digits: Digits, near: np.ndarray, image: np.ndarray, leaves: Callable[[np.ndarray], np.ndarray], by: str
) -> Similar:
    """The same by a forest's proximity: the share of trees in which both come to one leaf.

    Breiman and Cutler, "Random Forests" (https://www.stat.berkeley.edu/~breiman/RandomForests/cc_home.htm#prox).

    Args:
        leaves: the leaf of every image in every tree, ``(N, trees)``.
    """
    found = leaves(np.concatenate([image[None], digits.images[near]]))
    return _best(digits, near, (found[1:] == found[0]).mean(axis=1), by, "share")


def _best(digits: Digits, near: np.ndarray, likeness: np.ndarray, by: str, measure: str) -> Similar:
    order = np.argsort(likeness if measure == "distance" else -likeness, kind="stable")[:SHOWN]
    chosen = near[order]
    return Similar(by, chosen, digits.images[chosen], digits.labels[chosen], likeness[order], measure)
