"""Makes a model of an uploaded file: vetted, counted, built, and fitted to 28 x 28 images and ten probabilities.

``python -m mnist_core.models.restore FOLDER`` does it in a process of its own (``engine.sandbox``), because a file
may be made to take forever or to break the libraries that read it.
"""

from __future__ import annotations

import copy
import json
import math
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from mnist_core import evaluation
from mnist_core.config import MOST_PARAMETERS, RunConfig
from mnist_core.data import mnist
from mnist_core.data.mnist import Digits
from mnist_core.errors import ModelFileError
from mnist_core.models.archive import unpack
from mnist_core.models.describe import describe, outputs, safe_name
from mnist_core.models.plan import CLASSES, INPUT_SHAPE
from mnist_core.models.upload import Upload
from mnist_core.models.vetting import vet
from mnist_core.training.compiled import CompiledEvaluation

MOST_OUTPUTS = 28 * 28 * 256
"""Values that one layer may give for one image: as many as the widest layer that the form allows."""

INPUTS = (INPUT_SHAPE, INPUT_SHAPE[:2], (math.prod(INPUT_SHAPE),))
INDEPENDENT = ("sigmoid", "hard_sigmoid", "relu", "relu6", "tanh", "softsign", "softplus")
"""Last activations from which no ten probabilities follow."""

UNCHANGED = (
    keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout, keras.layers.GaussianNoise,
    keras.layers.ActivityRegularization, keras.layers.Flatten, keras.layers.Reshape, keras.layers.Identity,
)  # fmt: skip
"""Layers that leave values as they are when a model is used."""

PROBED = 256
"""Images on which a model without a known end is tried."""

NICENESS = 10
"""Drawings and pages are answered first."""


@dataclass(frozen=True)
class Restored:
    """A model that takes ``(N, 28, 28, 1)`` and gives ten probabilities, and how it came about.

    ``config`` describes it as a run's configuration. ``changes`` says in sentences what was added to the model.
    """

    model: keras.Model
    config: RunConfig
    probabilities: np.ndarray
    test_loss: float
    test_accuracy: float
    changes: tuple[str, ...]


def restore(upload: Upload, test: Digits) -> Restored:
    """The model in an upload, ready to be used and with its marks on the test set.

    Raises:
        ModelFileError: saying in one sentence why it is not accepted.
    """
    config, weights = unpack(upload)
    config = vet(config)
    _require_size(config)
    theirs = _build(config)
    _load_weights(theirs, weights)
    model, changes = _fit_to_digits(theirs, test.images[:PROBED], upload.scaled)
    probabilities = _answers(model, test.images, upload.scaled)
    _require_probabilities(probabilities)
    return Restored(
        model=model,
        config=describe(theirs, upload),
        probabilities=probabilities,
        test_loss=evaluation.cross_entropy(test.labels, probabilities),
        test_accuracy=evaluation.accuracy(test.labels, probabilities),
        changes=tuple(changes) + _doubt(model, test, upload.scaled, probabilities),
    )


def _require_size(config: dict[str, Any]) -> None:
    """Counts before any memory is taken: in a stateless scope variables have shapes and no values."""
    with keras.StatelessScope(initialize_variables=False):
        model = _build(config)
        _require_shapes(model)
        count = sum(math.prod(variable.shape) for variable in model.variables)
        if count > MOST_PARAMETERS:
            raise ModelFileError(
                f"The model has {count:,} parameters, but may have {MOST_PARAMETERS:,} at most. Use a smaller network."
            )
        for layer in _every_layer(model):
            for tensor in outputs(layer):
                values = math.prod(size or 1 for size in tensor.shape[1:])
                if values > MOST_OUTPUTS:
                    raise ModelFileError(
                        f"The layer {safe_name(layer.name)} gives {values:,} values for one image, but may give "
                        f"{MOST_OUTPUTS:,} at most. Use fewer filters, or more pooling before it."
                    )


def _build(config: dict[str, Any]) -> keras.Model:
    try:
        # A copy, because Keras takes parts out of what it is given.
        return keras.saving.deserialize_keras_object(copy.deepcopy(config), safe_mode=True)
    except Exception as error:
        # Keras raises many kinds here, for settings that are missing, unknown or impossible.
        raise ModelFileError(
            f"Keras cannot build the model from its architecture ({type(error).__name__}): a setting is missing, "
            f"unknown or impossible, or the layers do not fit each other."
        ) from None


def _require_shapes(model: keras.Model) -> None:
    if not model.built or not getattr(model, "inputs", None):
        raise ModelFileError("The model does not say what it takes. Begin it with keras.Input((28, 28, 1)).")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelFileError(
            f"The model takes {len(model.inputs)} inputs and gives {len(model.outputs)} outputs, but must take one "
            f"image and give ten values."
        )
    takes, gives = tuple(model.inputs[0].shape), tuple(model.outputs[0].shape)
    if takes[1:] not in INPUTS or gives[1:] != (CLASSES,):
        allowed = ", ".join(map(str, INPUTS[:-1])) + f" or {INPUTS[-1]}"
        raise ModelFileError(
            f"The model takes {takes[1:]} and gives {gives[1:]}, but must take {allowed} and give (10,)."
        )
    if takes[0] is not None:
        raise ModelFileError(f"The model takes {takes[0]} images at a time and no other number. Leave batch_size out.")


