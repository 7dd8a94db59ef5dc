"""What classical models can say of themselves: a linear model its sum, a forest the questions on its trees' ways."""

from __future__ import annotations

import numpy as np

from mnist_core.errors import ExplainError
from mnist_core.models.fitted import PIXELS, Forest, LinearScores, flat


def linear_contributions(model: LinearScores, image: np.ndarray, digit: int) -> tuple[np.ndarray, float, float]:
    """Weight times pixel, float32 ``(28, 28)``, the bias, and the digit's score: bias plus all of them."""
    _require_known(model, digit)
    parts = model.weights[digit] * flat(image[None], model.scaled)[0]
    bias = float(model.bias[digit])
    return parts.reshape(28, 28).astype(np.float32), bias, bias + float(parts.sum())


def linear_slope(model: LinearScores, pixels: np.ndarray, digit: int) -> np.ndarray:
    """How the logarithm of the scores' softmax changes with each pixel 0-255, ``(28, 28)``.

    The softmax puts the digits into the order in which the model answers, whatever it was fitted by.
    """
    _require_known(model, digit)
    scale = 1 / 255 if model.scaled else 1.0
    weights = model.weights[: model.known]
    scores = weights @ (pixels.ravel() * scale) + model.bias[: model.known]
    shares = np.exp(scores - scores.max())
    return (weights[digit] - shares / shares.sum() @ weights).reshape(28, 28) * scale


def forest_contributions(model: Forest, image: np.ndarray, digit: int) -> tuple[np.ndarray, float, float]:
    """What the questions about each pixel added to the digit's probability, float32 ``(28, 28)``.

    Besides, the probability where all trees begin, and the answer: the one plus all contributions is the other.
    Saabas 2014, "Interpreting random forests" (https://blog.datadive.net/interpreting-random-forests/): at every
    question the share of the digit among the training images changes, and the pixel asked about gets the difference.
    """
    if np.isnan(model.counts).any():
        raise ExplainError(
            "This forest was grown before trees kept count of the images in their leaves, so what its questions added "
            "is not known. Train it again to see that."
        )
    pixels = flat(image[None], model.scaled)[0].astype(np.float32)
    totals = np.concatenate([[0], np.cumsum(model.counts, dtype=np.float64)])
    digits = np.concatenate([[0], np.cumsum(model.counts * model.leaves[:, digit].astype(np.float64))])

    def share(place: np.ndarray) -> np.ndarray:
        """Of the digit among the training images that come by here. The leaves below a question stand in a row."""
        first, last = (_leaf_below(model, place, side) for side in (0, 1))
        return (digits[last + 1] - digits[first]) / (totals[last + 1] - totals[first])

    contributions, place = np.zeros(PIXELS), model.roots.astype(int)
    here = share(place)
    start = here.mean()
    while len(asked := np.flatnonzero(place >= 0)):
        feature = model.feature[place[asked]]
        place[asked] = _next(model, place[asked], pixels[feature])
        there = share(place[asked])
        np.add.at(contributions, feature, there - here[asked])
        here[asked] = there
    contributions /= len(place)
    return contributions.reshape(28, 28).astype(np.float32), float(start), float(here.mean())


def forest_slope(model: Forest, pixels: np.ndarray, digit: int) -> np.ndarray:
    """The digit's probability with a pixel full of ink less that without any, by 255: ``(28, 28)``.

    A forest's answer has no slope; this stands in. Only the pixels that a tree asks about on its way can change what
    it says, so each tree is walked again twice for each of those.
    """
    drawing = flat(pixels[None], model.scaled)[0].astype(np.float32)
    roots, pairs = model.roots.astype(int), []
    place = roots.copy()
    while len(asked := np.flatnonzero(place >= 0)):
        feature = model.feature[place[asked]].astype(int)
        pairs.append(asked * PIXELS + feature)
        place[asked] = _next(model, place[asked], drawing[feature])
    trees, changed = np.divmod(np.unique(np.concatenate(pairs)) if pairs else np.empty(0, int), PIXELS)
    full, blank = (_walk(model, roots[trees], drawing, changed, ink) for ink in (1 if model.scaled else 255, 0))
    slope = np.zeros(PIXELS)
    np.add.at(slope, changed, (model.leaves[full, digit] - model.leaves[blank, digit]).astype(np.float64))
    return slope.reshape(28, 28) / len(roots) / 255


def forest_leaves(model: Forest, images: np.ndarray) -> np.ndarray:
    """The leaf that every image comes to in every tree, ``(N, trees)``."""
    pixels = flat(images, model.scaled)
    return np.stack([model.leaf(pixels, tree) for tree in range(len(model.roots))], axis=1)


def _walk(model: Forest, place: np.ndarray, drawing: np.ndarray, changed: np.ndarray, ink: float) -> np.ndarray:
    """Leaves reached from each place, when one pixel of the drawing, another each time, has so much ink."""
    place = place.copy()
    while len(asked := np.flatnonzero(place >= 0)):
        feature = model.feature[place[asked]]
        seen = np.where(feature == changed[asked], np.float32(ink), drawing[feature])
        place[asked] = _next(model, place[asked], seen)
    return -place - 1


def _next(model: Forest, place: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    return model.children[place, (pixel > model.threshold[place]).astype(int)]


def _leaf_below(model: Forest, place: np.ndarray, side: int) -> np.ndarray:
    """The first (0) or last (1) of the leaves below each place; a leaf itself if it is one."""
    place = place.copy()
    while len(inner := np.flatnonzero(place >= 0)):
        place[inner] = model.children[place[inner], side]
    return -place - 1


def _require_known(model: LinearScores, digit: int) -> None:
    if digit >= model.known:
        raise ExplainError(
            f"This model was stopped before it had learned the {digit}; it knows the digits below {model.known}."
        )
