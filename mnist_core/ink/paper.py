"""Grey -> ink: which of a picture is ink, either way round, and how dark it is."""

from __future__ import annotations

import numpy as np

from mnist_core.errors import EmptyDrawing, ImageError

# Ink stands out of the paper by 24 of 255 grey levels at least. A pixel counts as ink when it leaves the
# paper by 5 standard deviations of the paper's noise and by 1/16 of the darkest ink, which is about the
# ripple that JPEG leaves around strokes. No MNIST digit grows or shrinks by a gate of 1/16.
LEAST_CONTRAST = 24
NOISE_REACH = 5.0
LEAST_SHARE = 1 / 16
# The median absolute deviation of a normal distribution is its standard deviation / 1.4826.
MAD_TO_SIGMA = 1.4826
# Noise cannot be measured on fewer pixels than this: the grey edges of a digit would pass for it.
LEAST_BORDER = 100
# So many pixels may be dead or dazzled.
MOST_ODD = 8
# Where strokes cover about half of the border, as in a tight crop, the border does not say what paper is.
UNDECIDED = (0.35, 0.65)

EMPTY = "The picture is empty: {found}. Draw one digit with a thick pen, dark on light or light on dark."


def to_ink(grey: np.ndarray, paper: int | None = None) -> np.ndarray:
    """How much ink each pixel of a grey picture holds, float32 (H, W): 0 is paper, 1 the pen's full darkness.

    Dark on light and light on dark alike: paper is what most of the border is, and ink lies on the side where
    the picture goes furthest from it. Paper and its noise become exactly 0; the edge of a stroke stays grey.

    Args:
        grey: uint8 (H, W).
        paper: the level of the paper, 0 to 255, where it is known; then it is taken to be free of noise.

    Raises:
        ImageError: another shape or dtype. EmptyDrawing: one colour, or nothing but faint noise.
    """
    grey = np.asarray(grey)
    if grey.dtype != np.uint8 or grey.ndim != 2 or not grey.size:
        raise ImageError(f"The picture is {grey.dtype} of shape {grey.shape}; needed is uint8 (H, W).")
    paper, noise = _paper(grey) if paper is None else (paper, 0.0)
    away = grey.astype(np.float32) - np.float32(paper)
    below, above = _extremes(away)
    if -below > above:
        away, above = -away, -below
    gate = max(NOISE_REACH * noise, LEAST_SHARE * above)
    if above < LEAST_CONTRAST or above <= gate:
        raise EmptyDrawing(EMPTY.format(found="nothing stands out clearly from the paper"))
    # The ink's level is that of the stroke's inside, not of one odd pixel: 90 of 100 dark pixels are lighter.
    full = np.quantile(away[away >= above / 2], 0.9)
    return np.where(away > gate, np.minimum(away / np.float32(full), 1), 0).astype(np.float32)


def as_it_is(grey: np.ndarray) -> np.ndarray:
    """Take a grey picture for ink as MNIST stores it, black paper and white ink, whatever it shows."""
    if not grey.any():
        raise EmptyDrawing(EMPTY.format(found="it is black all over"))
    return grey.astype(np.float32) / 255


def _paper(grey: np.ndarray) -> tuple[float, float]:
    """The level of the paper and the standard deviation of its noise, from a border that ink may cross.

    The median absolute deviation ignores ink, but misses the noise of paper near white or black, half of
    which is clipped away. So deviations too faint to be ink count too, and twice on such paper.
    """
    border = _border(grey)
    paper = np.median(border)
    split = (int(grey.min()) + int(grey.max())) / 2
    dark = np.mean(border < split)
    if UNDECIDED[0] < dark < UNDECIDED[1]:
        # Ink covers less of a picture than paper does.
        there = (border < split) == (np.mean(grey < split) > 0.5)
        paper = np.median(border[there])
        if abs(np.median(border[~there]) - paper) > 2 * LEAST_CONTRAST:
            border = border[there]  # the rest is no noise of the paper
    if len(border) < LEAST_BORDER:
        return float(paper), 0.0
    away = np.abs(border - paper)
    clipped = min(paper, 255 - paper) < LEAST_CONTRAST
    faint = np.mean(np.where(away < LEAST_CONTRAST, away, 0) ** 2) * (2 if clipped else 1)
    return float(paper), float(max(MAD_TO_SIGMA * np.median(away), np.sqrt(faint)))


def _border(grey: np.ndarray) -> np.ndarray:
    """The pixels of a frame 1/20 of the shorter side wide, (K,) floats."""
    width = max(1, min(grey.shape) // 20)
    inside = np.zeros(grey.shape, bool)
    inside[width:-width, width:-width] = True
    return grey[~inside].astype(np.float32)


def _extremes(values: np.ndarray) -> tuple[float, float]:
    """The least and greatest value but for a few pixels at each end, which may be dead or dazzled: one in 10,000, and
    no more of a large picture, since what is written on it need not be large."""
    skip = min(values.size // 10_000, MOST_ODD)
    ordered = np.partition(values, (skip, values.size - 1 - skip), axis=None)
    return float(ordered[skip]), float(ordered[values.size - 1 - skip])
