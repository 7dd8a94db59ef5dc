"""Any drawing or photo of a digit -> the 28 x 28 picture that MNIST would have made of it.

Three questions in order: ``read_image`` (what grey picture is in this file?), ``to_ink`` (which of it is
ink, and how dark?) and ``normalize`` (where would MNIST have put that ink?). Everywhere after ``to_ink``,
0 is paper and 1 (or 255) is ink.

The normalisation is that of LeCun, Cortes and Burges, "The MNIST database of handwritten digits": fit the ink
in 20 x 20 keeping its aspect ratio, anti-aliased, and put its centre of mass at the centre of 28 x 28.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mnist_core.errors import EmptyDrawing, ImageError

SIDE = 28
BOX_SIDE = 20
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
MAX_PIXELS = 40_000_000
_LIMIT = f"{MAX_PIXELS // 1_000_000} million pixels"
# A digit needs no more: larger files are reduced on reading, which calms a camera's noise as well.
READ_SIDE = 1024

# Ink stands out of the paper by 24 of 255 grey levels at least. A pixel counts as ink when it leaves the
# paper by 5 standard deviations of the paper's noise and by 1/16 of the darkest ink, which is about the
# ripple that JPEG leaves around strokes. No MNIST digit grows or shrinks by a gate of 1/16.
LEAST_CONTRAST = 24
NOISE_REACH = 5.0
LEAST_SHARE = 1 / 16
# The median absolute deviation of a normal distribution is its standard deviation / 1.4826.
MAD_TO_SIGMA = 1.4826

# A digit ends where ink is fainter than 1/5: it must not grow by blur or JPEG's ripple. Of MNIST's 10,000
# test images, 20 pixels long, only 5 become shorter by it.
SOLID = 0.2
# Ink beyond a gap of empty rows or columns is dust if it is less than 1 % of all ink: a stroke is never cut.
DUST_SHARE = 0.01
# A dot of a few pixels is enlarged as if it were 8 pixels wide, not blown up to a 20 x 20 block.
LEAST_SIDE = 8

_EMPTY = "The picture is empty: {found}. Draw one digit with a thick pen, dark on light or light on dark."


@dataclass(frozen=True, eq=False)
class Step:
    """One stage of the normalisation, to be shown: ``image`` is uint8 (H, W), 0 = paper, 255 = ink."""

    name: str
    help: str
    image: np.ndarray


@dataclass(frozen=True, eq=False)
class Ink:
    """A digit as MNIST would show it, uint8 (28, 28), 0 = paper, 255 = ink, and the steps that led to it."""

    image: np.ndarray
    steps: tuple[Step, ...]


def normalize_picture(source: bytes | str | Path) -> Ink:
    """Read a picture file, find its ink and normalise it. Raises ImageError, or EmptyDrawing if blank."""
    return normalize(to_ink(read_image(source)))


def read_image(source: bytes | str | Path) -> np.ndarray:
    """The grey picture, uint8 (H, W), in an image file or in the bytes of one.

    Turned upright by its EXIF tag, flattened if transparent, the first frame if animated, and reduced by a
    whole number so that no side exceeds 1024 pixels. The size is checked before any pixel is decoded.

    Raises:
        ImageError: no such file, not one of FORMATS, damaged, or of more than MAX_PIXELS pixels.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else _existing(source)
    try:
        with Image.open(file, formats=FORMATS) as image:
            _check_size(*image.size)
            image.draft("L", (READ_SIDE, READ_SIDE))  # a JPEG decodes straight to grey and about this size
            image.load()
            return _grey(ImageOps.exif_transpose(image))
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"The picture is far too large; make it smaller than {_LIMIT}.") from error
    except Exception as error:  # hostile or damaged bytes make decoders fail in any way: all mean the same
        name = f"A file of {len(source):,} bytes" if isinstance(source, bytes) else Path(source).name
        raise ImageError(f"{name} cannot be read as a picture; save it again as PNG or JPEG.") from error


def read_images(path: str | Path) -> list[np.ndarray]:
    """The grey pictures, each uint8 (H, W), in a file: many in a ``.npy`` array, one in an image file.

    A ``.npy`` file holds uint8 of shape (N, H, W) or (H, W); its header is checked before its pixels are
    read, and it is never unpickled. Raises ImageError as ``read_image`` does.
    """
    path = _existing(path)
    if path.suffix.lower() != ".npy":
        return [read_image(path)]
    try:
        stack = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a damaged header fails in any way
        raise ImageError(f"{path.name} is not a whole .npy file; save it again with numpy.save.") from error
    if stack.dtype != np.uint8 or stack.ndim not in (2, 3):
        found = f"{path.name} holds {stack.dtype} of shape {stack.shape}"
        raise ImageError(f"{found}; save uint8 of shape (N, height, width) or (height, width).")
    if not stack.shape[0]:
        raise ImageError(f"{path.name} holds no pictures; save one or more.")
    _check_size(stack.shape[-1], stack.shape[-2])
    return list(np.array(stack, ndmin=3))