def _load_weights(model: keras.Model, weights: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "uploaded")
        path.write_bytes(weights)
        with h5py.File(path) as file:
            older = "model_weights" in file or "layer_names" in file.attrs
        path = path.rename(path.with_suffix(".h5" if older else ".weights.h5"))
        try:
            model.load_weights(path)
        except Exception as error:
            # Again many kinds: a layer without weights, weights of another shape, a damaged array.
            raise ModelFileError(
                f"The weights do not fit the architecture ({type(error).__name__}): they are of other shapes, of "
                f"another number of layers, or damaged."
            ) from None
    for variable in model.variables:
        if not np.isfinite(np.asarray(variable, np.float64)).all():
            raise ModelFileError(
                f"The weights of {safe_name(variable.path.split('/')[-2])} hold infinite values or values that are no "
                f"numbers, so the model cannot read anything."
            )


def _fit_to_digits(model: keras.Model, images: np.ndarray, scaled: bool) -> tuple[keras.Model, list[str]]:
    """The model between what turns images into its input and its output into probabilities, where that is needed."""
    shape, changes = tuple(model.inputs[0].shape[1:]), []
    image = keras.Input(INPUT_SHAPE, name="image")
    x = image
    if shape != INPUT_SHAPE:
        x = keras.layers.Reshape(shape)(x)
        changes.append(f"It takes {shape}, so images are reshaped from {INPUT_SHAPE} first.")
    values = model(x)
    last = _last_activation(model)
    if last in INDEPENDENT:
        raise ModelFileError(
            f"The model ends in {last}, which gives no ten probabilities. It should end in softmax, or in plain values "
            f"(logits), to which softmax is then applied here."
        )
    if last != "softmax" and not _are_probabilities(_answers(keras.Model(image, values), images, scaled)):
        values = keras.layers.Softmax(name="probabilities")(values)
        changes.append("It ends in plain values (logits), so softmax is applied to them.")
    return (keras.Model(image, values, name="uploaded") if changes else model), changes


def _last_activation(model: keras.Model) -> str:
    """The activation that a model ends in, by its configuration; empty if its last layers have none to tell."""
    tensor = model.outputs[0]
    while True:
        layer, node, _ = tensor._keras_history
        if isinstance(layer, keras.layers.Softmax):
            return "softmax"
        if isinstance(layer, keras.Model):
            tensor = layer.outputs[0]
            continue
        name = getattr(getattr(layer, "activation", None), "__name__", "")
        if name and not (name == "linear" and isinstance(layer, keras.layers.Activation)):
            return name
        if not name and not isinstance(layer, UNCHANGED):
            return ""
        inputs = layer._inbound_nodes[node].input_tensors
        if not inputs:
            return ""
        tensor = inputs[0]


def _answers(model: keras.Model, images: np.ndarray, scaled: bool) -> np.ndarray:
    try:
        return CompiledEvaluation(model, scaled).probabilities(images)
    except Exception as error:
        # Shapes that only values reveal, operations that the processor lacks, memory: TensorFlow tells them all.
        raise ModelFileError(f"The model cannot be used on images ({type(error).__name__}).") from None


def _are_probabilities(values: np.ndarray) -> bool:
    return bool((values >= 0).all() and np.allclose(values.sum(axis=1), 1.0, atol=1e-3))


def _require_probabilities(values: np.ndarray) -> None:
    if not np.isfinite(values).all() or not _are_probabilities(values):
        raise ModelFileError("The model gives values that are no probabilities: some are no numbers, or do not add up.")


def _doubt(model: keras.Model, test: Digits, scaled: bool, probabilities: np.ndarray) -> tuple[str, ...]:
    """A hint if the model reads much better with the other range of pixels."""
    some = slice(0, 1000)
    other = CompiledEvaluation(model, not scaled).probabilities(test.images[some])
    if not np.isfinite(other).all():
        return ()
    here, there = (evaluation.accuracy(test.labels[some], p) for p in (probabilities[some], other))
    if there < here + 0.1:
        return ()
    ranges = ("0 to 255", "0 to 1") if scaled else ("0 to 1", "0 to 255")
    return (
        f"With pixels from {ranges[0]} it would read {there:.0%} of 1,000 images, with those from {ranges[1]} it reads "
        f"{here:.0%}: upload it again with the other choice.",
    )


def main(folder: Path) -> None:
    """Restores ``folder/upload.json`` with its files, and leaves there what came of it or why it was refused."""
    os.nice(NICENESS)
    given = json.loads((folder / "upload.json").read_text(encoding="utf-8"))
    if hasattr(signal, "alarm"):
        signal.alarm(given.pop("seconds"))  # should whoever watches over this process be gone
    model, weights = (folder / "model").read_bytes(), (folder / "weights").read_bytes()
    try:
        restored = restore(Upload(given["name"], model, weights, given["scaled"]), mnist.load("test"))
    except ModelFileError as error:
        (folder / "refused.txt").write_text(str(error), encoding="utf-8")
        return
    restored.model.save(folder / "model.keras")
    np.save(folder / "probabilities.npy", restored.probabilities, allow_pickle=False)
    result = {"config": restored.config.to_json(), "changes": restored.changes}
    result |= {"test_loss": restored.test_loss, "test_accuracy": restored.test_accuracy}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def _every_layer(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _every_layer(layer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
