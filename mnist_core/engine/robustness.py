"""How well a run reads spoiled test images, computed on the predict worker and kept in the store."""

from __future__ import annotations

import json

from mnist_core import evaluation
from mnist_core.data import mnist
from mnist_core.engine.reading import predict_run, store_at
from mnist_core.engine.tasks import SPOILED
from mnist_core.robustness import FIGURES
from mnist_core.robustness.corruptions import corrupt


def accuracy_under(run_id: str, corruption: str, database_url: str) -> float:
    """Accuracy 0..1 under one corruption at its usual strength. ``UnknownRun`` if there is no such run or model."""
    store = store_at(database_url)
    known = json.loads(store.load_blob(run_id, FIGURES) or "{}")
    if corruption not in known:
        test = mnist.load("test")
        probabilities = predict_run(run_id, corrupt(test.images[:SPOILED], corruption), database_url)
        known[corruption] = evaluation.accuracy(test.labels[:SPOILED], probabilities)
        store.keep(run_id, FIGURES, json.dumps(known).encode())
    return known[corruption]
