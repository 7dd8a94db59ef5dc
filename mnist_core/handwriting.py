"""Handwriting of one's own: taken along as a labelled set, and divided for a network to be trained further on it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np

from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.data.split import class_counts, stratified
from mnist_core.errors import ConfigError

LEAST_DRAWINGS, LEAST_DIGITS = 10, 2
"""Without these there is too little to learn from and to hold back."""

HELD_BACK = 0.25
"""Share of the drawings that is not learned from."""

BESIDE = 6_000
"""Images that are trained on besides, so that the network does not forget what it knew: of MNIST, and drawn ones, such
as are no digit among them, in the shares in which it has seen them."""

SHARE = 0.25
"""Of an epoch that own drawings make up, by being repeated; few drawings are not repeated for ever."""

MOST_OFTEN = 50

EPOCHS = 4
RATE = 5e-4
"""A quarter to a half of what networks usually begin with: weights that are good already should move little."""


@dataclass(frozen=True, eq=False)
class Handwriting:
    """Own drawings of a fine-tuning: those that are learned from, and those held back to see what it was good for."""

    learned: Digits
    held_back: Digits

    def to_bytes(self) -> bytes:
        parts = {"learned": self.learned, "held_back": self.held_back}
        arrays = {f"{name}_images": part.images for name, part in parts.items()}
        return packed(**arrays, **{f"{name}_labels": part.labels for name, part in parts.items()})

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that tell these drawings from any others."""
        parts = (array for part in (self.learned, self.held_back) for array in (part.labels, part.images))
        return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in parts)).hexdigest()[:12]

    @classmethod
    def from_bytes(cls, data: bytes) -> Handwriting:
        with np.load(io.BytesIO(data), allow_pickle=False) as content:
            parts = [Digits(content[f"{n}_images"], content[f"{n}_labels"]) for n in ("learned", "held_back")]
        return cls(*parts)


def too_little(labels: np.ndarray) -> str:
    """What is missing for a fine-tuning, as a sentence; nothing if these are enough."""
    digits = int((class_counts(labels) > 0).sum())
    if len(labels) >= LEAST_DRAWINGS and digits >= LEAST_DIGITS:
        return ""
    return (
        f"Keep at least {LEAST_DRAWINGS} drawings of at least {LEAST_DIGITS} different digits to fine-tune a network "
        f"on them; now {_counted(len(labels), 'drawing')} of {_counted(digits, 'digit')} "
        f"{'is' if len(labels) == 1 else 'are'} kept."
    )


def divide(own: Digits, seed: int) -> Handwriting:
    """Holds a quarter back, of every digit alike, the same for the same seed. ``ConfigError`` if there are too few."""
    if problem := too_little(own.labels):
        raise ConfigError(problem)
    learned, held_back = stratified(own.labels, round(HELD_BACK * len(own)), seed)
    return Handwriting(*(Digits(own.images[part], own.labels[part]) for part in (learned, held_back)))


def fine_tuning(config: RunConfig, run_id: str, hand: Handwriting) -> RunConfig:
    """How a network of this configuration is trained further on these drawings; all else stays as it was.

    Raises:
        ConfigError: it is no network that can be trained here.
    """
    if config.architecture.family != "network" or not config.architecture.trainable:
        raise ConfigError("Only networks that were trained here can be trained further. Choose another run.")
    if config.fine_tuning:
        raise ConfigError(
            "This network has learned from some of these drawings already, so nothing would be left to judge it by. "
            "Choose the one that it began from."
        )
    drawn = {
        name: round(BESIDE * getattr(config.data, name) / config.training_images) for name in ("not_digits", "written")
    }
    drawings = len(hand.learned)
    beside = min(BESIDE - sum(drawn.values()), config.data.subset)
    often = round(SHARE / (1 - SHARE) * (beside + sum(drawn.values())) / drawings)
    tuning = {"run": run_id, "drawings": drawings, "often": max(1, min(MOST_OFTEN, often))}
    tuning |= {"digest": hand.digest}
    # Its own loss, augmentation and held-out images stay: what it has never learned from must stay unknown to it.
    data = config.data.model_dump() | drawn | {"subset": beside}
    training = config.training.model_dump() | {"epochs": EPOCHS, "steps": 0, "early_stopping": 0, "history": 0}
    training |= {"shuffle": True, "reshuffle": True, "shuffle_buffer": 0}
    return RunConfig.parse(
        config.model_dump(mode="json")
        | {"optimizer": {"name": "adam", "learning_rate": RATE}, "schedule": {"name": "one_cycle"}}
        | {"data": data, "training": training, "fine_tuning": tuning}
    )


def packed(**arrays: np.ndarray) -> bytes:
    """Arrays as the bytes of an ``.npz`` file."""
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" + "s" * (count != 1)
