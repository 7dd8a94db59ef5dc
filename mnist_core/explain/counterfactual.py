"""A counterfactual: the least ink that makes a model read another digit.

Wachter, Mittelstadt and Russell 2017, "Counterfactual Explanations without Opening the Black Box" (arXiv 1711.00399):
the nearest picture with the wanted answer, near by the sum of all changes (L1), which on paper is ink. It is looked
for greedily: ink goes where it raises the wanted digit's score most, a little at a time, until the answer changes;
then all that was not needed is taken back. So it is a small change, and not for certain the smallest. Where no ink
raises the score at first, the way begins at an image that is read as the wanted digit, and leads back from there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mnist_core.explain.results import Change

FULL = 255.0
NOTHING = np.empty((0, 28, 28), np.uint8)

PACE = ((48, 4), (24, 12), (16, 40))
"""Steps, and the pixels that change in each: few while that is enough, more where the answer sits fast."""

STROKE = 64.0
"""How much ink a pixel gets or loses in a step, of 255."""

ATTEMPTS = 33
"""Ways of taking ink back that are asked about together."""


def least_ink(
    probabilities: Callable[[np.ndarray], np.ndarray],
    slope: Callable[[np.ndarray, int], np.ndarray],
    image: np.ndarray,
    target: int,
    stroke: float = STROKE,
    examples: Callable[[], np.ndarray] = lambda: NOTHING,
) -> Change:
    """Looks for the smallest change of ``image``, uint8 ``(28, 28)``, that is read as ``target``.

    Args:
        probabilities: of uint8 images ``(N, 28, 28)``; they alone say what is read.
        slope: how the target's score changes with each pixel, ``(28, 28)`` for pixels 0-255 ``(28, 28)``.
        stroke: how much ink goes on or off a pixel in a step.
        examples: gives images ``(N, 28, 28)`` of the wanted digit; asked for only if nothing else helps.
    """

    def read(pictures: np.ndarray) -> np.ndarray:
        return probabilities(pictures).argmax(axis=1) == target

    before = probabilities(image[None])[0]
    if before.argmax() == target:
        return _change(image, image, target, True, before, before)
    drawing = image.astype(np.float64)
    changed, reached = _climb(read, slope, drawing, target, stroke)
    if not reached and len(others := examples()) and (right := read(others)).any():
        changed, reached = _cheapest(drawing, others[right]), True
    if reached:
        for _ in range(2):
            changed = _without_the_least_useful(read, slope, drawing, changed, target)
        changed = _as_little_as_possible(read, drawing, changed)
    picture = _paper(changed)
    return _change(image, picture, target, reached, before, probabilities(picture[None])[0])


def _climb(read, slope, drawing: np.ndarray, target: int, stroke: float) -> tuple[np.ndarray, bool]:
    """Adds and takes away ink where it helps most, until the answer changes or nothing helps any more."""
    changed = drawing.copy()
    for steps, pixels in PACE:
        for _ in range(steps):
            rising = slope(changed, target)
            room = np.where(rising > 0, FULL - changed, changed)
            help_ = np.where(room > 0, np.abs(rising), 0)
            best = np.argsort(-help_, axis=None)[:pixels]
            best = best[help_.flat[best] > 0]
            if not len(best):
                return changed, False
            changed.flat[best] += np.sign(rising.flat[best]) * np.minimum(stroke, room.flat[best])
            if read(_paper(changed)[None])[0]:
                return changed, True
    return changed, False


def _without_the_least_useful(read, slope, drawing: np.ndarray, changed: np.ndarray, target: int) -> np.ndarray:
    """Gives as many pixels back to the drawing as can be, those first that do least for the answer."""
    difference = changed - drawing
    where = np.flatnonzero(difference)
    use = (slope(changed, target) * difference).flat[where]
    order = where[np.argsort(use)]
    counts = np.unique(np.linspace(0, len(order), ATTEMPTS).astype(int))
    attempts = np.repeat(changed[None], len(counts), axis=0)
    for attempt, count in zip(attempts, counts, strict=True):
        attempt.flat[order[:count]] = drawing.flat[order[:count]]
    return _cheapest(drawing, attempts[read(_paper(attempts))])


def _as_little_as_possible(read, drawing: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """The smallest part of the whole change that is enough."""
    parts = np.linspace(0, 1, ATTEMPTS)[:, None, None]
    attempts = drawing + parts * (changed - drawing)
    return _cheapest(drawing, attempts[read(_paper(attempts))])


def _cheapest(drawing: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """The picture that differs from the drawing by the least ink."""
    return pictures[np.abs(pictures - drawing).sum(axis=(1, 2)).argmin()].astype(np.float64)


def _paper(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels).astype(np.uint8)


def _change(image, picture, target: int, reached: bool, before, after) -> Change:
    difference = (picture.astype(np.float64) - image) / FULL
    added, removed = difference.clip(0).sum(), (-difference).clip(0).sum()
    return Change(picture, target, bool(reached), before, after, added, removed, int((difference != 0).sum()))
