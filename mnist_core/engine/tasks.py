"""The functions that Dask sends to workers, by name. They import TensorFlow there, so that a sender need not."""

from __future__ import annotations

import numpy as np


def warm_up(kind: str) -> dict[str, str]:
    from mnist_core.engine import jobs

    return jobs.warm_up(kind)


def train(run_id: str, database_url: str) -> str:
    from mnist_core.engine import jobs

    return jobs.train_run(run_id, database_url)


def predict(run_id: str, images: np.ndarray, database_url: str) -> np.ndarray:
    from mnist_core.engine import jobs

    return jobs.predict_run(run_id, images, database_url)


def predict_file(data: bytes, images: np.ndarray) -> np.ndarray:
    from mnist_core.engine import jobs

    return jobs.predict_file(data, images)
