"""Pictures that are no digits: letters, scribbles, shapes, silhouettes and spoiled digits, drawn from a seed.

A network that has seen only digits takes everything for one. Shown such pictures, with the lesson that all ten
digits are equally likely, it learns to stay unsure, of other such things too: Hendrycks, Mazeika and Dietterich, "Deep
anomaly detection with outlier exposure" (2019), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import cycle
from string import ascii_lowercase, ascii_uppercase

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mnist_core.data.series import Series
from mnist_core.data.sketch import CANVAS, bent, framed, smooth

NOT_A_DIGIT = 10
"""Their label."""

LIKE_DIGITS = "BDIOSZbgloqsz"
"""Letters that cannot be told from a digit when written by hand."""

LETTERS = "".join(letter for letter in ascii_uppercase + ascii_lowercase if letter not in LIKE_DIGITS)

LETTERS_AND_SIGNS = "letters and signs"
SIGNS = "?!&%@#$+=<>{}*~^:;"
MIRRORED = (3, 4, 6, 7, 9)
"""Digits whose mirror image is no digit."""
LYING = (2, 3, 4, 5, 7)
"""Digits that lying on their side are none."""


def others(count: int, seed: int = 0, look: Callable[[], None] | None = None) -> np.ndarray:
    """``uint8 (count, 28, 28)``, placed as MNIST's digits are: the first of as many as may be asked for.

    Args:
        look: called between pictures, a thousand of which take a second; it may raise to end the drawing.
    """
    return _series(seed).first(count, look)


@lru_cache(maxsize=2)
def _series(seed: int) -> Series:
    return Series(_pictures(seed))


def _pictures(seed: int) -> Iterator[np.ndarray]:
    from mnist_core.data import mnist

    random, digits = np.random.default_rng(seed), mnist.load("train")
    for _, draw in cycle(_IN_TURN):
        # One that can hardly be seen is drawn again, so that every kind comes as often as it should.
        while (picture := draw(random, digits)).max() <= 60:
            pass
        yield framed(picture)


def kinds(count: int) -> dict[str, np.ndarray]:
    """Which of so many are what: positions by name."""
    names = np.array([name for name, _ in _IN_TURN])[np.arange(count) % len(_IN_TURN)]
    return {str(name): np.flatnonzero(names == name) for name in dict.fromkeys(names)}


def _letter(random: np.random.Generator, digits) -> np.ndarray:
    """A letter or sign of the type that Pillow carries, bent as a hand might write it."""
    text = random.choice(list(LETTERS if random.random() < 0.9 else SIGNS))
    if random.random() < 0.15:
        text += random.choice(list(LETTERS))
    image = Image.new("L", (CANVAS, CANVAS))
    font = ImageFont.load_default(56)
    ImageDraw.Draw(image).text((CANVAS / 2, CANVAS / 2), text, 255, font, anchor="mm")
    return bent(_pen(image, random), random)


def _scribble(random: np.random.Generator, digits) -> np.ndarray:
    """One to three random strokes, smooth ones or, in a quarter of the pictures, zigzags."""
    image = Image.new("L", (CANVAS, CANVAS))
    draw, width = ImageDraw.Draw(image), int(random.integers(2, 12))
    strokes = random.integers(1, 4)
    bend = smooth if random.random() < 0.75 else np.asarray
    for _ in range(strokes):
        # A single stroke of few turns is a 1, a 7 or a 2 as often as not.
        knots = random.uniform(8, CANVAS - 8, (random.integers(6 if strokes == 1 else 3, 12), 2))
        draw.line([tuple(p) for p in bend(knots)], 255, width, joint="curve")
    return np.asarray(image)


def _shape(random: np.random.Generator, digits) -> np.ndarray:
    """Outlines, crosses, grids, dots and stripes."""
    image = Image.new("L", (CANVAS, CANVAS))
    draw, width = ImageDraw.Draw(image), int(random.integers(2, 10))
    kind = random.integers(6)
    if kind == 0:
        corners = random.integers(3, 9)
        angles = random.uniform(0, 6.28) + np.arange(corners + 1) * 2 * math.pi / corners
        radii = np.where(np.arange(corners + 1) % 2, 42, random.uniform(15, 42))
        points = np.stack([48 + radii * np.cos(angles), 48 + radii * np.sin(angles)], axis=1)
        draw.line([tuple(p) for p in points], 255, width)
    elif kind == 1:
        gap = int(random.integers(12, 40))
        for place in range(random.integers(0, gap), CANVAS, gap):
            draw.line([(place, 4), (place, 92)], 255, width)
            if random.random() < 0.8:
                draw.line([(4, place), (92, place)], 255, width)
    elif kind == 2:
        for _ in range(random.integers(2, 9)):
            x, y, r = random.uniform(8, 88), random.uniform(8, 88), random.uniform(2, 9)
            draw.ellipse([x - r, y - r, x + r, y + r], 255)
    elif kind == 3:
        for _ in range(random.integers(2, 6)):
            draw.line([tuple(random.uniform(6, 90, 2)), tuple(random.uniform(6, 90, 2))], 255, width)
    elif kind == 4:
        draw.rectangle([*random.uniform(4, 40, 2), *random.uniform(50, 92, 2)], outline=255, width=width)
        draw.line([tuple(random.uniform(6, 90, 2)), tuple(random.uniform(6, 90, 2))], 255, width)
    else:
        return random.integers(0, 256, (CANVAS, CANVAS)).astype(np.uint8) * (random.random() < 0.5) + (
            random.random((CANVAS, CANVAS)) < random.uniform(0.02, 0.6)
        ).astype(np.uint8) * 127
    return bent(image, random)


def _silhouette(random: np.random.Generator, digits) -> np.ndarray:
    """A filled form, the same left and right, with shades, as clothes and things are."""
    image = Image.new("L", (CANVAS, CANVAS))
    draw = ImageDraw.Draw(image)
    heights = np.linspace(random.uniform(2, 20), random.uniform(76, 94), random.integers(3, 8))
    left, right = (random.uniform(8, 44, len(heights)) for _ in range(2))
    right = left if random.random() < 0.7 else right
    points = [*zip(48 - left, heights, strict=True), *zip(48 + right[::-1], heights[::-1], strict=True)]
    draw.polygon([(float(x), float(y)) for x, y in points], int(random.integers(120, 256)))
    for _ in range(random.integers(0, 5)):
        shade = int(random.integers(0, 256))
        draw.line([tuple(random.uniform(6, 90, 2)), tuple(random.uniform(6, 90, 2))], shade, int(random.integers(1, 9)))
    grain = random.integers(0, 60, (CANVAS, CANVAS)) * (random.random() < 0.5)
    filled = np.asarray(bent(image, random), int)
    return np.where(filled > 0, np.clip(filled - grain, 1, 255), 0).astype(np.uint8)


def _spoiled(random: np.random.Generator, digits) -> np.ndarray:
    """Digits mirrored, lying, on top of one another or side by side."""
    kind = random.integers(4)
    if kind < 2:
        allowed = MIRRORED if kind == 0 else LYING
        while True:
            at = random.integers(len(digits))
            if digits.labels[at] in allowed:
                image = digits.images[at]
                return image[:, ::-1] if kind == 0 else np.rot90(image, random.choice([1, 3]))
    first, second = digits.images[random.integers(0, len(digits), 2)]
    if kind == 2:
        return np.maximum(first, np.roll(second, random.integers(-6, 7, 2), (0, 1)))
    return np.concatenate([first[:, 4:24], second[:, 4:24]], axis=1)


def _pen(image: Image.Image, random: np.random.Generator) -> Image.Image:
    size = int(random.choice([1, 1, 3, 5, 7]))
    return image.filter(ImageFilter.MaxFilter(size)) if size > 1 else image


_IN_TURN = (
    *3 * [(LETTERS_AND_SIGNS, _letter)],
    *2 * [("scribbles", _scribble)],
    ("shapes", _shape),
    ("silhouettes", _silhouette),
    ("spoiled digits", _spoiled),
)
"""What is drawn, one after the other."""
