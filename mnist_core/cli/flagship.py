"""``flagship``: make the network that is shipped with MNIST Lab, and its model card."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from mnist_core import model_card
from mnist_core.cli.command import PROGRAM, Command, UsageError, engine, json_option, open_store, print_json, tell
from mnist_core.cli.predict import ask
from mnist_core.cli.train import follow
from mnist_core.data import mnist
from mnist_core.recipes import recipe
from mnist_core.robustness import FIGURES
from mnist_core.store import shipped

CARD = Path(__file__).parents[2] / "docs" / "flagship.md"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", metavar="RUN", help="take this finished run instead of training one")
    parser.add_argument("--out", metavar="DIR", type=Path, default=shipped.FOLDER, help="where the network goes")
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    settings, store = open_store()
    with engine(settings, store) as client:
        run_id = options.run or store.create(recipe("flagship").config, "Flagship", "flagship")
        run = store.get(run_id) if options.run else follow(store, client, run_id)
        if not run.usable:
            raise UsageError(f"The run {run.id} is {run.status}; only a finished one can be shipped.")
        blobs = {name: store.load_blob(run.id, name) for name in shipped.BLOBS if name != FIGURES}
        missing = [name for name, data in blobs.items() if data is None]
        if missing:
            raise UsageError(f"The run {run.id} has no {missing[0]}: only networks trained by this version have.")
        calibration = store.calibration(run.id)
        tell("Measuring …")
        figures = model_card.measure(partial(ask, partial(client.predict, run.id)), calibration, mnist.load("test"))
    blobs[FIGURES] = json.dumps(figures.corrupted).encode()
    shipped.write(run, store.epochs(run.id), blobs, options.out)
    if options.out == shipped.FOLDER and CARD.parent.is_dir():
        size = len(blobs["model.keras"])
        CARD.write_text(model_card.document(run, calibration, figures, size, f"{PROGRAM} flagship", run.device))
    if options.json:
        print_json({"run_id": run.id, **asdict(calibration), **asdict(figures)})
    else:
        print(json.dumps(asdict(figures), indent=2))
    return 0


COMMAND = Command(
    "flagship",
    "Train the network that is shipped with MNIST Lab, and write its model card.",
    _arguments,
    _run,
    ("", "--run 1a2b3c4d --out /tmp/flagship"),
)
