"""The steps from a picture to 28 x 28 pixels in their order, each to be shown and to be switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mnist_core.errors import EmptyDrawing, ImageError
from mnist_core.ink import frame, light, lines, paper, stroke, surroundings
from mnist_core.ink.read import Picture, full_range


def unchanged(image: np.ndarray) -> np.ndarray:
    return image


@dataclass(frozen=True)
class Stage:
    """One step: what it is for, what it does to a picture, and what is done instead when it is switched off."""

    name: str
    help: str
    change: Callable[[np.ndarray], np.ndarray]
    instead: Callable[[np.ndarray], np.ndarray] = unchanged


PAGE_STAGES = (
    Stage("upright", "A photo is turned as the camera was held, which its EXIF tag says.", light.upright),
    Stage("on paper", "Transparent parts become paper that the pen can be seen on.", light.flatten, light.opaque),
    Stage(
        "pen's colour",
        "Of all colours, the one in which pen and paper differ most becomes the grey. Without: as light as it looks.",
        light.pen_colour,
        light.luminance,
    ),
    Stage("even light", "Shadows and lamplight are taken from the paper.", light.even_light),
    Stage(
        "ink found",
        "Paper becomes 0 and ink 255, whichever of them is the darker. Without: what is light is ink.",
        paper.to_ink,
        paper.as_it_is,
    ),
    Stage("no ruled lines", "Lines of the paper that run from border to border are taken out.", lines.without_lines),
    Stage(
        "paper's edge",
        "What the picture's border cuts off, such as a table, is left out.",
        surroundings.without_surroundings,
    ),
)
"""What is done to the whole picture, whatever is written on it."""

DIGIT_STAGES = (
    Stage("cropped", "The empty paper around the ink is cut away, and specks of dust with it.", frame.crop),
    Stage("smooth", "A digit of only a few pixels is redrawn with clear edges.", stroke.smooth),
    Stage("pen's width", "Strokes thinner or thicker than those of MNIST's pens become like them.", stroke.even_pen),
    Stage(
        "fitted in 20 x 20",
        "The longer side becomes 20 pixels, the darkest ink 255. Without: squashed to 28 x 28.",
        frame.fit,
        frame.squash,
    ),
    Stage(
        "centred by mass",
        "The ink's centre of mass is put at the centre of 28 x 28 pixels. Without: the middle of its box.",
        frame.centre,
        frame.middle,
    ),
)
"""What is done to each digit."""

STAGES = PAGE_STAGES + DIGIT_STAGES


@dataclass(frozen=True)
class Steps:
    """Which steps are switched off, by name; none by default. Raises ImageError for a name that is no step's."""

    off: frozenset[str] = frozenset()

    def __post_init__(self):
        names = [stage.name for stage in STAGES]
        unknown = sorted(set(self.off) - set(names))
        if unknown:
            raise ImageError(f"There is no step {unknown[0]!r}; there are {', '.join(names)}.")

    def of(self, stage: Stage) -> Callable[[np.ndarray], np.ndarray]:
        """What is done at this stage."""
        return stage.instead if stage.name in self.off else stage.change

    def without(self, *names: str) -> Steps:
        return Steps(self.off | set(names))


ALL = Steps()


@dataclass(frozen=True, eq=False)
class Step:
    """One stage of the way, to be shown.

    Attributes:
        name, help: as the stage's.
        image: uint8, as it was after this stage; from *ink found* on (H, W) with 0 = paper and 255 = ink.
        changed: whether it differs from what was before.
        on: whether the stage was switched on.
    """

    name: str
    help: str
    image: np.ndarray
    changed: bool = True
    on: bool = True


@dataclass(frozen=True, eq=False)
class Ink:
    """A digit as MNIST would show it, uint8 (28, 28), 0 = paper, 255 = ink, and the steps that led to it."""

    image: np.ndarray
    steps: tuple[Step, ...]


