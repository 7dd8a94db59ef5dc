"""A number written in a row -> its digits from left to right, each with its box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.errors import ImageError
from mnist_core.ink.frame import SOLID
from mnist_core.ink.pipeline import ALL, DIGIT_STAGES, Ink, Steps, digit, found_on
from mnist_core.ink.read import Picture
from mnist_core.ink.stroke import thickness

# A piece with less ink than this share of the largest one's is a speck.
SPECK_SHARE = 0.03
# Pieces belong together when this share of the narrower one lies above or below the other ...
OVERLAP = 0.5
# ... but two that are about as high as each other are two digits, unless one lies nearly all above the other.
AS_HIGH, NEARLY_ALL = 0.6, 0.8
# Of MNIST's training digits, cut close, two in a hundred are wider than this, in heights. Half of those that touch are.
WIDEST = 1.3
# Others have a waist: wider than WIDE, with a column in their middle half that holds no more than this many strokes'
# width of ink, and on both sides of it ink over most of the height. Of single digits, one in a hundred has.
WIDE, WAIST, SIDES = 0.9, 1.6, 0.6
# The step that takes the paper around a digit away, as a piece has none.
CROPPED = DIGIT_STAGES[0].name
# A row of more pieces is no number but a texture, a text or a drawing.
MOST_PIECES = 30


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a number.

    Attributes:
        box: its rows and columns in the picture: top, left, bottom, right, the last two not included.
        ink: as MNIST would show it.
        touching: too wide for one digit, so that what a network reads in it is a guess.
    """

    box: tuple[int, int, int, int]
    ink: Ink
    touching: bool


@dataclass(frozen=True, eq=False)
class Number:
    """What a picture holds.

    Attributes:
        page: the ink that was found, uint8 (H, W).
        digits: from left to right; one or more.
        whole: all of it as one digit.
    """

    page: np.ndarray
    digits: tuple[Digit, ...]
    whole: Ink


def cut(picture: Picture | np.ndarray, steps: Steps = ALL) -> Number:
    """Cut a number written in a row into digits.

    Connected strokes are one piece; pieces above each other, like the bar of a 5 and its body, are one digit; specks
    are dropped. Strokes of two digits that touch cannot be told apart: see ``Digit.touching``.

    Raises:
        ImageError: another shape or dtype, or far too many pieces for a number. EmptyDrawing: no ink.
    """
    ink, shown = found_on(picture, steps)
    labels, groups = _groups(ink)
    whole = digit(ink, steps, shown)
    # The only digit is all of the ink, unless specks were dropped or its paper is not to be cut away.
    only = len(groups) == 1 and len(groups[0][0]) == labels.max() and CROPPED not in steps.off
    digits = []
    for members, (top, left, bottom, right) in groups:
        part = np.where(np.isin(labels[top:bottom, left:right], (0, *members)), ink[top:bottom, left:right], 0)
        digits.append(Digit((top, left, bottom, right), whole if only else digit(part, steps, shown), is_two(part)))
    return Number(shown[-1].image, tuple(digits), whole)


def is_two(ink: np.ndarray) -> bool:
    """Whether ink, cut close, looks like two digits that touch: wider than a digit is, or wide and with a waist.

    It tells two of three such pairs, and of 100 single digits it suspects two. Narrow pairs, such as 1 and 1, look
    like one digit; a network is seldom sure of those: the flagship takes one in fifteen for a digit.
    """
    height, width = ink.shape
    if width > WIDEST * height or width <= WIDE * height:
        return width > WIDEST * height
    stroke = thickness(ink)
    for column in range(width // 4, -(-3 * width // 4)):
        if ink[:, column].sum() <= WAIST * stroke:
            sides = [np.flatnonzero((part > 0.5).any(axis=1)) for part in (ink[:, :column], ink[:, column + 1 :])]
            if all(len(rows) and rows[-1] - rows[0] > SIDES * height for rows in sides):
                return True
    return False


def _groups(ink: np.ndarray) -> tuple[np.ndarray, list]:
    from scipy import ndimage

    labels, count = ndimage.label(ink >= SOLID * ink.max(), np.ones((3, 3)))
    mass = np.bincount(labels.ravel(), ink.ravel(), count + 1)
    mass[0] = 0
    found = ndimage.find_objects(labels)
    kept = np.flatnonzero(mass >= SPECK_SHARE * mass.max())
    if len(kept) > MOST_PIECES:
        raise ImageError(
            f"There are {len(kept)} separate pieces of ink, too many for a number of digits. Take a picture of the "
            "number alone, on plain paper."
        )
    groups = [({i}, _box(found[i - 1])) for i in kept if i]
    groups.sort(key=lambda group: group[1][1])
    merged = True
    while merged:
        merged = False
        for i, (members, box) in enumerate(groups):
            j = next((j for j in range(i + 1, len(groups)) if _belong(box, groups[j][1])), None)
            if j is not None:
                more, other = groups.pop(j)
                groups[i] = members | more, _around(box, other)
                merged = True
                break
    return labels, sorted(groups, key=lambda group: group[1][1] + group[1][3])


def _box(slices: tuple[slice, slice]) -> tuple[int, int, int, int]:
    rows, columns = slices
    return rows.start, columns.start, rows.stop, columns.stop


def _around(one: tuple, other: tuple) -> tuple[int, int, int, int]:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _belong(one: tuple, other: tuple) -> bool:
    """Whether two boxes (top, left, bottom, right) are of the same digit."""
    heights, widths = [[box[i + 2] - box[i] for box in (one, other)] for i in (0, 1)]
    above = (min(one[3], other[3]) - max(one[1], other[1])) / min(widths)
    alike = min(heights) > AS_HIGH * max(heights)
    return above > (NEARLY_ALL if alike else OVERLAP)
