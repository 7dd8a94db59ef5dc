"""Which training images are learned from, and which are held out for validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mnist_core.config import DataConfig


@dataclass(frozen=True)
class Split:
    """Positions in the 60,000 training images, ``int32``, without overlap."""

    train: np.ndarray
    validation: np.ndarray


def split(labels: np.ndarray, data: DataConfig) -> Split:
    """Splits by the configuration, the same for the same ``split_seed`` on every machine.

    *random* draws exactly as scikit-learn's ``train_test_split(test_size=fraction, random_state=seed)``, so that
    published experiments can be repeated. *subset* then keeps the first images of the training part.

    Args:
        labels: ``(N,)`` labels of all training images.
    """
    count = len(labels)
    held_out = math.ceil(data.validation_fraction * count)
    if data.split == "first" or not held_out:
        order = np.arange(count)
        train, validation = order[: count - held_out], order[count - held_out :]
    elif data.split == "random":
        order = np.random.RandomState(data.split_seed).permutation(count)
        validation, train = order[:held_out], order[held_out:]
    else:
        train, validation = stratified(labels, held_out, data.split_seed)
    return Split(train[: data.subset].astype(np.int32), validation.astype(np.int32))


def class_counts(labels: np.ndarray) -> np.ndarray:
    """How many of each digit: ``int64 (10,)``."""
    return np.bincount(labels, minlength=10)


def stratified(labels: np.ndarray, held_out: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of those that stay and of those held out, in an order by chance.

    Every digit gives the same share; what rounding leaves over goes to the largest remainders.
    """
    random = np.random.RandomState(seed)
    exact = class_counts(labels) * held_out / len(labels)
    takes = np.floor(exact).astype(int)
    takes[np.argsort(takes - exact, kind="stable")[: held_out - takes.sum()]] += 1
    members = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    validation = np.concatenate([m[:take] for m, take in zip(members, takes, strict=True)])
    train = np.concatenate([m[take:] for m, take in zip(members, takes, strict=True)])
    return random.permutation(train), random.permutation(validation)
