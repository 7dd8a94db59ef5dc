"""Pixels -> evenly lit grey: the camera's turn, transparency, coloured pens and shadows.

Every function takes uint8, grey (H, W) or with channels (H, W, 2 to 4), and gives uint8.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

# A picture this small is no photo: it has no shadows, and strokes as wide as they would be.
LEAST_LIT = 64
# A shadow or a lamp changes the paper by two thirds of what ink has to stand out of it (see ``paper``), or it is left
# alone: a pencil's grey is only a few times as much.
UNEVEN = 16
# The paper is what remains when all that is narrower than this share of the picture is taken away.
WINDOW = 0.2
# Paper of one level is that of so many pixels, and of so many in each quarter of the picture.
FLAT_SHARE, FLAT_QUARTER = 0.2, 0.03
# What is fainter than this share of the ink, and as wide as this share of the picture's shorter side, is a shadow.
SHADED, BROAD = 0.75, 0.35
# Light changes slowly, so it is looked for in a picture of so many pixels; that calms noise as well.
LIGHT_SIDE = 256

# Dark ink or light ink shows at so many pixels.
POLARITY_SIDE = 96

_REC_601 = np.array([299, 587, 114], np.float32) / 1000


def upright(pixels: np.ndarray, orientation: int = 1) -> np.ndarray:
    """Turn a picture as its EXIF orientation (1 to 8) says that it has to be shown."""
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def flatten(pixels: np.ndarray) -> np.ndarray:
    """Lay a transparent picture, (H, W, 2) or (H, W, 4), on a paper that its visible part can be seen on."""
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    colours, alpha = pixels[..., :-1].astype(np.float32), pixels[..., -1:] / np.float32(255)
    solid, visible = alpha[..., 0] > 0.5, alpha.mean()
    if visible > 0.5:  # a picture with its own paper, with holes or round corners: fill them with that paper
        paper = np.median(colours[solid], axis=0)
    else:  # a drawing on nothing: white, or black under a light drawing
        grey = luminance(pixels[..., :-1]) if pixels.shape[2] == 4 else pixels[..., 0]
        paper = 0 if visible and np.average(grey, weights=alpha[..., 0]) > 127 else 255
    return opaque(np.rint(colours * alpha + paper * (1 - alpha)).astype(np.uint8))


def opaque(pixels: np.ndarray) -> np.ndarray:
    """Forget the transparency of a picture, and show the colours that it hides."""
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels = pixels[..., :-1]
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def luminance(pixels: np.ndarray) -> np.ndarray:
    """How light each colour looks to the eye (ITU-R 601), (H, W): a yellow pen on white is nearly invisible."""
    if pixels.ndim == 2:
        return pixels
    return np.rint(pixels.astype(np.float32) @ _REC_601).astype(np.uint8)


def pen_colour(pixels: np.ndarray) -> np.ndarray:
    """How far each colour is from paper towards pen, (H, W): the grey in which edges stand out most.

    It is the direction of the largest change in colour from pixel to pixel (Di Zenzo, "A note on the gradient of a
    multi-image", 1986). Light changes slowly, so it does not disturb.
    """
    if pixels.ndim == 2:
        return pixels
    if (pixels == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    colours = pixels.astype(np.float32)
    changes = [np.diff(colours, axis=axis).reshape(-1, 3) for axis in (0, 1)]
    direction = np.linalg.eigh(sum(change.T @ change for change in changes).astype(np.float64))[1][:, -1]
    if direction @ _REC_601 < 0:
        direction = -direction
    share = np.abs(direction) / np.abs(direction).sum()
    along = np.where(direction < 0, 255 - colours, colours)
    return np.rint(along @ share.astype(np.float32)).astype(np.uint8)


def even_light(grey: np.ndarray) -> np.ndarray:
    """Take shadows and lamps from the paper of a grey picture: it becomes as light everywhere as at its lightest.

    The paper is what a morphological closing leaves (dark ink; an opening for light ink): all that is narrower than
    a window is ink. Dark ink under less light is as dark in proportion, so it is divided by its paper.
    """
    if min(grey.shape) < LEAST_LIT or _is_flat(grey):
        return grey
    from scipy import ndimage

    factor = -(-max(grey.shape) // LIGHT_SIDE)
    small = np.asarray(Image.fromarray(grey).reduce(factor))
    calm = ndimage.median_filter(small, 3)
    window = int(WINDOW * min(small.shape)) | 1
    dark_ink = _is_dark_ink(grey)
    paper = (ndimage.grey_closing if dark_ink else ndimage.grey_opening)(calm, (window, window), mode="nearest")
    if np.ptp(np.quantile(paper, (0.02, 0.98))) < UNEVEN:
        return grey
    height, width = grey.shape
    surface = Image.fromarray(paper.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    surface = np.maximum(np.asarray(surface), 1)
    if dark_ink:
        return np.rint(np.minimum(grey / surface, 1) * paper.max()).astype(np.uint8)
    return np.rint(np.maximum(grey - surface, 0)).astype(np.uint8)


def _is_flat(grey: np.ndarray) -> bool:
    """Whether the paper is of one level everywhere: a drawing, or a scan that was cleaned."""
    count = np.bincount(grey.ravel(), minlength=256)
    levels = [start + int(count[start : start + 128].argmax()) for start in (0, 128)]
    return any(_is_all_over(np.abs(grey.astype(np.int16) - level)) for level in levels)


def _is_all_over(away: np.ndarray) -> bool:
    """Whether there is paper in every quarter, and no shadow; ``away``: how far pixels are from the paper's level."""
    paper = away <= 1
    height, width = paper.shape
    quarters = [paper[rows, columns].mean() for rows in _halves(height) for columns in _halves(width)]
    if np.mean(quarters) <= FLAT_SHARE or min(quarters) <= FLAT_QUARTER:
        return False
    from scipy import ndimage

    shaded = np.uint8(255) * ((away > UNEVEN) & (away < SHADED * away.max()))
    shaded = np.asarray(Image.fromarray(shaded).reduce(-(-max(away.shape) // POLARITY_SIDE))) > 127
    return not ndimage.minimum_filter(shaded, int(BROAD * min(shaded.shape)) | 1, mode="constant").any()


def _halves(length: int) -> tuple[slice, slice]:
    return slice(0, length // 2), slice(length // 2, length)


def _is_dark_ink(grey: np.ndarray) -> bool:
    """Whether strokes are darker than what is around them; shadows have as much light beside them as dark."""
    from scipy import ndimage

    small = np.asarray(Image.fromarray(grey).reduce(-(-max(grey.shape) // POLARITY_SIDE))).astype(np.float32)
    away = small - ndimage.median_filter(small, int(WINDOW * max(small.shape)) | 1)
    return bool(-np.quantile(away, 0.005) >= np.quantile(away, 0.995))
