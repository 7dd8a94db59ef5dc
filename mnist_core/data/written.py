"""Digits in the forms that people are taught elsewhere, drawn from a seed: a 1 with flag and foot, a crossed 7, an
open 4, a flat-topped 3.

MNIST's writers seldom used them, and no change of an image makes one form of another. Each form is the way of the pen,
laid down by hand from what is taught; none comes from a set of digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import cycle, pairwise

import numpy as np
from PIL import Image, ImageDraw

from mnist_core.data.series import Series
from mnist_core.data.sketch import CANVAS, bent, framed, smooth
from mnist_core.models.plan import CLASSES

TALL = 42
"""Height of a digit in pixels of the canvas."""

UNSTEADY = 0.035
"""How far every point of a form goes astray, as a share of the digit's height: the standard deviation."""

POINTS = (7, 12)
"""As many has a stroke of a pen that is asked seldom where it is; the lines between are straight."""

Form = tuple[str, ...]
"""Strokes, each through points ``x,y`` in hundredths of the digit's box, y downwards; at ``!`` the way has a corner."""

FORMS: dict[int, tuple[Form, ...]] = {
    0: (
        ("55,0 10,30 5,65 40,100 85,80 95,40 60,2 45,2",),
        ("70,5 30,5 5,45 30,95 75,92 95,50 75,8 40,12",),
        ("60,0 20,10 5,50 25,95 70,97 95,50 80,10 50,5 35,15",),
        ("30,8 5,50 35,100 85,85 95,40 70,2 40,0 20,20",),
        ("45,0 8,40 25,92 70,98 95,55 70,5 45,0", "95,0 5,100"),
    ),
    1: (
        ("50,0 50,100",),
        ("15,35 50,0! 50,100",),
        ("0,50 60,0! 60,100",),
        ("0,40 35,22 60,0! 58,50 60,100",),
        ("15,28 50,0! 50,100", "10,100 90,100"),
        ("0,45 55,0! 55,100", "15,100 95,100"),
    ),
    2: (
        ("5,25 30,0 75,5 85,35 50,70 5,100! 95,100",),
        ("5,20 40,0 85,20 70,55 20,95 5,85 20,75 55,95 95,95",),
        ("5,5 90,3! 5,100! 95,100",),
        ("5,25 35,0 80,10 80,40 5,95! 35,88 65,100 100,92",),
    ),
    3: (
        ("10,10 50,0 85,20 65,42 35,47! 75,52 95,75 60,100 5,90",),
        ("10,0 90,0! 40,40! 85,50 90,80 50,100 5,88",),
        ("10,12 55,0 80,25 50,47 85,70 50,100 5,85",),
        ("8,15 45,0 85,15 70,40 40,46 42,52 60,48 92,70 60,100 5,88",),
    ),
    4: (
        ("25,0 5,60! 95,60", "70,25 70,100"),
        ("15,0 10,50! 90,50", "85,0 80,100"),
        ("95,68 0,68! 70,0! 70,100",),
        ("90,60 5,62! 60,0! 62,100",),
        ("10,0 8,35 25,55 60,50 90,35", "95,0 90,50 80,100"),
        ("40,0 5,70! 60,65 100,68", "62,40 55,100"),
    ),
    5: (
        ("20,0 15,42! 60,36 95,65 60,100 5,90", "20,0 90,0"),
        ("90,0 20,0! 15,42! 65,38 92,70 50,100 3,92",),
        ("90,3 35,5 20,35 70,50 85,80 40,100 5,90",),
        ("25,3 20,45! 70,42 90,72 50,100 5,95", "35,0 100,-6"),
    ),
    6: (
        ("75,0 30,25 5,65 30,100 80,90 80,60 45,50 10,70",),
        ("60,0 10,65 35,100 90,80 60,52 15,70",),
        ("88,12 60,0 20,28 5,65 35,100 85,85 70,52 30,52 8,72",),
        ("50,0 15,50 12,85 45,100 75,82 55,62 20,75",),
    ),
    7: (
        ("0,0 100,0! 40,100",),
        ("0,2 100,0! 45,100", "20,50 92,48"),
        ("2,22 5,0! 100,0! 35,100",),
        ("2,20 4,0! 100,0! 40,100", "15,52 90,50"),
        ("0,5 50,0 100,0! 70,40 50,70 45,100",),
        ("0,10 30,0 60,8 100,0! 50,50 35,100",),
        ("0,10 30,0 60,8 100,0! 55,50 45,100", "20,55 90,50"),
    ),
    8: (
        ("80,15 50,0 20,20 50,48 85,75 50,100 12,78 50,48 80,25 78,12",),
        ("50,0 25,22 50,48 75,25 50,0", "50,48 18,74 50,100 82,74 50,48"),
        ("95,5 50,2 20,22 50,45 85,72 50,100 12,75 45,48 90,15",),
        ("30,25 55,0 80,20 20,75 50,100 80,75 30,25",),
    ),
    9: (
        ("85,20 50,0 10,25 40,50 85,25! 80,100",),
        ("88,15 45,0 8,25 40,50 85,22 92,60 60,100 15,92",),
        ("80,15 45,0 12,25 45,48 82,20! 50,100",),
        ("85,5 40,2 10,28 40,52 85,30", "88,3 85,100"),
        ("85,18 45,0 10,28 45,52 88,25! 85,75 50,100 20,82",),
    ),
}
"""How each digit is written. Every form of a digit comes as often as the others."""

