"""``upload``: a network that was trained elsewhere becomes a run."""

from __future__ import annotations

import argparse

from mnist_core.cli.command import (
    PROGRAM,
    Command,
    engine,
    json_option,
    open_store,
    pixels_option,
    print_json,
    progress,
    read_file,
)
from mnist_core.cli.runs import result
from mnist_core.models.upload import gather


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="a .keras or .h5 file, or an architecture's .json and its .weights.h5"
    )
    pixels_option(parser)
    parser.add_argument("--name", default="", help="what to call the run (default: the file's name)")
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    settings, store = open_store()
    upload = gather([read_file(file) for file in options.files], scaled=options.pixels == "0-1")
    with engine(settings, store) as client, progress(desc="checking and scoring", total=1, delay=0.5, leave=False):
        run = store.get(client.add_upload(upload, options.name))
    if options.json:
        print_json(result(run))
    else:
        print("\n".join(event["text"] for event in store.events(run.id)))
        print(f"It is run {run.id}. Let it read digits: {PROGRAM} predict --model {run.id} IMAGE")
    return 0


COMMAND = Command(
    "upload",
    "Make a run of a saved Keras model: checked, built of standard layers only, and scored on the test images.",
    _arguments,
    _run,
    ("mine.keras", "mine.json mine.weights.h5 --pixels 0-255 --name theirs"),
)
