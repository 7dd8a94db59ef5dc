"""Pictures that are drawn one after the other, kept, and drawn on when more are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np


class Series:
    """The first pictures are the same however many are asked for, in one go or in several."""

    def __init__(self, pictures: Iterator[np.ndarray]):
        """``pictures`` gives ``uint8 (28, 28)`` without end."""
        self._coming, self._drawn = pictures, []

    def first(self, count: int, look: Callable[[], None] | None = None) -> np.ndarray:
        """``uint8 (count, 28, 28)``.

        Args:
            look: called after each picture that had to be drawn. Should it raise, what has been drawn is kept.
        """
        while len(self._drawn) < count:
            self._drawn.append(next(self._coming))
            if look:
                look()
        return np.stack(self._drawn[:count]) if count else np.empty((0, 28, 28), np.uint8)
