"""Strokes that Python draws: pens of every width, and the eraser, which is a stroke of paper."""

import numpy as np
import pytest

from mnist_core.ui.canvas import PAPER, PENS, SIDE
from mnist_core.ui.strokes import render
from tests.drawings import line


def plainly(points, width):
    """Where ink is: every pixel whose middle is nearer than half the pen to the line between two points."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    (x0, y0), (x1, y1) = np.array(points, float)
    along = ((columns - x0) * (x1 - x0) + (rows - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
    along = np.clip(along, 0, 1)
    return np.hypot(columns - x0 - along * (x1 - x0), rows - y0 - along * (y1 - y0)) < width / 2


@pytest.mark.parametrize("width", [width for width, _ in PENS.values()])
def test_a_line_is_as_wide_as_its_pen(width):
    points = (60, 80), (240, 200)
    drawn = render([line(*points, width=width)], SIDE)
    assert drawn.shape == (SIDE, SIDE, 4) and (drawn[..., 3] == 255).all()
    assert np.mean((drawn[..., 0] > 127) != plainly(points, width)) < 0.002


def test_the_eraser_takes_away_what_was_there_before_it():
    bar, wipe = ((60, 160), (260, 160)), ((160, 100), (160, 220))
    drawn = render([line(*bar), line(*wipe, width=40, colour=PAPER)], SIDE)[..., 0] > 127
    assert np.mean(drawn != (plainly(bar, 20) & ~plainly(wipe, 40))) < 0.002
    assert not render([line(*bar), line(*bar, width=40, colour=PAPER)], SIDE)[..., :3].any()


def test_what_is_drawn_after_the_eraser_stays():
    bar, wipe = ((60, 160), (260, 160)), ((160, 100), (160, 220))
    drawn = render([line(*wipe, width=40, colour=PAPER), line(*bar)], SIDE)[..., 0] > 127
    assert np.mean(drawn != plainly(bar, 20)) < 0.002


def test_a_stroke_that_does_not_tell_its_colour_is_ink():
    plain = line((60, 160), (260, 160))
    del plain["stroke"]
    assert render([plain], SIDE)[..., 0].max() == 255
