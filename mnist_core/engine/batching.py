"""Questions to one model that come while it is busy are asked together: a class that draws at once waits once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_IMAGES = 1024
"""In one batch; more wait for the next."""


@dataclass(eq=False)
class _Question:
    images: np.ndarray
    answer: np.ndarray | Exception | None = None


class Batcher:
    """Asks ``ask(model, images)`` for many threads. A question alone is asked at once; nothing waits to be joined.

    Args:
        ask: gives one row for every image, ``(N, ...)`` for ``(N, 28, 28)``.
    """

    def __init__(self, ask: Callable[[str, np.ndarray], np.ndarray]):
        self._ask = ask
        self._changed = threading.Condition()
        self._waiting: dict[str, list[_Question]] = {}
        self._busy: set[str] = set()

    def __call__(self, model: str, images: np.ndarray) -> np.ndarray:
        """The rows for ``images``, uint8 ``(N, 28, 28)``. What ``ask`` raises is raised to all whom it concerns."""
        question = _Question(images)
        with self._changed:
            self._waiting.setdefault(model, []).append(question)
            self._changed.wait_for(lambda: question.answer is not None or model not in self._busy)
            if question.answer is None:
                self._busy.add(model)
                together = self._take(model, question)
        if question.answer is None:
            # Whoever finds the model free asks for all who wait. The next of those who come meanwhile asks next.
            try:
                self._answer(model, together)
            finally:
                with self._changed:
                    self._busy.discard(model)
                    self._changed.notify_all()
        if isinstance(question.answer, Exception):
            raise question.answer
        return question.answer

    def _take(self, model: str, first: _Question) -> list[_Question]:
        waiting = [first, *(other for other in self._waiting.pop(model) if other is not first)]
        room, together = MOST_IMAGES, []
        for question in waiting:
            room -= len(question.images)
            if question is first or room >= 0:
                together.append(question)
        rest = [question for question in waiting if question not in together]
        if rest:
            self._waiting[model] = rest
        return together

    def _answer(self, model: str, together: list[_Question]) -> None:
        try:
            rows = self._ask(model, np.concatenate([question.images for question in together]))
            parts = np.split(rows, np.cumsum([len(question.images) for question in together])[:-1])
        except Exception as error:
            # Every thread that waits must be told, whatever went wrong.
            parts = [error] * len(together)
        for question, part in zip(together, parts, strict=True):
            question.answer = part
