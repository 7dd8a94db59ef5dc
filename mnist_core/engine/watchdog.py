"""A watchdog over the engine of this machine: one that lives and does nothing any more is ended, so that another comes.

In a copy of a store stands the engine of the store that was copied, which lives and never beats there: it is left
alone and loses the lease of the copy.

The engine beats every second (``store.lease``). Where nothing can be written it cannot, and is asked. Whether time has
passed is told by looks, not by a clock: an engine that slept as long as its machine did has missed no look. What comes
after is what comes after ``kill -9``.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from sqlalchemy import make_url

from mnist_core.errors import EngineError, LabError
from mnist_core.settings import Settings
from mnist_core.store.database import Database
from mnist_core.store.lease import HOST, EngineStatus, process_alive, revoke

log = logging.getLogger("mnist_core.engine")

ENGINE = "mnist_core.engine.server"
"""The module that an engine runs."""

HUNG_LOOKS = 40
"""So many looks without a beat, two minutes and more: longer than an engine takes to start its workers, to replace
one, or to end them."""

END_SECONDS = 60
"""How long an engine that was told to end may take for its workers and itself before it counts as hung."""

LOOK_SECONDS = 3.0
"""At least so long from one look that counts to the next, however many pages are open; one page looks as often."""

ANSWER_SECONDS = 5.0
"""How long the engine's scheduler may take to greet, which on a busy machine takes a moment."""


class Watchdog:
    """Of one process that has use for the engine; ``look`` whenever the engine's status has been read."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._seen: tuple[int, float] | None = None
        self._looks, self._looked = 0, float("-inf")

    def look(self, status: EngineStatus, answers: bool = False) -> bool:
        """Whether ``status`` no longer holds: the engine was hung and is ended now with its workers, or, where it could
        not be or is none of ours, has lost its lease.

        Args:
            answers: it has given another sign of life than a beat.
        """
        if not status.pid or status.host != HOST:
            return False
        now, seen = time.monotonic(), (status.pid, status.beat)
        if answers or seen != self._seen:
            self._seen, self._looks, self._looked = seen, 0, now
        elif now - self._looked >= LOOK_SECONDS:
            self._looks, self._looked = self._looks + 1, now
        if self._looks < HUNG_LOOKS:
            return False
        self._seen = None
        if self.end(status):
            log.warning("the engine (process %d) had given no sign of life for long; it was ended", status.pid)
        else:
            revoke(self._database, status)
            log.warning("process %d had given no sign of life for long; it is the engine no more", status.pid)
        return True

    def answers(self, status: EngineStatus) -> bool:
        """Whether an engine that cannot beat, since nothing can be written, only waits for room: its Dask scheduler, in
        another thread, then greets who comes. That of a frozen process does not, though a connection is still made."""
        if self._settings.scheduler or not status.address:
            return True  # nobody knows
        scheduler = urlsplit(status.address)
        try:
            with socket.create_connection((scheduler.hostname, scheduler.port), ANSWER_SECONDS) as connection:
                return bool(connection.recv(1))
        except OSError:
            return False

    def dismiss(self, status: EngineStatus) -> None:
        """Has an engine of this machine end, and waits for that; one that hangs is killed with its workers.

        Raises:
            EngineError: it lives even then.
        """
        with suppress(ProcessLookupError):
            os.kill(status.pid, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while process_alive(status.host, status.pid, status.beat):
            if time.monotonic() < deadline:
                time.sleep(0.1)
            elif not self.end(status):
                raise EngineError(
                    f"The engine hangs and cannot be ended (process {status.pid}). "
                    f"End that process by hand, or restart the computer."
                )

    def end(self, status: EngineStatus) -> bool:
        """Kills the engine and all that it began, which may be as stuck as the engine itself, if it is ours; whether it
        is gone."""
        engine = self.ours(status)
        family = [engine] if engine else []
        with suppress(psutil.Error):  # where children cannot be listed, the engine at least is ended
            family += engine.children(recursive=True) if engine else []
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        with suppress(psutil.Error):
            psutil.wait_procs(family, timeout=5)
        return not process_alive(status.host, status.pid, status.beat)

    def ours(self, status: EngineStatus) -> psutil.Process | None:
        """The engine's process, if it lives here and is one of this store. In a copy of a store, or in one that
        machines of one name share, stands the process of another, or of no engine at all."""
        if status.host != HOST or not process_alive(status.host, status.pid, status.beat):
            return None
        try:
            process = psutil.Process(status.pid)
            if ENGINE not in process.cmdline():
                return None
            url = Settings.from_environment(process.environ(), Path(process.cwd())).database_url
        except (psutil.Error, LabError):
            return None
        return process if _place(url) == _place(self._settings.database_url) else None


def _place(address: str) -> str:
    """Where a store is, however its address is written: of SQLite its file, links followed."""
    url = make_url(address)
    return os.path.realpath(url.database) if url.get_backend_name() == "sqlite" and url.database else address
