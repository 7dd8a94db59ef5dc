"""What workers do with model files: take uploads in, convert models, and look at their first layer."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from mnist_core.config import RunConfig
from mnist_core.engine import sandbox
from mnist_core.engine.reading import store_at
from mnist_core.errors import ModelFileError, UnknownRun
from mnist_core.models.blobs import array_bytes, from_bytes
from mnist_core.models.build import build
from mnist_core.models.first_layer import first_layer_tiles
from mnist_core.models.formats import FORMATS
from mnist_core.models.subclassed import portable
from mnist_core.models.upload import Upload
from mnist_core.store import RunStore


def add_upload(
    upload: Upload, name: str, database_url: str, seconds: int, until: float = float("inf"), owner: str = ""
) -> str:
    """Makes a run of an uploaded model and gives its id. ``ModelFileError`` if it is refused; then there is none.

    Args:
        seconds: that reading and scoring it may take.
        until: when nobody waits for the answer any longer, in seconds since 1970: then it makes no run.
        owner: the visitor whose it is.
    """
    accepted = sandbox.restore(upload, seconds)
    if time.time() > until:
        raise ModelFileError("It took too long, so nothing was kept. Try again when fewer files are being read.")
    return store_at(database_url).add(
        accepted.config,
        name or upload.name,
        files={"model.keras": accepted.model, "test_probabilities": accepted.probabilities},
        event=" ".join(
            [
                f"Uploaded as {upload.name[:200]}; {accepted.test_accuracy:.2%} on the test set.",
                *accepted.changes,
            ]
        ),
        test_loss=accepted.test_loss,
        test_accuracy=accepted.test_accuracy,
        owner=owner,
    )


def vetted(upload: Upload, seconds: int) -> bytes:
    """The same model as a ``.keras`` file that is safe to load, for ``reading.predict_file``."""
    return sandbox.restore(upload, seconds).model


def export(run_id: str, format_name: str, database_url: str) -> bytes:
    """A run's model as a file of another format (``models.formats``)."""
    data = _model_file(store_at(database_url), run_id)
    if format_name == "keras":
        return data
    model = from_bytes(data)
    if format_name == "json":
        return model.to_json(indent=2).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model" + FORMATS[format_name].ending)
        if format_name == "weights":
            model.save_weights(path)
        else:
            model.save(path, include_optimizer=False)
        return path.read_bytes()


def first_layer(run_id: str, database_url: str) -> np.ndarray:
    """Weights of the first layer before and after training, ``float32 (2, tiles, rows, columns)``.

    Of an uploaded network, whose start nobody knows, those after training alone: ``(1, …)``. The store keeps them, but
    nothing of the shipped run.
    """
    store = store_at(database_url)
    run = store.get(run_id)
    states = [first_layer_tiles(from_bytes(_model_file(store, run_id)))]
    if run.settings.architecture.trainable:
        states.insert(0, first_layer_tiles(portable(build(run.settings))))
    tiles = np.stack(states)
    store.keep(run_id, "first_layer", array_bytes(tiles))
    return tiles


def untrained_first_layer(config: str) -> np.ndarray:
    """The weights with which a configuration begins, ``(1, tiles, rows, columns)``."""
    return first_layer_tiles(portable(build(RunConfig.parse(config))))[None]


def _model_file(store: RunStore, run_id: str) -> bytes:
    run, data = store.get(run_id), store.load_blob(run_id, "model.keras")
    if run.settings.architecture.family == "classical":
        raise UnknownRun(f"The run {run.name!r} was fitted by scikit-learn, so there is no Keras model of it.")
    if data is None:
        raise UnknownRun(f"The run {run.name!r} has no Keras model. Wait for its end, or stop it to use it as it is.")
    return data
