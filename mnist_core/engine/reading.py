"""What the predict worker does: reads digits with the models of runs and files. Only workers import it."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import tensorflow as tf
from zict import LRU

from mnist_core.errors import EngineError, ModelFileError, UnknownRun
from mnist_core.models import fitted
from mnist_core.models.blobs import from_bytes
from mnist_core.models.build import gives_logits
from mnist_core.models.fitted import Fitted
from mnist_core.store import RunStore
from mnist_core.training.compiled import CompiledEvaluation

MODEL_BYTES = 300_000_000
"""What the models that the predict worker keeps ready may take; the least recently used one goes first."""

_models = LRU(MODEL_BYTES, {}, weight=lambda run_id, model: model.bytes)


def predict_run(run_id: str, images: np.ndarray, database_url: str) -> np.ndarray:
    """Probabilities ``float32 (N, 10)`` of a finished or stopped run's model for ``uint8 (N, 28, 28)`` images."""
    return _predict(kept_model(store_at(database_url), run_id), images)


def kept_model(store: RunStore, run_id: str) -> CompiledEvaluation | Fitted:
    """A finished or stopped run's model, ready to read digits; the most recently used ones are at hand."""
    model = _models.get(run_id)
    if model is None:
        model = _models[run_id] = _read_model(store, run_id)
    return model


def _read_model(store: RunStore, run_id: str) -> CompiledEvaluation | Fitted:
    run = store.get(run_id)
    classical = run.settings.architecture.family == "classical"
    data = store.load_blob(run_id, "model.npz" if classical else "model.keras")
    if data is None:
        raise UnknownRun(f"The run {run.name!r} has no model yet. Wait for its end, or stop it to use it as it is.")
    if classical:
        return fitted.from_bytes(data)
    return CompiledEvaluation(from_bytes(data), run.settings.data.scaled, gives_logits(run.settings))


def predict_file(data: bytes, images: np.ndarray, scaled: bool = True) -> np.ndarray:
    """The same with a ``.keras`` file that ``files.vetted`` has made; ``scaled`` if it takes pixels from 0 to 1."""
    # A command asks for many images in portions: the model is made for the first.
    key = f"{hashlib.sha256(data).hexdigest()} {scaled}"
    model = _models.get(key)
    if model is None:
        model = _models[key] = CompiledEvaluation(from_bytes(data), scaled)
    probabilities = _predict(model, images)
    if not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        raise ModelFileError(
            "The model gives numbers that are no probabilities: they do not add up to 1. Its last layer should be a "
            "softmax over the ten digits."
        )
    return probabilities


def _predict(model: CompiledEvaluation | Fitted, images: np.ndarray) -> np.ndarray:
    try:
        return model.probabilities(images)
    except tf.errors.OpError as error:
        # It must not travel as it is: unpacking it would make the receiver import TensorFlow.
        raise EngineError(f"The model could not be used ({type(error).__name__}). Try fewer images.") from None


@lru_cache(maxsize=2)
def store_at(database_url: str) -> RunStore:
    """The store, which a worker opens once."""
    return RunStore(database_url)
