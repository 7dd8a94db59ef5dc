"""A watchdog over the engine of this machine: one that lives and does nothing any more is ended, so that another comes.

The engine beats every second (``store.lease``). Whether time has passed is told by looks, not by a clock: an engine
that slept as long as its machine did has missed no look. What comes after is what comes after ``kill -9``.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress

import psutil

from mnist_core.store.lease import HOST, EngineStatus, process_alive

log = logging.getLogger("mnist_core.engine")

HUNG_LOOKS = 120
"""So many looks without a beat: longer than an engine takes to start its workers, to replace one, or to end them."""

LOOK_SECONDS = 1.0
"""At least so long from one look that counts to the next, however many pages are open."""


class Watchdog:
    """Of one process that has use for the engine; ``look`` whenever the engine's status has been read."""

    def __init__(self) -> None:
        self._seen: tuple[str, int, float] | None = None
        self._looks, self._looked = 0, float("-inf")

    def look(self, status: EngineStatus) -> bool:
        """Whether the engine was hung, and is ended now with its workers."""
        if not status.pid or status.host != HOST or status.pid == os.getpid():
            return False
        now, seen = time.monotonic(), (status.host, status.pid, status.beat)
        if seen != self._seen:
            self._seen, self._looks, self._looked = seen, 0, now
        elif now - self._looked >= LOOK_SECONDS:
            self._looks, self._looked = self._looks + 1, now
        if self._looks < HUNG_LOOKS:
            return False
        self._seen = None
        log.warning("the engine (process %d) has not given a sign of life for long; it is ended", status.pid)
        _end(status)
        return True


def _end(status: EngineStatus) -> None:
    """Kills the engine and all that it began, which may be as stuck as the engine itself."""
    with suppress(psutil.Error):
        engine = psutil.Process(status.pid)
        family = [engine, *engine.children(recursive=True)]
        if not process_alive(status.host, status.pid, status.beat):
            return  # another process has got its number meanwhile
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(family, timeout=5)
