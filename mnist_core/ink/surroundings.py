"""Takes out of the ink what lies beside the paper, such as the table under it."""

from __future__ import annotations

import numpy as np

from mnist_core.ink.stroke import thickness

# Smaller pictures are no photos.
LEAST_SIDE = 64
# What is darker than this share of the digit's mean is as dark as the pen.
INKED = 0.75
# What lies along so much of one of the picture's sides, or in a corner, and leaves the middle third free, is the table.
ALONG = 0.5
# What is so many times as thick as the digit's strokes, or a scrap with less than this share of the ink, is no digit.
THICK, SCRAP = 2.0, 0.05
# The digit is whole if one piece that no border cuts has so much of the ink but for the table. It is no speck: so much
# of all ink, and so long as a share of the picture.
WHOLE_SHARE, LEAST_WHOLE, LEAST_LENGTH = 0.3, 0.02, 1 / 6


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
    if max(side.stop - side.start for side in boxes[largest - 1]) < LEAST_LENGTH * max(ink.shape):
        return ink

    def thick(piece: int) -> float:
        box = boxes[piece - 1]
        return thickness(np.where(labels[box] == piece, ink[box], 0))

    along = np.max([np.bincount(side, minlength=count + 1) / len(side) for side in sides], axis=0)
    corners, middle = labels[[0, 0, -1, -1], [0, -1, 0, -1]], labels[_middle_third(ink.shape)]
    beside = [p for p in cut if (along[p] > ALONG or p in corners) and not (middle == p).any()]
    rest = mass.sum() - mass[beside].sum()
    if whole[largest] < WHOLE_SHARE * rest:
        return ink
    dark = mass / np.maximum(1, np.bincount(labels.ravel(), minlength=count + 1))
    faint, much, most = INKED * dark[largest], SCRAP * rest, THICK * thick(largest)
    others = [piece for piece in cut if mass[piece] < much or dark[piece] < faint or thick(piece) > most]
    return np.where(np.isin(labels, beside + others), np.float32(0), ink)


def _middle_third(shape: tuple[int, int]) -> tuple[slice, slice]:
    height, width = shape
    return slice(height // 3, -(-2 * height // 3)), slice(width // 3, -(-2 * width // 3))
