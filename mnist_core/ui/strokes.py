"""Renders the canvas' strokes in Python, for states of which the browser has sent no picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from mnist_core.errors import ImageError

FINENESS = 3
"""Drawn so much larger and then reduced, which gives soft edges as in the browser."""

CURVE_POINTS = 8

MOST_POINTS = 100_000
"""Of all strokes together; an hour of drawing has fewer."""

FARTHEST = 100_000
"""Canvas pixels from the corner, or across: what lies beyond was never drawn with a mouse."""


def render(strokes: Iterable[Mapping[str, Any]], side: int) -> np.ndarray:
    """White ink on black, ``uint8 (side, side, 4)`` like the canvas' own picture; later strokes over earlier ones.

    Args:
        strokes: path objects of Fabric.js, the canvas' drawing library: what ``json_data["objects"]`` holds.

    Raises:
        ImageError: they are none, as only a tampered page sends them.
    """
    try:
        lines = [(_on_canvas(stroke), _width(stroke), _colour(stroke)) for stroke in strokes]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
        raise ImageError("The canvas sent strokes that cannot be drawn. Clear it and draw again.") from None
    if sum(len(points) for points, *_ in lines) > MOST_POINTS:
        raise ImageError(f"The drawing has more than {MOST_POINTS:,} points. Clear it and draw again.")
    sheet = Image.new("L", (side * FINENESS, side * FINENESS))
    pen = ImageDraw.Draw(sheet)
    for line, across, colour in lines:
        points, width = [(x * FINENESS, y * FINENESS) for x, y in line], across * FINENESS
        pen.line(points, fill=colour, width=round(width), joint="curve")
        for x, y in points:
            # Round joints and ends.
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colour)
    ink = np.asarray(sheet.resize((side, side), Image.Resampling.BOX))
    return np.dstack([ink, ink, ink, np.full_like(ink, 255)])


def _width(stroke: Mapping[str, Any]) -> float:
    return float(_near(stroke["strokeWidth"] * abs(stroke.get("scaleX", 1))))


def _colour(stroke: Mapping[str, Any]) -> int:
    """White for a pen, and black for the eraser."""
    return ImageColor.getcolor(stroke.get("stroke") or "white", "L")


def _near(numbers: Any) -> np.ndarray:
    """The numbers; ``ValueError`` if they are none, or too large to be drawn."""
    numbers = np.asarray(numbers, float)
    if not (np.abs(numbers) <= FARTHEST).all():  # of "not a number" this is not true either
        raise ValueError("not on any canvas")
    return numbers


def _on_canvas(stroke: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The stroke's points where they lie after the reader has moved, scaled or turned it."""
    points = _near(_points(stroke["path"]))
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = np.array([stroke.get("scaleX", 1), stroke.get("scaleY", 1)])
    angle = math.radians(stroke.get("angle", 0))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    place = np.array([stroke["left"], stroke["top"]], float)
    if stroke.get("originX", "left") == "left":
        place += turn @ ((np.array([stroke["width"], stroke["height"]]) + stroke["strokeWidth"]) * scale / 2)
    return [tuple(point) for point in _near(((points - middle) * scale) @ turn.T + place)]


def _points(path: Sequence[Sequence[Any]]) -> list[tuple[float, float]]:
    """Points along a path of moves (M), lines (L) and quadratic curves (Q)."""
    points: list[tuple[float, float]] = []
    for command, *numbers in path:
        if command in ("M", "L"):
            points.append((numbers[0], numbers[1]))
        elif command == "Q":
            (x0, y0), (x1, y1, x2, y2) = points[-1], numbers
            for i in range(1, CURVE_POINTS + 1):
                t = i / CURVE_POINTS
                a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
                points.append((a * x0 + b * x1 + c * x2, a * y0 + b * y1 + c * y2))
    return points
