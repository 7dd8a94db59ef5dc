"""What every command is made of, and what several of them share."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tqdm import tqdm

from mnist_core.engine.client import EngineClient
from mnist_core.errors import LabError, StoreBusy
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import leave

PROGRAM = "python -m mnist_core"

Found = TypeVar("Found")

LOOK_SECONDS = 0.1
"""Between two looks at the store: a bar that moves smoothly, for next to no work."""

BAR_DELAY = 0.5
"""Seconds; a bar appears only for what takes longer."""

LOG_SECONDS = 10
"""Between two lines of a progress bar that goes to a file and not to a terminal."""


class UsageError(LabError):
    """The command was called wrongly: an argument is unknown, missing or names nothing that exists."""


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        sentence: what it does, for both helps.
        arguments: adds its arguments to its parser.
        run: does it and gives the exit code; ``LabError`` may pass through it.
        examples: arguments that work as they stand.
        notes: shown at the end of its help.
    """

    name: str
    sentence: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    examples: tuple[str, ...]
    notes: str = ""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence, without the usage."""

    def __init__(self, prog: str, description: str, **options: Any):
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(prog, description=description, formatter_class=layout, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:].rstrip('.')}; see `{self.prog} --help`.")


def json_option(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json``."""
    parser.add_argument("--json", action="store_true", help="end stdout in one JSON document")


def pixels_option(parser: argparse.ArgumentParser) -> None:
    """Adds ``--pixels``, for models that were not trained here."""
    words = "what a model's file takes: 0-1 (default), or 0-255 if it was trained on pixels as they are stored"
    parser.add_argument("--pixels", choices=("0-1", "0-255"), default="0-1", help=words)


def read_file(name: str) -> tuple[str, bytes]:
    """A file's name without its folder, and its bytes. ``UsageError`` if it cannot be read."""
    try:
        return Path(name).name, Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"The file {name!r} cannot be read ({error.strerror}).") from None


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2))


def tell(text: str) -> None:
    """Says something beside the result: on stderr, above any progress bar."""
    tqdm.write(text, file=sys.stderr)


def progress(**options: Any) -> tqdm:
    """A progress bar on stderr; into a file it writes seldom."""
    return tqdm(file=sys.stderr, mininterval=0.1 if sys.stderr.isatty() else LOG_SECONDS, **options)


def open_store() -> tuple[Settings, RunStore]:
    settings = Settings.from_environment()
    return settings, RunStore(settings.database_url)


@contextmanager
def engine(settings: Settings, store: RunStore) -> Iterator[EngineClient]:
    """The engine, started if need be. It ends by itself soon after the last that wanted it has left."""
    client = EngineClient(settings, store)
    try:
        if not client.ensure().ready:
            tell("Starting the engine …")
            client.wait()
        yield client
    finally:
        client.close()
        with suppress(LabError):
            leave(store.database)


def watch(
    look: Callable[[], Found | None],
    client: EngineClient,
    stop: Callable[[], None],
    kept: str,
    seconds: float = LOOK_SECONDS,
) -> Found:
    """Looks until something is found, and keeps the engine there meanwhile. Ctrl-C stops, once more leaves alone.

    Args:
        look: shows how far it is, and gives what is waited for when it is there.
        stop: asks for the end; it is still waited for.
        kept: what a stop does not lose, for readers.
        seconds: between two looks.
    """
    asked = told = False
    while True:
        try:
            found = look()
            if found is not None:
                return found
            if asked and not told:
                with suppress(StoreBusy):
                    stop()
                    told = True
                    continue
            with suppress(StoreBusy):  # workers wait for room as well, and what is waited for goes on
                if not client.ensure().ready:
                    client.wait()
            time.sleep(seconds)
        except KeyboardInterrupt:
            if asked:
                if not told:
                    tell("The word to stop has not got through yet, so it goes on.")
                raise
            asked = True
            tell(f"Stopping; {kept} is kept. Ctrl-C once more does not wait for that.")
