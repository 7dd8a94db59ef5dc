"""The pictures that a command is given: what is in them, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mnist_core import ink
from mnist_core.cli.command import BAR_DELAY, progress
from mnist_core.errors import EmptyDrawing, ImageError


@dataclass(frozen=True, eq=False)
class Seen:
    """What is in one picture, without the steps that led to it: of a photo they are megabytes.

    Attributes:
        name: its file, and its place in there if that holds several.
        image: all of it as one digit, uint8 ``(28, 28)``.
        digits: its pieces from left to right; none if there are too many for a number.
    """

    name: str
    image: np.ndarray
    digits: tuple[ink.Digit, ...] = ()


def read(paths: list[str], several: bool) -> list[Seen]:
    """What is in the pictures of all files, in order.

    Args:
        several: whether each must be a number, whose pieces can be told apart.

    Raises:
        ImageError: naming the file that cannot be read, or that is empty.
    """
    found = []
    with progress(desc="reading", total=len(paths), unit=" pictures", delay=BAR_DELAY, leave=False) as bar:
        for path in paths:
            for name, picture in _pictures(path):
                try:
                    found.append(_seen(name, picture, several))
                except ImageError as error:
                    raise ImageError(f"{name}: {error}") from None
                bar.total = max(bar.total, len(found))
                bar.update()
    return found


def _seen(name: str, picture: ink.Picture, several: bool) -> Seen:
    try:
        number = ink.cut(picture)
    except EmptyDrawing:
        raise
    except ImageError:
        if several:
            raise
        return Seen(name, ink.trace(picture).image)  # many pieces may still be one digit
    digits = tuple(replace(digit, ink=ink.Ink(digit.ink.image, ())) for digit in number.digits)
    return Seen(name, number.whole.image, digits)


def _pictures(path: str) -> Iterator[tuple[str, ink.Picture]]:
    try:
        pictures = ink.open_pictures(path)
    except ImageError as error:
        known = Path(path).name in str(error)
        raise ImageError(str(error) if known else f"{path}: {error}") from None
    many = len(pictures) > 1
    for number, picture in enumerate(pictures):
        yield f"{path}[{number}]" if many else path, picture
