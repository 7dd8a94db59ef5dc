"""``predict``: which digits are in these pictures?"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from mnist_core.calibration import Calibration
from mnist_core.cli.answers import JSON_NOTES, answers, digit_json, digit_line, number_json, number_line
from mnist_core.cli.command import (
    BAR_DELAY,
    PROGRAM,
    Command,
    UsageError,
    engine,
    json_option,
    open_store,
    pixels_option,
    print_json,
    progress,
    read_file,
)
from mnist_core.cli.pictures import Seen, read
from mnist_core.engine.client import EngineClient
from mnist_core.errors import ModelFileError, UnknownRun
from mnist_core.models.upload import Upload, gather
from mnist_core.store import RunStore
from mnist_core.store.run import Run
from mnist_core.store.shipped import FLAGSHIP

PORTION = 5_000
"""Images sent at a time: 4 MB, so that the engine stays ready for others."""

ENDINGS = (".keras", ".h5")

Model = Callable[[np.ndarray], np.ndarray]
Prepare = Callable[[EngineClient], Model]


def _arguments(parser: argparse.ArgumentParser) -> None:
    words = f"a run, or the .keras or .h5 file of a Keras model (default: {FLAGSHIP}, which comes with MNIST Lab)"
    parser.add_argument("--model", metavar="RUN|FILE", default=FLAGSHIP, help=words)
    pixels_option(parser)
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        help="PNG or JPEG of a digit, or .npy of uint8 (N, H, W); dark on light or light on dark",
    )
    parser.add_argument(
        "--several",
        action="store_true",
        help="read each picture as a number: its digits from left to right, each with its box",
    )
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    settings, store = open_store()
    prepare = _model(options.model, store, options.pixels)
    calibration = Calibration() if _is_file(options.model) else store.calibration(options.model)

    def probabilities(images: np.ndarray) -> np.ndarray:
        with engine(settings, store) as client:
            return ask(prepare(client), images)

    found = read(options.images, options.several)
    tell = _numbers if options.several else _digits
    documents, lines = tell(found, probabilities, calibration)
    if options.json:
        print_json(documents)
    else:
        print("\n".join(lines))
    return 0


def _digits(found: list[Seen], model: Model, calibration: Calibration) -> tuple[list[dict[str, Any]], list[str]]:
    """Each picture as one digit: for ``--json``, and to be read."""
    touching = [len(seen.digits) == 1 and seen.digits[0].touching for seen in found]
    rows = model(np.stack([seen.image for seen in found]))
    told = list(zip(found, answers(rows, calibration, touching), strict=True))
    return [digit_json(*each) for each in told], [digit_line(*each) for each in told]


def _numbers(found: list[Seen], model: Model, calibration: Calibration) -> tuple[list[dict[str, Any]], list[str]]:
    """The same of each picture as a number."""
    digits = [digit for seen in found for digit in seen.digits]
    rows = model(np.stack([digit.ink.image for digit in digits]))
    pieces = iter(answers(rows, calibration, [digit.touching for digit in digits]))
    told = [(seen, [next(pieces) for _ in seen.digits]) for seen in found]
    return [number_json(*each) for each in told], [number_line(*each) for each in told]


def _model(name: str, store: RunStore, pixels: str) -> Prepare:
    """What makes predictions by that name, once there is an engine; whether it exists is found out before any work."""
    if _is_file(name):
        file, scaled = read_file(name), pixels == "0-1"
        return lambda client: partial(client.predict_file, _vetted(client, gather([file], scaled)), scaled=scaled)
    run = usable_run(store, name, f", and a model's file must end in {' or '.join(ENDINGS)}")
    return lambda client: partial(client.predict, run.id)


def _is_file(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def usable_run(store: RunStore, name: str, besides: str = "") -> Run:
    """The run of this id; ``UsageError`` if there is none, or it has no model."""
    try:
        run = store.get(name)
    except UnknownRun:
        raise UsageError(f"There is no run {name!r}: `{PROGRAM} runs` lists all{besides}.") from None
    if not run.usable:
        raise UsageError(f"The run {name} is {run.status}; only finished and stopped runs have a model.")
    return run


def _vetted(client: EngineClient, upload: Upload) -> bytes:
    with progress(desc="checking the model", total=1, delay=BAR_DELAY, leave=False):
        return client.vetted(upload)


def ask(model: Model, images: np.ndarray) -> np.ndarray:
    """A model's probabilities ``float32 (N, 10)`` for any number of images, portion by portion with a bar."""
    parts = []
    total = len(images)
    with progress(desc="predicting", total=total, unit=" pictures", delay=BAR_DELAY, leave=False) as bar:
        for start in range(0, total, PORTION):
            parts.append(model(images[start : start + PORTION]))
            bar.update(len(parts[-1]))
    probabilities = np.concatenate(parts)
    if not np.isfinite(probabilities).all():
        raise ModelFileError("The model gives values that are no numbers: its weights are damaged.")
    return probabilities


COMMAND = Command(
    "predict",
    "Say which digits are in pictures.",
    _arguments,
    _run,
    (
        "seven.png",
        "--model 1a2b3c4d seven.png three.jpg",
        "--model best.keras digits.npy --json",
        "--several year.jpg",
    ),
    JSON_NOTES,
)