NARROW, WIDE = {1: 0.15}, {1: 0.65}
"""Widths of a digit as shares of its height, where they are not the usual ones."""
USUAL_WIDTHS = 0.42, 0.9


def written(
    count: int, seed: int = 0, look: Callable[[], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``uint8 (count, 28, 28)``, placed as MNIST's, and labels ``uint8 (count,)``: the first of as many as may
    be asked for.

    Args:
        look: called between pictures, a thousand of which take a second; it may raise to end the drawing.
    """
    return _series(seed).first(count, look), (np.arange(count) % CLASSES).astype(np.uint8)


@lru_cache(maxsize=2)
def _series(seed: int) -> Series:
    return Series(_pictures(seed))


def _pictures(seed: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(seed)
    for label in cycle(range(CLASSES)):
        forms = FORMS[label]
        yield framed(_drawn(forms[random.integers(len(forms))], label, random))


def points(stroke: str) -> tuple[np.ndarray, np.ndarray]:
    """The points of a stroke, floats ``(N, 2)`` with x before y and 1 the side of the box, and at which is a corner."""
    words = stroke.split()
    places = [[float(number) / 100 for number in word.rstrip("!").split(",")] for word in words]
    return np.array(places), np.array([word.endswith("!") for word in words])


def _drawn(form: Form, label: int, random: np.random.Generator) -> np.ndarray:
    image = Image.new("L", (CANVAS, CANVAS))
    draw, pen = ImageDraw.Draw(image), random.uniform(1.2, 7.5)
    width = random.uniform(NARROW.get(label, USUAL_WIDTHS[0]), WIDE.get(label, USUAL_WIDTHS[1]))
    few = random.random() < 0.25
    for stroke in form:
        places, corners = points(stroke)
        places = (places - 0.5) * [width, 1] + random.normal(0, UNSTEADY, places.shape) + random.normal(0, 0.02, 2)
        way = _way(places, corners)
        way = CANVAS / 2 + TALL * (_seldom(way, random.integers(*POINTS)) if few else way)
        draw.line([tuple(place) for place in way], 255, round(pen), joint="curve")
        for x, y in (way[0], way[-1]):
            draw.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], 255)
    return bent(image, random, turn=8, slant=22)


def _way(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Smooth from corner to corner."""
    ends = [0, *np.flatnonzero(corners), len(places) - 1]
    parts = [smooth(places[a : b + 1]) for a, b in pairwise(ends)]
    return np.concatenate([*parts, places[-1:]])


def _seldom(way: np.ndarray, count: int) -> np.ndarray:
    """So many points at even distances on the way."""
    at = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    wanted = np.linspace(0, at[-1], count)
    return np.stack([np.interp(wanted, at, way[:, axis]) for axis in (0, 1)], axis=1)
