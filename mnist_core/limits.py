"""What visitors may ask of this lab at most. Each limit is a setting; over one, a sentence names limit and setting.

Commands on the machine are its owner's and know no limits.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from mnist_core.config import RunConfig
from mnist_core.errors import OverLimit
from mnist_core.settings import Settings

KEYS_KEPT = 10_000
"""Of a rate limit; who was away longest is forgotten first."""


def require_size(settings: Settings, config: RunConfig) -> None:
    """``OverLimit`` for a model with too many parameters, or a training over too many epochs."""
    require_parameters(settings, config.parameters)
    if config.architecture.family == "network":
        _require(config.epochs, settings.most_epochs, "epochs", "The training has", "MNIST_LAB_EPOCHS")


def require_parameters(settings: Settings, count: int) -> None:
    """``OverLimit`` for a model with too many parameters, whether it is trained here or brought along."""
    _require(count, settings.most_parameters, "parameters", "The model has", "MNIST_LAB_PARAMETERS")


def require_room(settings: Settings, stored: int) -> None:
    """``OverLimit`` when ``stored`` bytes in the database are as many as it may hold."""
    most = settings.stored_megabytes
    if most and stored >= most * 1_000_000:
        raise OverLimit(
            f"The lab's database holds {stored / 1e6:,.0f} MB, and {most:,} MB is the most "
            f"(MNIST_LAB_STORED_MEGABYTES). Delete runs that nobody needs."
        )


def require_turn(settings: Settings, waiting: int) -> None:
    """``OverLimit`` for a visitor who has ``waiting`` runs in the queue already."""
    most = settings.most_waiting
    if most and waiting >= most:
        raise OverLimit(
            f"You have {waiting:,} runs waiting, and {most:,} is the most for one visitor (MNIST_LAB_WAITING). "
            f"Wait for one to begin, or cancel one."
        )


def out_of_time(settings: Settings, seconds: float) -> str:
    """Why a run that has held a worker for so long is stopped; an empty text while it may go on."""
    most = settings.run_minutes
    if not most or seconds < 60 * most:
        return ""
    return (
        f"Stopped after {most:,} minutes of training and validation, the most a run may take here "
        f"(MNIST_LAB_RUN_MINUTES)."
    )


class RateLimit:
    """So many a minute for each key: a token bucket that holds ``most`` and fills evenly. Safe from many threads.

    Args:
        most: a minute; 0 is no limit.
        sentence: what is said to whom it stops, with ``{most}`` and ``{seconds}`` to wait.
    """

    def __init__(self, most: int, sentence: str, clock: Callable[[], float] = time.monotonic):
        self._most, self._sentence, self._clock = most, sentence, clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Counts one; ``OverLimit`` if that is too many."""
        if not self._most:
            return
        with self._lock:
            now = self._clock()
            left, at = self._buckets.pop(key, (float(self._most), now))
            left = min(self._most, left + (now - at) * self._most / 60)
            self._buckets[key] = (left - 1 if left >= 1 else left), now
            while len(self._buckets) > KEYS_KEPT:
                self._buckets.popitem(last=False)
        if left < 1:
            seconds = max(1, round((1 - left) * 60 / self._most))
            raise OverLimit(self._sentence.format(most=self._most, seconds=seconds))


def _require(number: int, most: int, what: str, subject: str, setting: str) -> None:
    if most and number > most:
        raise OverLimit(f"{subject} {number:,} {what}, and {most:,} is the most here ({setting}).")
