"""Drawings for tests, and what to hold them against."""

import io

import numpy as np
from PIL import Image, ImageDraw

from mnist_core import ink


def seven(side=200, pen=20):
    """A 7 in black on white, uint8 (side, side), drawn with a round anti-aliased pen.

    Its centre of mass is not half-way between two pixels, where a hair's breadth moves the picture by one.
    """
    picture = Image.new("L", (4 * side, 4 * side), 255)
    corners = [(0.35 * side, 0.2 * side), (0.7 * side, 0.2 * side), (0.5 * side, 0.8 * side)]
    corners = [(4 * x, 4 * y) for x, y in corners]
    draw = ImageDraw.Draw(picture)
    draw.line(corners, fill=0, width=4 * pen)
    for x, y in corners:
        draw.ellipse((x - 2 * pen, y - 2 * pen, x + 2 * pen, y + 2 * pen), fill=0)
    return np.array(picture.reduce(4))


def mnist_like(grey):
    return ink.digit(ink.to_ink(grey)).image


def apart(one, other):
    """The mean absolute difference of two pictures in grey levels."""
    return np.abs(one.astype(int) - other.astype(int)).mean()


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def enlarged(digit, side):
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))


def placed(picture, row, column, shape=(400, 400), paper=0):
    page = np.full(shape, paper, np.uint8)
    page[row : row + picture.shape[0], column : column + picture.shape[1]] = picture
    return page


def line(*points, width=20, colour="#ffffff"):
    """A stroke as the canvas tells it: straight from point to point."""
    (x0, y0), (x1, y1) = np.min(points, axis=0).tolist(), np.max(points, axis=0).tolist()
    path = [["M" if i == 0 else "L", x, y] for i, (x, y) in enumerate(points)]
    place = {"left": x0 - width / 2, "top": y0 - width / 2}
    return {"path": path, "width": x1 - x0, "height": y1 - y0, "stroke": colour, "strokeWidth": width} | place
