"""How well a network reads digits that are not MNIST's: for measuring only, never for training or choosing.

The digits are those that come with scikit-learn: 1,797 of 43 people, 8 x 8 pixels of 17 greys (Alpaydin and Kaynak,
"Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks.report import arguments, finish, say

PAPER = 280
"""Pixels of a side of the sheet on which digits are placed."""


def main() -> None:
    options = arguments(__doc__, None, lambda parser: parser.add_argument("--model", default="flagship", help="a run"))
    digits = load_digits()
    coarse = digits.images.astype(np.uint8)
    sets = {"coarse": coarse, "placed": placed(coarse, np.random.default_rng(0))}
    finish({name: score(options.model, images, digits.target) for name, images in sets.items()}, options.json)


def placed(coarse: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same digits as scans of a higher resolution: at any size and place on a sheet, half of them dark on light.

    Args:
        coarse: uint8 ``(N, 8, 8)`` from 0, paper, to 16.

    Returns:
        uint8 ``(N, 280, 280)``.
    """
    sheets = np.zeros((len(coarse), PAPER, PAPER), np.uint8)
    for sheet, digit in zip(sheets, coarse, strict=True):
        side = int(random.integers(40, PAPER - 20))
        large = Image.fromarray(digit * 15).resize((side, side), Image.Resampling.BICUBIC)
        down, across = random.integers(0, PAPER - side, 2)
        sheet[down : down + side, across : across + side] = large
    sheets[::2] = 255 - sheets[::2]
    return sheets


def score(model: str, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """What ``evaluate`` says of a set."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.npz")
        np.savez(path, images=images, labels=labels)
        command = [sys.executable, "-m", "mnist_core", "evaluate", "--model", model, "--data", str(path), "--json"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    say(f"{len(images):,} of {images.shape[1]} pixels a side: {found['accuracy']:.2%}")
    return found


if __name__ == "__main__":
    main()
