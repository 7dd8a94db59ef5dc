"""Files, arrays and the canvas -> a ``Picture``: its pixels, and what is known of where they came from."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from mnist_core.errors import ImageError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
MAX_PIXELS = 40_000_000
_LIMIT = f"{MAX_PIXELS // 1_000_000} million pixels"
# A digit needs no more: larger files are reduced on reading, which calms a camera's noise as well.
READ_SIDE = 1024

BAND_PIXELS = 4_000_000
"""Converted at a time: a file of some kilobytes may hold MAX_PIXELS, and each kind of pixel takes up to 16 bytes."""

ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held, 1 to 8; 1 is upright."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels as they were taken.

    Attributes:
        pixels: uint8, grey (H, W), grey and alpha (H, W, 2), RGB (H, W, 3) or RGBA (H, W, 4).
        orientation: EXIF's, 1 to 8.
        paper: the level of the paper where it is known, as on a canvas; such paper is even and free of noise.
    """

    pixels: np.ndarray
    orientation: int = 1
    paper: int | None = None

    def __post_init__(self):
        pixels = self.pixels
        shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (2, 3, 4))
        if pixels.dtype != np.uint8 or not pixels.size or not shaped:
            found = f"{pixels.dtype} of shape {pixels.shape}"
            raise ImageError(f"The picture is {found}; needed is uint8 (H, W), or (H, W, C) with 2 to 4 channels.")

    @cached_property
    def digest(self) -> str:
        """Equal pictures have the same, and no others."""
        told = f"{self.pixels.shape} {self.orientation} {self.paper}".encode()
        return hashlib.blake2b(told + self.pixels.tobytes(), digest_size=16).hexdigest()


def canvas(rgba: np.ndarray, background: tuple[int, int, int] = (255, 255, 255)) -> Picture:
    """A drawing canvas as light ink on black: how far each pixel is from the background colour.

    Args:
        rgba: uint8 (H, W, 4), as a canvas hands it over; transparent pixels show the background.
        background: red, green and blue of the canvas, 0 to 255 each.

    Raises:
        ImageError: another shape or dtype.
    """
    rgba = np.asarray(rgba)
    if rgba.dtype != np.uint8 or rgba.ndim != 3 or rgba.shape[2] != 4 or not rgba.size:
        raise ImageError(f"The canvas gave {rgba.dtype} of shape {rgba.shape}; needed is uint8 (H, W, 4).")
    # Colour by colour: a maximum over an axis of three is several times slower.
    away = [np.abs(rgba[..., i] - np.float32(background[i])) for i in range(3)]
    opacity = rgba[..., 3] / np.float32(255)
    return Picture(np.rint(np.maximum(np.maximum(*away[:2]), away[2]) * opacity).astype(np.uint8), paper=0)


def open_picture(source: bytes | str | Path) -> Picture:
    """The picture in an image file or in the bytes of one.

    The first frame if animated, and reduced by a whole number so that no side exceeds 1024 pixels. The size is
    checked before any pixel is decoded.

    Raises:
        ImageError: no such file, not one of FORMATS, damaged, or of more than MAX_PIXELS pixels.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else _existing(source)
    try:
        with Image.open(file, formats=FORMATS) as image:
            _check_size(*image.size)
            image.draft("RGB", (READ_SIDE, READ_SIDE))  # a JPEG decodes straight to about this size
            image.load()
            orientation = image.getexif().get(ORIENTATION, 1)
            return Picture(_pixels(image), orientation if orientation in range(1, 9) else 1)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"The picture is far too large; make it smaller than {_LIMIT}.") from error
    except Exception as error:  # hostile or damaged bytes make decoders fail in any way: all mean the same
        name = f"A file of {len(source):,} bytes" if isinstance(source, bytes) else Path(source).name
        raise ImageError(f"{name} cannot be read as a picture; save it again as PNG or JPEG.") from error


def open_pictures(path: str | Path) -> list[Picture]:
    """The pictures in a file: many in a ``.npy`` array, one in an image file.

    A ``.npy`` file holds uint8 of shape (N, H, W) or (H, W); its header is checked before its pixels are
    read, it is never unpickled, and levels are as ``full_range`` gives them.

    Raises:
        ImageError: as ``open_picture``.
    """
    path = _existing(path)
    if path.suffix.lower() != ".npy":
        return [open_picture(path)]
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
    return [Picture(pixels) for pixels in full_range(np.array(stack, ndmin=3))]


def full_range(pictures: np.ndarray) -> np.ndarray:
    """A set of uint8 pictures, of which one of few grey levels, such as 0 to 16, is counted from 0 to 255."""
    brightest = int(pictures.max())
    if not 0 < brightest < 128:
        return pictures
    return np.rint(np.arange(brightest + 1) * (255 / brightest)).astype(np.uint8)[pictures]


def _existing(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise ImageError(f"There is no file {str(path)!r}; check the path.")
    return Path(path)


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= MAX_PIXELS:
        raise ImageError(f"The picture has {width:,} x {height:,} pixels; allowed are 1 to {_LIMIT}.")


def _pixels(image: Image.Image) -> np.ndarray:
    """Any Pillow mode -> uint8 (H, W), (H, W, 2), (H, W, 3) or (H, W, 4); never converts a large picture as a whole."""
    (width, height), factor = image.size, -(-max(image.size) // READ_SIDE)
    if image.mode in ("I", "F"):
        return _stretched(np.asarray(image.reduce(factor)))
    rows = factor * max(1, BAND_PIXELS // (factor * width))
    bands = (image.crop((0, top, width, min(top + rows, height))) for top in range(0, height, rows))
    return np.concatenate([np.asarray(_eight_bits(band).reduce(factor)) for band in bands])


def _eight_bits(image: Image.Image) -> Image.Image:
    """Any mode of up to 16 bits -> L, LA, RGB or RGBA; 16-bit levels keep their high byte."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    colours = image.mode not in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return image.convert("RGBA" if colours else "LA")
    return image.convert("RGB" if colours else "L")


def _stretched(levels: np.ndarray) -> np.ndarray:
    """32-bit levels have no agreed white, so their own range is used."""
    levels = np.nan_to_num(levels.astype(np.float64), posinf=0.0, neginf=0.0)
    levels -= levels.min()
    return np.rint(levels * (255 / max(levels.max(), 1e-300))).astype(np.uint8)
