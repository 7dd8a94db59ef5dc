"""A watchdog over the engine of this machine: one that lives and does nothing any more is ended, so that another comes.

In a copy of a store stands the engine of the store that was copied, which lives and never beats there: it is left
alone and loses the lease of the copy.

The engine beats every second (``store.lease``). Whether time has passed is told by looks, not by a clock: an engine
that slept as long as its machine did has missed no look. What comes after is what comes after ``kill -9``.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress

import psutil

from mnist_core.errors import LabError
from mnist_core.settings import Settings
from mnist_core.store.database import Database
from mnist_core.store.lease import HOST, EngineStatus, process_alive, revoke

log = logging.getLogger("mnist_core.engine")

ENGINE = "mnist_core.engine.server"
"""The module that an engine runs."""

HUNG_LOOKS = 40
"""So many looks without a beat, two minutes and more: longer than an engine takes to start its workers, to replace
one, or to end them."""

LOOK_SECONDS = 3.0
"""At least so long from one look that counts to the next, however many pages are open; one page looks as often."""


class Watchdog:
    """Of one process that has use for the engine; ``look`` whenever the engine's status has been read."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._seen: tuple[int, float] | None = None
        self._looks, self._looked = 0, float("-inf")

    def look(self, status: EngineStatus) -> bool:
        """Whether ``status`` no longer holds: the engine was hung and is ended now with its workers, or, where it could
        not be or is none of ours, has lost its lease."""
        if not status.pid or status.host != HOST:
            return False
        now, seen = time.monotonic(), (status.pid, status.beat)
        if seen != self._seen:
            self._seen, self._looks, self._looked = seen, 0, now
        elif now - self._looked >= LOOK_SECONDS:
            self._looks, self._looked = self._looks + 1, now
        if self._looks < HUNG_LOOKS:
            return False
        self._seen = None
        if self._end(status):
            log.warning("the engine (process %d) had given no sign of life for long; it was ended", status.pid)
        else:
            revoke(self._database, status)
            log.warning("process %d had given no sign of life for long; it is the engine no more", status.pid)
        return True

    def _end(self, status: EngineStatus) -> bool:
        """Kills the engine and all that it began, which may be as stuck as the engine itself."""
        try:
            engine = psutil.Process(status.pid)
            if not self._ours(engine) or not process_alive(status.host, status.pid, status.beat):
                return False
            family = [engine, *engine.children(recursive=True)]
        except psutil.Error:
            return False
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(family, timeout=5)
        return not process_alive(status.host, status.pid, status.beat)

    def _ours(self, process: psutil.Process) -> bool:
        """Whether it is an engine of this store. In a copy of a store, or in one that machines of one name share,
        stands the process of another, or of no engine at all."""
        if ENGINE not in process.cmdline():
            return False
        try:
            return Settings.from_environment(process.environ()).database_url == self._settings.database_url
        except LabError:
            return False
