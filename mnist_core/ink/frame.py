"""Ink -> 28 x 28: crop, fit and centre, as MNIST's authors did; and what is done when a step is switched off."""

from __future__ import annotations

import numpy as np
from PIL import Image

SIDE = 28
BOX_SIDE = 20

# A digit ends where ink is fainter than 1/5: it must not grow by blur or JPEG's ripple. Of MNIST's 10,000
# test images, 20 pixels long, only 5 become shorter by it.
SOLID = 0.2
# Ink beyond a gap of empty rows or columns is dust, or a slip of the pen, if it is less than 3 % of all ink: a stroke
# is never cut.
DUST_SHARE = 0.03
# Paper is wider than what is written on it by this share of the picture on each side, unless the picture is cut close.
MARGIN = 1 / 50
# A dot of a few pixels is enlarged as if it were 6 pixels wide, not blown up to a 20 x 20 block.
LEAST_SIDE = 6


def crop(ink: np.ndarray) -> np.ndarray:
    """Cut away the empty paper around the ink, and any dust and faint blur on it."""
    return ink[extent(ink)]


def extent(ink: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns that hold solid ink, without dust."""
    solid = np.where(ink >= SOLID * ink.max(), ink, 0)
    return _inked(solid.sum(axis=1)), _inked(solid.sum(axis=0))


def has_margins(inked: slice, length: int) -> bool:
    """Whether there is paper on both sides of the inked rows (or columns) of so many."""
    return MARGIN * length <= inked.start and inked.stop <= (1 - MARGIN) * length


def fit(ink: np.ndarray) -> np.ndarray:
    """Scale so that the longer side is 20 pixels, keeping the aspect ratio; the darkest ink becomes 1."""
    scale = BOX_SIDE / max(*ink.shape, LEAST_SIDE)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    return _resized(ink, height, width)


def squash(ink: np.ndarray) -> np.ndarray:
    """Scale to 28 x 28 whatever the aspect ratio: what most demos do instead of ``fit``."""
    return _resized(ink, SIDE, SIDE)


def _resized(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    # Pillow widens the filter when it reduces, so that every pixel of a thin stroke counts.
    small = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.HAMMING))
    return np.clip(small / max(small.max(), 1e-6), 0, 1)


def centre(ink: np.ndarray) -> np.ndarray:
    """Place in 28 x 28 with the centre of mass at the centre, or as near to it as the ink fits."""
    return _placed(ink, _start(ink.sum(axis=1)), _start(ink.sum(axis=0)))


def middle(ink: np.ndarray) -> np.ndarray:
    """Place in 28 x 28 with as much paper on one side as on the other, instead of ``centre``."""
    return _placed(ink, *((SIDE - side) // 2 for side in ink.shape))


def _placed(ink: np.ndarray, top: int, left: int) -> np.ndarray:
    whole = np.zeros((SIDE, SIDE), np.float32)
    whole[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return whole


def _inked(profile: np.ndarray) -> slice:
    """The inked rows (or columns), but for the runs at either end that together hold no more than dust."""
    steps = np.diff(np.concatenate(([0], profile > 0, [0])))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    mass = np.add.reduceat(profile, starts, dtype=np.float64)
    least = DUST_SHARE * mass.sum()
    first = np.argmax(np.cumsum(mass) >= least)
    last = len(mass) - 1 - np.argmax(np.cumsum(mass[::-1]) >= least)
    return slice(starts[first], ends[last])


def _start(profile: np.ndarray) -> int:
    """Where ink must start in 28 pixels so that its centre of mass is at index 14, as it is in MNIST."""
    middle = np.average(np.arange(len(profile)), weights=profile)
    return int(np.clip(round(SIDE / 2 - middle), 0, SIDE - len(profile)))
