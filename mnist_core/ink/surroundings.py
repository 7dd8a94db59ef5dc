"""Takes out of the ink what lies beside the paper, such as the table under it."""

from __future__ import annotations

import numpy as np

from mnist_core.ink.frame import extent, has_margins
from mnist_core.ink.stroke import thickness

# Smaller pictures are no photos.
LEAST_SIDE = 64
# What is darker than this share of the digit's mean is as dark as the pen.
INKED = 0.75
# What lies along so much of one of the picture's sides, or in a corner, is the table if it is much thicker than a
# stroke, or leaves the middle third free. In a picture cut close to the ink it may be a stroke, such as the 1 of a 10:
# as dark as the pen, and as thick or thin within this factor.
ALONG, ALIKE = 0.5, 1.5
# What is so many times as thick as the digit's strokes, or a scrap with less than this share of the ink, is no digit.
THICK, SCRAP = 2.0, 0.05
# The digit is whole if one piece that no border cuts has so much of the ink but for the table. It is no speck: it has
# so much of all ink, and is so many times as long as it is thick.
WHOLE_SHARE, LEAST_WHOLE, LONG = 0.3, 0.002, 3.0


def without_surroundings(ink: np.ndarray) -> np.ndarray:
    """The ink without what the picture's border cuts off, such as a table's edge, if the digit itself is whole.

    Strokes of the pen that only touch the border stay.
    """
    if min(ink.shape) < LEAST_SIDE:
        return ink
    from scipy import ndimage

    labels, count = ndimage.label(ink > 0, np.ones((3, 3)))
    mass = np.bincount(labels.ravel(), ink.ravel(), count + 1)
    sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    cut = [piece for piece in np.unique(np.concatenate(sides)) if piece]
    whole = mass.copy()
    whole[cut] = 0
    largest = int(whole.argmax())
    if not cut or whole[largest] < max(LEAST_WHOLE * mass.sum(), 1e-6):
        return ink
    boxes = ndimage.find_objects(labels)

    def thick(piece: int) -> float:
        box = boxes[piece - 1]
        return thickness(np.where(labels[box] == piece, ink[box], 0))

    stroke = thick(largest)
    if max(side.stop - side.start for side in boxes[largest - 1]) < LONG * stroke:
        return ink
    along = np.max([np.bincount(side, minlength=count + 1) / len(side) for side in sides], axis=0)
    corners, middle = labels[[0, 0, -1, -1], [0, -1, 0, -1]], labels[_middle_third(ink.shape)]
    dark = mass / np.maximum(1, np.bincount(labels.ravel(), minlength=count + 1))
    faint, most = INKED * dark[largest], THICK * stroke
    outside = [piece for piece in cut if along[piece] > ALONG or piece in corners]
    close = _is_cut_close(np.where(np.isin(labels, outside), 0, ink))

    def is_table(piece: int) -> bool:
        if (width := thick(piece)) > most:
            return True
        of_the_pen = close and dark[piece] >= faint and stroke / ALIKE < width < stroke * ALIKE
        return not of_the_pen and not (middle == piece).any()

    beside = [piece for piece in outside if is_table(piece)]
    rest = mass.sum() - mass[beside].sum()
    if whole[largest] < WHOLE_SHARE * rest:
        return ink
    others = [piece for piece in cut if mass[piece] < SCRAP * rest or dark[piece] < faint or thick(piece) > most]
    return np.where(np.isin(labels, beside + others), np.float32(0), ink)


def _is_cut_close(ink: np.ndarray) -> bool:
    return not all(has_margins(inked, length) for inked, length in zip(extent(ink), ink.shape, strict=True))


def _middle_third(shape: tuple[int, int]) -> tuple[slice, slice]:
    height, width = shape
    return slice(height // 3, -(-2 * height // 3)), slice(width // 3, -(-2 * width // 3))
