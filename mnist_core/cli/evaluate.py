"""``evaluate``: how well does a model read any labelled set of digits?"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core import evaluation, ink
from mnist_core.calibration import Calibration, calibrated, certainty
from mnist_core.cli.command import Command, UsageError, engine, json_option, open_store, print_json, progress
from mnist_core.cli.predict import ask, usable_run
from mnist_core.models.plan import CLASSES
from mnist_core.store.shipped import FLAGSHIP

FORMAT = "an .npz file with images, uint8 (N, H, W), and labels, whole numbers 0-9 (N,)"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="RUN", default=FLAGSHIP, help=f"a run (default: {FLAGSHIP})")
    parser.add_argument("--data", metavar="FILE", required=True, help=FORMAT)
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    settings, store = open_store()
    images, labels = labelled(options.data)
    run = usable_run(store, options.model)
    bar = partial(progress, desc="reading", unit=" pictures", leave=False)
    digits, readable = ink.many(images, lambda pictures: bar(iterable=pictures))
    with engine(settings, store) as client:
        probabilities = np.full((len(images), CLASSES), 1 / CLASSES, np.float32)
        if readable.any():
            probabilities[readable] = ask(partial(client.predict, run.id), digits[readable])
    result = scores(labels, probabilities, readable, store.calibration(run.id))
    if options.json:
        print_json(result)
    else:
        print(f"accuracy {result['accuracy']:.2%} of {len(labels):,}, rejected {result['rejected']:.2%}")
        error = "is unknown: no picture holds ink" if result["ece"] is None else f"{result['ece']:.2%}"
        print(f"calibration error {error}")
        print("\n".join(f"{digit}: {share:.2%}" for digit, share in result["per_class"].items()))
    return 0


def labelled(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Images ``uint8 (N, H, W)`` and labels ``int64 (N,)`` of a file; ``UsageError`` says what is wrong with it."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as content:
            images, labels = content["images"], content["labels"]
    except OSError as error:
        raise UsageError(f"The file {path!r} cannot be read ({error.strerror}).") from None
    except KeyError as error:
        raise UsageError(f"{Path(path).name} has no array {error}. Needed is {FORMAT}.") from None
    except MemoryError:  # its header may claim what it does not hold
        raise UsageError(f"{Path(path).name} says that it holds more than fits in this machine's memory.") from None
    except Exception:  # what is damaged, encrypted or no such file fails in NumPy and zipfile in a dozen ways
        raise UsageError(f"{Path(path).name} cannot be read. Needed is {FORMAT}.") from None
    right = images.ndim == 3 and images.dtype == np.uint8 and images.size and labels.shape == images.shape[:1]
    if not right or labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < CLASSES:
        found = f"images {images.dtype} {images.shape} and labels {labels.dtype} {labels.shape}"
        raise UsageError(f"{Path(path).name} holds {found}. Needed is {FORMAT}.")
    return images, labels.astype(np.int64)


def scores(
    labels: np.ndarray, probabilities: np.ndarray, readable: np.ndarray, calibration: Calibration
) -> dict[str, Any]:
    """What ``--json`` prints; all are shares 0..1.

    ``accuracy``: likeliest digit is the true one, also where the answer is that it does not look like a digit; an
    empty picture is wrong. ``rejected``: empty, or not taken for a digit. ``per_class``: accuracy of each digit there
    is. ``ece``: expected calibration error of what could be read; ``None`` if nothing could.
    """
    probabilities = calibrated(probabilities, calibration.temperature)
    right = (probabilities.argmax(axis=1) == labels) & readable
    rejected = ~readable | (certainty(probabilities) < calibration.threshold)
    reliability = evaluation.reliability(labels[readable], probabilities[readable]) if readable.any() else None
    return {
        "accuracy": float(right.mean()),
        "rejected": float(rejected.mean()),
        "per_class": {str(digit): float(right[labels == digit].mean()) for digit in np.unique(labels)},
        "ece": reliability.ece if reliability else None,
    }


COMMAND = Command(
    "evaluate",
    "Score a model on any labelled set of digits.",
    _arguments,
    _run,
    ("--data digits.npz --json", "--model 1a2b3c4d --data digits.npz"),
)
