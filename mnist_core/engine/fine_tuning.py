"""What a worker finds out for a fine-tuning: how the network reads before and after."""

from __future__ import annotations

import json

import numpy as np

from mnist_core.data import mnist
from mnist_core.store import RunStore
from mnist_core.store.fine_tuning import handwriting, measure_name
from mnist_core.training.fit import Trainer


def measure(store: RunStore, run_id: str, trainer: Trainer, when: str) -> dict[str, bytes]:
    """How the network reads MNIST's test set and the drawings held back, as a file for the run."""
    scores, _ = trainer.evaluation.evaluate(mnist.load("test"))
    _, probabilities = trainer.evaluation.evaluate(handwriting(store, run_id).held_back)
    found = {"mnist": scores["accuracy"], "held_back": np.argmax(probabilities, axis=1).tolist()}
    return {measure_name(when): json.dumps(found).encode()}
