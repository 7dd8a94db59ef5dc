"""Logs as lines of JSON: when, how grave, which process, which run, and what happened.

The engine and its workers write to ``engine.log``, a web server to ``web.log``, both in the data folder; warnings of
a web server go to its terminal as well.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timezone
from pathlib import Path

MOST_BYTES = 20_000_000
"""Of a log, after which the next process that begins one puts it aside as ``.1``, in place of an older one."""

_run: ContextVar[str] = ContextVar("run", default="")


@contextmanager
def about(run_id: str) -> Iterator[None]:
    """Whatever is logged in this thread meanwhile is about this run."""
    token = _run.set(run_id)
    try:
        yield
    finally:
        _run.reset(token)


class Lines(logging.Formatter):
    """One JSON object a line; ``run`` is the run's id or empty, ``error`` a traceback if there is one."""

    def __init__(self, process: str):
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": os.getpid(),
            "run": getattr(record, "run", "") or _run.get(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Stderr(logging.Handler):
    """Writes to what stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):  # a log that takes nothing, as on a full disk, must stop nobody
            print(self.format(record), file=sys.stderr, flush=True)


def to_stderr(process: str) -> None:
    """All logs of this process, Dask's warnings among them, go to its stderr."""
    # Processes that this one starts read it when they import Dask, which is before anybody can tell them.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    dask = logging.getLogger("distributed")
    dask.handlers.clear()
    dask.propagate = True
    dask.setLevel(logging.WARNING)
    _install(logging.getLogger(), process, _Stderr())


def to_file(process: str, path: Path) -> None:
    """MNIST Lab's own logs go to a file, and warnings to stderr as well."""
    handlers: list[logging.Handler] = [_Stderr(logging.WARNING)]
    with suppress(OSError):  # a disk that takes no log is told by what else cannot be written
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_room(path)
        handlers.append(logging.FileHandler(path, encoding="utf-8"))
    _install(logging.getLogger("mnist_core"), process, *handlers)


def appended(path: Path):
    """A log file to be handed to a new process as its stderr."""
    _make_room(path)
    return open(path, "ab")


def recent(path: Path, count: int = 20, tail: int = 200_000) -> list[dict[str, str]]:
    """The latest warnings and errors of a log, newest first; lines that are not ours are left out."""
    found = []
    with suppress(OSError), open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - tail))
        for text in file.read().decode(errors="replace").splitlines():
            with suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict) and line.get("level") in ("warning", "error", "critical"):
                    found.append(line)
    return found[::-1][:count]


def _install(logger: logging.Logger, process: str, *handlers: logging.Handler) -> None:
    """Replaces what an earlier call has installed."""
    for handler in [handler for handler in logger.handlers if isinstance(handler.formatter, Lines)]:
        logger.removeHandler(handler)
        handler.close()
    for handler in handlers:
        handler.setFormatter(Lines(process))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _make_room(path: Path) -> None:
    with suppress(OSError):  # there is none yet, or another process was quicker
        if path.stat().st_size > MOST_BYTES:
            path.replace(path.with_name(path.name + ".1"))