def _existing(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise ImageError(f"There is no file {str(path)!r}; check the path.")
    return Path(path)


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= MAX_PIXELS:
        raise ImageError(f"The picture has {width:,} x {height:,} pixels; allowed are 1 to {_LIMIT}.")


def _grey(image: Image.Image) -> np.ndarray:
    """Any Pillow mode -> uint8 (H, W)."""
    if image.mode.startswith(("I", "F")):
        return _grey(Image.fromarray(_eight_bits(np.asarray(image))))
    image = image.convert("LA" if image.has_transparency_data else "L")
    image = image.reduce(-(-max(image.size) // READ_SIDE))
    return _flatten(np.asarray(image)) if image.mode == "LA" else np.array(image)


def _eight_bits(levels: np.ndarray) -> np.ndarray:
    """16-bit levels keep their high byte; 32-bit ones have no agreed white, so their own range is used."""
    if levels.dtype.itemsize == 2:
        return (levels.astype(np.uint16) >> 8).astype(np.uint8)
    levels = np.nan_to_num(levels.astype(np.float64), posinf=0.0, neginf=0.0)
    levels -= levels.min()
    return np.rint(levels * (255 / max(levels.max(), 1e-300))).astype(np.uint8)


def _flatten(grey_alpha: np.ndarray) -> np.ndarray:
    """Lay a transparent picture, uint8 (H, W, 2), on a paper that its visible part can be seen on."""
    grey, alpha = grey_alpha[..., 0].astype(np.float32), grey_alpha[..., 1] / np.float32(255)
    visible = alpha.mean()
    if visible > 0.5:  # a picture with its own paper, with holes or round corners: fill them with that paper
        paper = np.median(grey[alpha > 0.5])
    else:  # a drawing on nothing: white, or black under a light drawing
        paper = 0 if visible and np.average(grey, weights=alpha) > 127 else 255
    return np.rint(grey * alpha + paper * (1 - alpha)).astype(np.uint8)


def from_canvas(rgba: np.ndarray, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """The ink, float32 (H, W) from 0 to 1, of a drawing canvas: all that differs from its background colour.

    Args:
        rgba: uint8 (H, W, 4), as a canvas hands it over; transparent pixels show the background.
        background: red, green and blue of the canvas, 0 to 255 each.

    Raises:
        ImageError: another shape or dtype. EmptyDrawing: nothing is drawn.
    """
    rgba = np.asarray(rgba)
    if rgba.dtype != np.uint8 or rgba.ndim != 3 or rgba.shape[2] != 4 or not rgba.size:
        raise ImageError(f"The canvas gave {rgba.dtype} of shape {rgba.shape}; needed is uint8 (H, W, 4).")
    alpha = rgba[..., 3:] / np.float32(255)
    away = np.abs(rgba[..., :3] - np.float32(background)) * alpha
    return to_ink(np.rint(away.max(axis=-1)).astype(np.uint8), paper=0)


def to_ink(grey: np.ndarray, paper: int | None = None) -> np.ndarray:
    """How much ink each pixel of a grey picture holds, float32 (H, W): 0 is paper, 1 the pen's full darkness.

    Dark on light and light on dark alike: paper is what most of the border is, and ink lies on the side where
    the picture goes furthest from it. Paper and its noise become exactly 0; the edge of a stroke stays grey.

    Args:
        grey: uint8 (H, W).
        paper: the level of the paper, 0 to 255, where it is known; then it is taken to be free of noise.

    Raises:
        ImageError: another shape or dtype. EmptyDrawing: one colour, or nothing but faint noise.
    """
    grey = np.asarray(grey)
    if grey.dtype != np.uint8 or grey.ndim != 2 or not grey.size:
        raise ImageError(f"The picture is {grey.dtype} of shape {grey.shape}; needed is uint8 (H, W).")
    paper, noise = _paper(_border(grey)) if paper is None else (paper, 0.0)
    away = grey.astype(np.float32) - np.float32(paper)
    below, above = _extremes(away)
    if -below > above:
        away, above = -away, -below
    gate = max(NOISE_REACH * noise, LEAST_SHARE * above)
    if above < LEAST_CONTRAST or above <= gate:
        raise EmptyDrawing(_EMPTY.format(found="nothing stands out clearly from the paper"))
    # The ink's level is that of the stroke's inside, not of one odd pixel: 90 of 100 dark pixels are lighter.
    full = np.quantile(away[away >= above / 2], 0.9)
    return np.where(away > gate, np.minimum(away / np.float32(full), 1), 0).astype(np.float32)


def _border(grey: np.ndarray) -> np.ndarray:
    """The pixels of a frame 1/20 of the shorter side wide, (K,) floats."""
    width = max(1, min(grey.shape) // 20)
    inside = np.zeros(grey.shape, bool)
    inside[width:-width, width:-width] = True
    return grey[~inside].astype(np.float32)


def _paper(border: np.ndarray) -> tuple[float, float]:
    """The level of the paper and the standard deviation of its noise, from a border that ink may cross.

    The median absolute deviation ignores ink, but misses the noise of paper near white or black, half of
    which is clipped away. So deviations too faint to be ink count too, and twice on such paper.
    """
    paper = np.median(border)
    away = np.abs(border - paper)
    clipped = min(paper, 255 - paper) < LEAST_CONTRAST
    faint = np.mean(np.where(away < LEAST_CONTRAST, away, 0) ** 2) * (2 if clipped else 1)
    return float(paper), float(max(MAD_TO_SIGMA * np.median(away), np.sqrt(faint)))


def _extremes(values: np.ndarray) -> tuple[float, float]:
    """The least and greatest value but for one pixel in 10,000 at each end, which may be dead or dazzled."""
    skip = values.size // 10_000
    ordered = np.partition(values, (skip, values.size - 1 - skip), axis=None)
    return float(ordered[skip]), float(ordered[values.size - 1 - skip])


def normalize(ink: np.ndarray) -> Ink:
    """The 28 x 28 picture that MNIST would have made of this ink, with each step on the way.

    Args:
        ink: floats (H, W) from 0, paper, to 1, ink, as ``to_ink`` and ``from_canvas`` give.

    Raises:
        ImageError: another shape, or values outside 0 to 1. EmptyDrawing: no ink at all.
    """
    ink, steps = np.asarray(ink, np.float32), []
    if ink.ndim != 2 or not ink.size or not (ink.min() >= 0 and ink.max() <= 1):
        raise ImageError(f"The ink has shape {ink.shape}; needed are numbers from 0 to 1 of shape (H, W).")
    if ink.max() < 1 / 255:
        raise EmptyDrawing(_EMPTY.format(found="there is no ink in it"))
    for name, help_text, change in STEPS:
        ink = change(ink)
        steps.append(Step(name, help_text, np.rint(ink * 255).astype(np.uint8)))
    return Ink(steps[-1].image, tuple(steps))


def crop(ink: np.ndarray) -> np.ndarray:
    """Cut away the empty paper around the ink, and any dust and faint blur on it."""
    solid = np.where(ink >= SOLID * ink.max(), ink, 0)
    return ink[_extent(solid.sum(axis=1)), _extent(solid.sum(axis=0))]


def fit(ink: np.ndarray) -> np.ndarray:
    """Scale so that the longer side is 20 pixels, keeping the aspect ratio; the darkest ink becomes 1."""
    scale = BOX_SIDE / max(*ink.shape, LEAST_SIDE)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    # Pillow widens the filter when it reduces, so that every pixel of a thin stroke counts.
    small = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.HAMMING))
    return np.clip(small / small.max(), 0, 1)


def centre(ink: np.ndarray) -> np.ndarray:
    """Place in 28 x 28 with the centre of mass at the centre, or as near to it as the ink fits."""
    placed = np.zeros((SIDE, SIDE), np.float32)
    top, left = _start(ink.sum(axis=1)), _start(ink.sum(axis=0))
    placed[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return placed


STEPS: tuple[tuple[str, str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("ink found", "Paper is made 0 and ink 255, whatever their colours were.", lambda ink: ink),
    ("cropped", "The empty paper around the ink is cut away.", crop),
    ("fitted in 20 x 20", "Its longer side becomes 20 pixels, its darkest ink 255.", fit),
    ("centred by mass", "The ink's centre of mass is put at the centre of 28 x 28 pixels.", centre),
)


def _extent(profile: np.ndarray) -> slice:
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
