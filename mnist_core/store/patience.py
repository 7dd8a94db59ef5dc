"""Waits for a store that is full or locked, so that hours of training are not lost for want of a megabyte."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from mnist_core.errors import StoreBusy

log = logging.getLogger("mnist_core.store")

PATIENCE_SECONDS = 3600.0
"""An hour: long enough for somebody to notice and make room."""

PAUSE_SECONDS = 2.0

Result = TypeVar("Result")


def patiently(write: Callable[[], Result], seconds: float = PATIENCE_SECONDS, pause: float = PAUSE_SECONDS) -> Result:
    """Repeats a write until the store takes it, and gives what it gives.

    Raises:
        StoreBusy: the last one, when the store has not taken it for ``seconds``.
        StoreError: at once, for what waiting cannot mend.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return write()
        except StoreBusy as error:
            if time.monotonic() >= deadline:
                raise
            log.warning("waiting to write: %s", error)
            time.sleep(pause)
