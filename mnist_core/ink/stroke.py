"""Strokes as MNIST has them: smooth at any resolution, and of a thickness that its pens had."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mnist_core.ink.frame import BOX_SIDE, LEAST_SIDE, fit

# Strokes of 98 in 100 MNIST training digits are so thick, in pixels of the 20 x 20 box; the median is 2.4.
THINNEST, THICKEST = 1.45, 4.2
# Below this length, a digit of 20 pixels is made of fewer pixels than it has to show.
COARSE = 18
# Strokes are worked on at four pixels for one of MNIST's.
FINE_SIDE = 4 * BOX_SIDE
# The neighbourhood in which the darkest ink counts as full: as wide as a stroke and its edges.
NEIGHBOURHOOD = 9
# Paper around the digit for strokes to grow into.
ROOM = 8
# Ink fainter than this share of the darkest is not raised to full.
FAINTEST = 0.3


def thickness(ink: np.ndarray) -> float:
    """How thick strokes are on the mean, in pixels: twice their area by the length of their outline.

    The outline's length is the total variation of the ink (the co-area formula), so grey edges count as they should.
    """
    padded = np.pad(ink, 1)
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.sqrt(down**2 + right**2).sum())


def smooth(ink: np.ndarray) -> np.ndarray:
    """Redraw a digit of few pixels, such as 8 x 8, with clear and smooth edges; leave others as they are."""
    return ink if max(ink.shape) > COARSE or max(ink.shape) < LEAST_SIDE else _drawn(_outline(ink), 0)


def even_pen(ink: np.ndarray) -> np.ndarray:
    """Make strokes thicker or thinner, if MNIST has none like them, until it has; but never so thin that one breaks."""
    if max(ink.shape) < LEAST_SIDE:
        return ink
    found = thickness(fit(ink))
    wanted = float(np.clip(found, THINNEST, THICKEST))
    if wanted == found:
        return ink
    outline = _outline(ink)
    # Strokes that grow by 2 d make the digit longer by as much: (thick + 2 d) / (length + 2 d) = share.
    share, drawn = wanted / BOX_SIDE, _drawn(outline, 0)
    grow = (share * max(drawn.shape) - thickness(drawn)) / (1 - share) / 2
    whole = _pieces(drawn)
    while grow < -0.5 and _pieces(_drawn(outline, grow)) != whole:
        grow /= 2
    return _drawn(outline, grow)


def _pieces(ink: np.ndarray) -> int:
    from scipy import ndimage

    return ndimage.label(ink > 0.5, np.ones((3, 3)))[1] if ink.size else 0


def _outline(ink: np.ndarray) -> np.ndarray:
    """The distance to the edge of the ink, in pixels of which FINE_SIDE make the digit: negative on paper."""
    from scipy import ndimage

    image = Image.fromarray(np.pad(ink, 1))
    scale = FINE_SIDE / max(ink.shape)
    fine = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)
    fine = np.pad(np.asarray(fine), ROOM)
    full = ndimage.maximum_filter(fine, NEIGHBOURHOOD)
    inside = fine > 0.5 * np.maximum(full, FAINTEST * fine.max())
    within, without = (ndimage.distance_transform_edt(part) for part in (inside, ~inside))
    return np.where(inside, within - 0.5, 0.5 - without).astype(np.float32)


def _drawn(outline: np.ndarray, grow: float) -> np.ndarray:
    """The ink within an outline that is moved outwards by ``grow`` pixels, without the paper around it."""
    ink = np.clip(outline + np.float32(grow + 0.5), 0, 1)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else ink[:0]
