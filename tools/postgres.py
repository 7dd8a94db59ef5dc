"""Find a PostgreSQL server for the tests, and install Debian's when there is none.

``python -m tools.postgres`` prints the folder of its programs; if there is none, it says so in one sentence on standard
error and exits with 1.
"""

import os
import shutil
import sys
from pathlib import Path

from tools import programs

VARIABLE = "MNIST_LAB_POSTGRES"
PROGRAMS = ("initdb", "postgres")
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian has them, by version; they are not on its PATH."""

MISSING = (
    f"No PostgreSQL server for the tests: {' and '.join(PROGRAMS)} are neither on the PATH nor in {DEBIAN}; install "
    f"one (`apt install postgresql`), or set {VARIABLE} to the folder that holds both."
)


class PostgresMissing(Exception):
    """No server can be used; the message is one sentence for the reader."""


def find():
    """The folder with the server's programs, or None; the reader's own choice, ``MNIST_LAB_POSTGRES``, comes first."""
    chosen = os.environ.get(VARIABLE)
    folders = [Path(chosen)] if chosen else _candidates()
    whole = (folder for folder in folders if all((folder / program).is_file() for program in PROGRAMS))
    return next(map(str, whole), None)


def require():
    """The same; raises PostgresMissing if there is none."""
    folder = find()
    if folder is None:
        raise PostgresMissing(MISSING)
    return folder


def ensure():
    """The same, installed if there was none."""
    if find() is None and not os.environ.get(VARIABLE):
        programs.install_with_apt("postgresql", "No PostgreSQL server yet")
    return require()


def _candidates():
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    versions = DEBIAN.glob("*/bin")
    yield from sorted(versions, key=lambda folder: int("0" + folder.parent.name.partition(".")[0]), reverse=True)


def main():
    return programs.found_or_said(ensure, PostgresMissing)


if __name__ == "__main__":
    sys.exit(main())
