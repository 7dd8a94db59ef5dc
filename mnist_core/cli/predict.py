"""``predict``: which digits are in these pictures?"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from mnist_core import ink
from mnist_core.calibration import Calibration, calibrated
from mnist_core.cli.command import (
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
from mnist_core.cli.number import Piece, as_json, as_line
from mnist_core.engine.client import EngineClient
from mnist_core.errors import ImageError, ModelFileError, UnknownRun
from mnist_core.models.upload import Upload, gather
from mnist_core.store import RunStore
from mnist_core.store.run import Run
from mnist_core.store.shipped import FLAGSHIP

PORTION = 5_000
"""Images sent at a time: 4 MB, so that the engine stays ready for others."""

ENDINGS = (".keras", ".h5")

BAR_DELAY = 0.5
"""A bar appears only for what takes longer."""

Model = Callable[[np.ndarray], np.ndarray]
Prepare = Callable[[EngineClient], Model]
Found = TypeVar("Found")


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

    if options.several:
        return _run_several(options, probabilities, calibration)
    names, images = digits(options.images)
    rows = probabilities(images)
    if options.json:  # as the network gives them, bit for bit
        print_json([{"label": int(row.argmax()), "probabilities": row.tolist()} for row in rows])
    else:
        rows = calibrated(rows, calibration.temperature)
        print("\n".join(_line(name, row, calibration) for name, row in zip(names, rows, strict=True)))
    return 0


def _run_several(options: argparse.Namespace, model: Model, calibration: Calibration) -> int:
    names, numbers = read(options.images, ink.cut)
    probabilities = model(np.stack([digit.ink.image for number in numbers for digit in number.digits]))
    rows = zip(probabilities, calibrated(probabilities, calibration.temperature), strict=True)
    found = [[Piece(digit, *next(rows), calibration.threshold) for digit in number.digits] for number in numbers]
    if options.json:
        print_json([as_json(pieces) for pieces in found])
    else:
        print("\n".join(as_line(name, pieces) for name, pieces in zip(names, found, strict=True)))
    return 0


def digits(paths: list[str]) -> tuple[list[str], np.ndarray]:
    """The digits in all files as MNIST would show them: their names, and ``uint8 (N, 28, 28)``.

    Raises:
        ImageError: naming the file that cannot be read, or that is empty.
    """
    names, found = read(paths, ink.trace)
    return names, np.stack([digit.image for digit in found])


def read(paths: list[str], how: Callable[[ink.Picture], Found]) -> tuple[list[str], list[Found]]:
    """The names of the pictures in all files, and what each holds. Raises ImageError as ``digits`` does."""
    names, found = [], []
    with _bar("reading", len(paths)) as bar:
        for path in paths:
            for name, picture in _pictures(path):
                try:
                    found.append(how(picture))
                except ImageError as error:
                    raise ImageError(f"{name}: {error}") from None
                names.append(name)
                bar.total = max(bar.total, len(names))
                bar.update()
    return names, found


def _pictures(path: str) -> Iterator[tuple[str, ink.Picture]]:
    try:
        pictures = ink.open_pictures(path)
    except ImageError as error:
        known = Path(path).name in str(error)
        raise ImageError(str(error) if known else f"{path}: {error}") from None
    many = len(pictures) > 1
    for number, picture in enumerate(pictures):
        yield f"{path}[{number}]" if many else path, picture


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
    with _bar("predicting", len(images)) as bar:
        for start in range(0, len(images), PORTION):
            parts.append(model(images[start : start + PORTION]))
            bar.update(len(parts[-1]))
    probabilities = np.concatenate(parts)
    if not np.isfinite(probabilities).all():
        raise ModelFileError("The model gives values that are no numbers: its weights are damaged.")
    return probabilities


def _bar(doing: str, total: int) -> tqdm:
    return progress(desc=doing, total=total, unit=" pictures", delay=BAR_DELAY, leave=False)


def _line(name: str, probabilities: np.ndarray, calibration: Calibration) -> str:
    doubt = "" if probabilities.max() >= calibration.threshold else ", but it does not look like a digit"
    best, second = np.argsort(probabilities)[::-1][:2]
    return f"{name}: {best} ({probabilities[best]:.1%}), else {second} ({probabilities[second]:.1%}){doubt}"


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
)
