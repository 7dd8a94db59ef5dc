"""The functions that Dask sends to workers, by name. They import TensorFlow there, so that a sender need not."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_core.models.upload import Upload

SPOILED = 2_000
"""Test images, the first ones, that are read under each corruption: half a point is seen, and a drawing that comes
meanwhile waits under a second."""


def warm_up(kind: str, data: str) -> dict[str, Any]:
    from mnist_core import logs
    from mnist_core.engine import jobs

    logs.to_stderr(f"{kind} worker")

    return jobs.warm_up(kind, data)


def train(run_id: str, database_url: str, data: str) -> str:
    from mnist_core.engine import jobs

    # A worker that has just joined gets runs before its warm-up can refuse them. Asked for before the run, which would
    # fail by it.
    jobs.require_images(data)
    return jobs.train_run(run_id, database_url)


def predict(run_id: str, images: np.ndarray, database_url: str) -> np.ndarray:
    from mnist_core.engine import reading

    return reading.predict_run(run_id, images, database_url)


def predict_file(data: bytes, images: np.ndarray, scaled: bool) -> np.ndarray:
    from mnist_core.engine import reading

    return reading.predict_file(data, images, scaled)


def accuracy_under(run_id: str, corruption: str, database_url: str) -> float:
    from mnist_core.engine import robustness

    return robustness.accuracy_under(run_id, corruption, database_url)


def add_upload(upload: Upload, name: str, owner: str, database_url: str, seconds: int, until: float) -> str:
    from mnist_core.engine import files

    return files.add_upload(upload, name, database_url, seconds, until, owner)


def vetted(upload: Upload, seconds: int) -> bytes:
    from mnist_core.engine import files

    return files.vetted(upload, seconds)


def export(run_id: str, format_name: str, database_url: str) -> bytes:
    from mnist_core.engine import files

    return files.export(run_id, format_name, database_url)


def explain(run_id: str, image: np.ndarray, method: str, target: int | None, database_url: str) -> Any:
    from mnist_core.engine import explain

    return explain.explain(run_id, image, method, target, database_url)


def first_layer(run_id: str, database_url: str) -> np.ndarray:
    from mnist_core.engine import files

    return files.first_layer(run_id, database_url)


def untrained_first_layer(config: str) -> np.ndarray:
    from mnist_core.engine import files

    return files.untrained_first_layer(config)
