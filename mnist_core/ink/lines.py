"""Takes out of the ink what belongs to the paper: the lines of ruled and squared paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.ink.frame import MARGIN, extent, has_margins

# Smaller pictures are no photos of paper, and a stroke may cross them from side to side.
LEAST_RULED = 64
STRIPS = 24
# A line is there in seven of ten strips from one border to the other; words and digits are not.
PRESENT = 0.7
# How dark a line is at least, as a share of the pen, on the mean of a strip.
LEAST_LINE = 0.06
# No line of paper is thicker than this share of the picture.
THICKEST = 1 / 25
# Lines may lean by 3.4 degrees: 6 pixels up on 100 across.
STEEPEST = 0.06
# Where a pen crosses a line, it is darker than the line.
DARKER = 1.5
# What is not as dark as this share of the pen may be of a line.
PEN = 0.5
# What is darker than this share of it is as dark as the pen.
INKED = 0.75


@dataclass(frozen=True)
class Lines:
    """Level lines: the first row of each and the one after its last, in the picture's middle; how far they have
    drifted down in each column, (W,); and the one that is as dark as the pen, if there is no other such."""

    rows: list[tuple[int, int]]
    drift: np.ndarray
    lone: tuple[int, int] | None


def without_lines(ink: np.ndarray) -> np.ndarray:
    """The ink without lines that run from one border to the other, straight and parallel, level or upright.

    Ink that crosses a line stays: each column of a line is filled from what lies above and below it.
    """
    if min(ink.shape) < LEAST_RULED:
        return ink
    level, upright = _lines(ink), _lines(ink.T)
    for rules, bars in ((level, upright), (level, None), (None, upright)):
        rest = _erased(_erased(ink, rules).T, bars).T
        if (rules or bars) and rest.max() >= PEN and _is_paper(rest, rules, bars):
            return _without_scraps(np.ascontiguousarray(rest))
    return ink


def _is_paper(rest: np.ndarray, level: Lines | None, upright: Lines | None) -> bool:
    """Whether what was taken away were lines of paper, by what is left: no stroke looks like that."""
    rows, columns = extent(np.where(rest >= PEN, rest, 0))
    height, width = rest.shape
    alone = [lines.lone for lines in (level, upright) if lines and lines.lone]
    # One line as dark as the pen is the bar of a 7 if ink comes near it, the 1 of a 10 if the picture is cut close.
    if (level and not _is_apart(level.lone, rows, height)) or (upright and not _is_apart(upright.lone, columns, width)):
        return False
    if (level or alone) and not has_margins(columns, width):
        return False
    if upright is None:
        return not alone or has_margins(rows, height)
    # One upright line through the ink is the stem of a 1 or a 4; squared paper has many, a margin is beside.
    many = len(upright.rows) > 1 or all(end <= columns.start or columns.stop <= top for top, end in upright.rows)
    return many and has_margins(rows, height)


def _is_apart(line: tuple[int, int] | None, inked: slice, length: int) -> bool:
    return line is None or line[1] + MARGIN * length <= inked.start or inked.stop + MARGIN * length <= line[0]


def _without_scraps(ink: np.ndarray) -> np.ndarray:
    """The ink without pieces that are nowhere as dark as the pen: ends of lines that lean out of the picture."""
    from scipy import ndimage

    labels, count = ndimage.label(ink > 0, np.ones((3, 3)))
    darkest = ndimage.maximum(ink, labels, np.arange(count + 1))
    return np.where(darkest[labels] >= PEN, ink, np.float32(0))


def _lines(ink: np.ndarray) -> Lines | None:
    """The level lines in the ink, if there are any."""
    drift, presence = _presence(ink)
    rows = [(top, end) for top, end in _runs(presence > LEAST_LINE) if end - top <= max(3, THICKEST * len(ink))]
    faint, inked, edge = [], [], max(2, ink.shape[1] // 100)
    for top, end in rows:
        darkest = ink[_band(top, end, drift, len(ink))].max(axis=0)
        if np.median(darkest[darkest > 0]) <= INKED:
            faint.append((top, end))
        elif min(darkest[:edge].max(), darkest[-edge:].max()) > LEAST_LINE:
            inked.append((top, end))
    # Those as dark as the pen that end on the paper are left out: they are stems and bars of digits.
    return Lines(sorted(faint + inked), drift, inked[0] if len(inked) == 1 else None) if faint or inked else None


def _band(top: int, end: int, drift: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a line, as an index into the ink: row by row, (K, W)."""
    rows = np.arange(top, end)[:, None] + drift
    return np.clip(rows, 0, height - 1), np.broadcast_to(np.arange(len(drift)), rows.shape)


def _erased(ink: np.ndarray, lines: Lines | None) -> np.ndarray:
    if lines is None:
        return ink
    rest = ink.copy()
    for top, end in lines.rows:
        _erase(rest, top, end, lines.drift)
    return rest


def _presence(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lean at which lines show best: rows that it drifts by in each column, (W,); and each row's ink, (H,).

    The picture is seen as strips side by side. At the right lean, a line has ink in the same row of nearly every
    strip, and so keeps its place when each row keeps what most of its strips have.
    """
    height, width = ink.shape
    cuts = np.linspace(0, width, STRIPS + 1).astype(int)
    profiles = np.add.reduceat(ink, cuts[:-1], axis=1).T / np.diff(cuts)[:, None]
    # Lines across add as much ink to every row of their strip.
    profiles = np.maximum(profiles - np.median(profiles, axis=1, keepdims=True), 0)
    away = (cuts[:-1] + cuts[1:] - width) / 2
    rows = np.arange(height)
    kept = int((1 - PRESENT) * STRIPS)
    best = None
    for lean in np.linspace(-STEEPEST, STEEPEST, 2 * int(STEEPEST * width / 2) + 1):
        shifted = np.clip(rows + np.rint(lean * away).astype(int)[:, None], 0, height - 1)
        presence = np.partition(np.take_along_axis(profiles, shifted, axis=1), kept, axis=0)[kept]
        score = float(presence @ presence)
        if best is None or score > best[0]:
            best = score, lean, presence
    _, lean, presence = best
    return np.rint(lean * (np.arange(width) - width / 2)).astype(int), presence


def _runs(there: np.ndarray) -> list[tuple[int, int]]:
    steps = np.diff(np.concatenate(([0], there, [0])))
    return list(zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True))


def _erase(ink: np.ndarray, top: int, end: int, drift: np.ndarray) -> None:
    """Fill a line, in place, with what leads from the ink above it to that below it, but for a pen's darker ink."""
    height, columns = len(ink), np.arange(ink.shape[1])
    spare = 1 + (end - top) // 2  # its soft edges, and paper that is not quite flat
    first, last = top - spare + drift, end - 1 + spare + drift
    above = ink[np.clip(first - 1, 0, height - 1), columns] * (first > 0)
    below = ink[np.clip(last + 1, 0, height - 1), columns] * (last < height - 1)
    count = end - top + 2 * spare
    rows = np.clip(first + np.arange(count)[:, None], 0, height - 1)
    band = ink[rows, columns]
    share = (np.arange(count)[:, None] + 1) / (count + 1)
    filled = np.minimum(band, above * (1 - share) + below * share)
    ink[rows, columns] = np.where(band > DARKER * np.median(band.max(axis=0)), band, filled)
