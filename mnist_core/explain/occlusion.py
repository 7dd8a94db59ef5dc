"""Occlusion: what happens to an answer when a piece of the drawing is covered. For any model, by its answers alone.

Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks" (arXiv 1311.2901), section 4.2. They
cover with grey; here blank paper covers, which on paper is the same as nothing, so only patches with ink are asked.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

PATCH, STRIDE = 6, 2
"""In pixels. A patch is wide enough to cut the thickest stroke."""


def occlusion(
    probabilities: Callable[[np.ndarray], np.ndarray], image: np.ndarray, digit: int
) -> tuple[np.ndarray, float, float]:
    """Every pixel's mean fall of the digit's probability over the patches that cover it, float32 ``(28, 28)``.

    Besides, the lowest probability under any patch, and the one with nothing covered.

    Args:
        probabilities: of uint8 images ``(N, 28, 28)``.
    """
    corners = [(y, x) for y in range(0, 28 - PATCH + 1, STRIDE) for x in range(0, 28 - PATCH + 1, STRIDE)]
    telling = [(y, x) for y, x in corners if image[y : y + PATCH, x : x + PATCH].any()]
    covered = np.repeat(image[None], len(telling) + 1, axis=0)
    for picture, (y, x) in zip(covered[1:], telling, strict=True):
        picture[y : y + PATCH, x : x + PATCH] = 0
    answers = probabilities(covered)[:, digit].astype(np.float64)
    falls, times = np.zeros((28, 28)), np.zeros((28, 28))
    for y, x in corners:
        times[y : y + PATCH, x : x + PATCH] += 1
    for fall, (y, x) in zip(answers[0] - answers[1:], telling, strict=True):
        falls[y : y + PATCH, x : x + PATCH] += fall
    return (falls / times).astype(np.float32), float(answers.min()), float(answers[0])