def trace(picture: Picture | np.ndarray, steps: Steps = ALL) -> Ink:
    """The 28 x 28 picture that MNIST would have made of one digit, with the picture after every step on the way.

    Args:
        picture: of one digit; an array is uint8 (H, W), or (H, W, C) with alpha or colours.
        steps: which are switched off.

    Raises:
        ImageError: another shape or dtype. EmptyDrawing: one colour, or nothing but faint noise.
    """
    ink, shown = found_on(picture, steps)
    return digit(ink, steps, shown)


def found_on(picture: Picture | np.ndarray, steps: Steps = ALL) -> tuple[np.ndarray, tuple[Step, ...]]:
    """The ink of a whole picture, floats (H, W) from 0 to 1, and the steps of PAGE_STAGES. Raises as ``trace``."""
    picture = picture if isinstance(picture, Picture) else Picture(np.asarray(picture))
    known = {"upright": partial(light.upright, orientation=picture.orientation)}
    if picture.paper is not None:
        known |= dict.fromkeys(("even light", "no ruled lines", "paper's edge"), unchanged)
        known["ink found"] = partial(paper.to_ink, paper=picture.paper)
    return _walk(picture.pixels, PAGE_STAGES, steps, known)


def digit(ink: np.ndarray, steps: Steps = ALL, before: tuple[Step, ...] = ()) -> Ink:
    """The 28 x 28 picture that MNIST would have made of this ink, with the steps of DIGIT_STAGES after ``before``.

    Args:
        ink: floats (H, W) from 0, paper, to 1, ink, as ``to_ink`` and ``from_canvas`` give.

    Raises:
        ImageError: another shape, or values outside 0 to 1. EmptyDrawing: no ink at all.
    """
    ink = np.asarray(ink, np.float32)
    if ink.ndim != 2 or not ink.size or not (ink.min() >= 0 and ink.max() <= 1):
        raise ImageError(f"The ink has shape {ink.shape}; needed are numbers from 0 to 1 of shape (H, W).")
    if ink.max() < 1 / 255:
        raise EmptyDrawing(paper.EMPTY.format(found="there is no ink in it"))
    _, shown = _walk(ink, DIGIT_STAGES, steps, {})
    return Ink(shown[-1].image, before + shown)


def _walk(image: np.ndarray, stages: Iterable[Stage], steps: Steps, known: dict) -> tuple[np.ndarray, tuple[Step, ...]]:
    shown = []
    for stage in stages:
        on = stage.name not in steps.off
        after = known.get(stage.name, stage.change) if on else stage.instead
        before, image = image, after(image)
        shown.append(Step(stage.name, stage.help, _levels(image), not _same(before, image), on))
    return image, tuple(shown)


def _levels(image: np.ndarray) -> np.ndarray:
    return image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8)


def _same(before: np.ndarray, after: np.ndarray) -> bool:
    return before is after or (before.shape == after.shape and np.array_equal(_levels(before), _levels(after)))


def many(pictures: np.ndarray, watch: Callable[[Iterable], Iterable] = iter) -> tuple[np.ndarray, np.ndarray]:
    """A whole set of pictures, one digit each, as MNIST would show them.

    Sets of few grey levels, such as 0 to 16, are counted against their brightest pixel.

    Args:
        pictures: uint8 (N, H, W) or (N, H, W, C).
        watch: is given what is gone through, and gives it on: a progress bar.

    Returns:
        uint8 (N, 28, 28), and bool (N,): which of them hold ink. Those without are black.
    """
    pictures = np.asarray(pictures)
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4) or not pictures.size:
        raise ImageError(f"The set is {pictures.dtype} of shape {pictures.shape}; needed is uint8 (N, H, W).")
    images, inked = np.zeros((len(pictures), frame.SIDE, frame.SIDE), np.uint8), np.zeros(len(pictures), bool)
    for i, picture in enumerate(watch(full_range(pictures))):
        try:
            images[i] = trace(picture).image
            inked[i] = True
        except EmptyDrawing:
            continue
    return images, inked
