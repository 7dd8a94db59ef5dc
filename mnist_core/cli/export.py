"""``export``: a run's network as a file to take home."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_core.cli.command import PROGRAM, Command, UsageError, engine, json_option, open_store, print_json, progress
from mnist_core.errors import UnknownRun
from mnist_core.models.formats import FORMATS


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN", help=f"a finished or stopped run; `{PROGRAM} runs` lists all")
    parser.add_argument("--format", choices=FORMATS, default="keras", help="what to write (default: keras)")
    parser.add_argument("--out", metavar="FILE", help="where to write it (default: RUN with the format's ending)")
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    settings, store = open_store()
    wanted = FORMATS[options.format]
    try:
        run = store.get(options.run_id)
    except UnknownRun:
        raise UsageError(f"There is no run {options.run_id!r}: `{PROGRAM} runs` lists all.") from None
    if not run.usable:
        raise UsageError(f"The run {run.id} is {run.status}; only finished and stopped runs have a model.")
    path = Path(options.out or run.id + wanted.ending)
    with engine(settings, store) as client, progress(desc="converting", total=1, delay=0.5, leave=False):
        data = client.export(run.id, wanted.name)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"The file {str(path)!r} cannot be written ({error.strerror}).") from None
    if options.json:
        print_json({"run_id": run.id, "format": wanted.name, "file": str(path), "bytes": len(data)})
        return 0
    print(f"{path}: {len(data):,} bytes. {wanted.help.partition(': for')[0].rstrip('.')}.")
    return 0


COMMAND = Command(
    "export",
    "Write a run's network to a file: .keras, HDF5, its architecture or its weights.",
    _arguments,
    _run,
    ("1a2b3c4d", "1a2b3c4d --format h5 --out mine.h5"),
    "\n".join(f"{format.name:8} {format.label}" for format in FORMATS.values()),
)
