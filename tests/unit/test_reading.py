"""Digits read with the models of runs and files, as the predict worker does, in this process."""

import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.engine import reading
from mnist_core.errors import ModelFileError, UnknownRun
from mnist_core.models import blobs
from mnist_core.models.build import build
from mnist_core.training.compiled import CODE_BYTES
from tests.helpers import assert_friendly

SOFTMAX = RunConfig.parse({"architecture": {"name": "softmax"}})
SHORT = {"architecture": {"name": "softmax"}, "data": {"subset": 500}, "training": {"epochs": 1}}


@pytest.fixture(autouse=True)
def _in_this_process(worker):
    pass


def test_predictions_are_those_of_the_trained_model(store, train, digits):
    run_id = store.create(RunConfig.parse(SHORT))
    train(run_id)
    images = digits.images[:7]
    found = reading.predict_run(run_id, images, store.database.url)
    np.testing.assert_allclose(found, store.load_array(run_id, "test_probabilities")[:7], atol=1e-6)
    assert reading.predict_run(run_id, images[:0], store.database.url).shape == (0, 10)


def test_a_run_without_a_model_is_told(store, run_id):
    with pytest.raises(UnknownRun) as error:
        reading.predict_run(run_id, np.zeros((1, 28, 28), np.uint8), store.database.url)
    assert_friendly(error, "has no model yet", "stop it")
    with pytest.raises(UnknownRun) as error:
        reading.predict_run("nothing", np.zeros((1, 28, 28), np.uint8), store.database.url)
    assert_friendly(error, "'nothing'")


def test_only_so_many_models_are_kept_ready(store, monkeypatch):
    data = blobs.to_bytes(build(SOFTMAX))
    ids = [store.create(SOFTMAX) for _ in range(3)]
    for one in ids:
        store.record(one, {"status": "finished"}, files={"model.keras": data})
    monkeypatch.setattr(reading._models, "n", 2.5 * CODE_BYTES)
    for one in (ids[0], ids[1], ids[0], ids[2]):
        reading.predict_run(one, np.zeros((1, 28, 28), np.uint8), store.database.url)
    assert set(reading._models) == {ids[0], ids[2]}


def test_a_model_survives_its_file(digits):
    model = build(RunConfig.parse({"architecture": {"name": "cnn", "blocks": [{"filters": 4, "batch_norm": True}]}}))
    images = digits.images[:5]
    expected = model.predict(images[..., None] / np.float32(255), verbose=0)
    np.testing.assert_allclose(reading.predict_file(blobs.to_bytes(model), images), expected, atol=1e-6)


def file_of(*layers, shape=(28, 28, 1)):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        keras.Sequential([keras.Input(shape), *layers]).save(path)
        return path.read_bytes()


def lambda_layer():
    return keras.layers.Lambda(lambda x: x * 2)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["cannot be read", ".keras file"]),
        (b"PK\x03\x04 broken", ["cannot be read"]),
        (lambda: file_of(keras.layers.Flatten(), keras.layers.Dense(9)), ["gives (9,)", "give (10,)"]),
        (lambda: file_of(keras.layers.Dense(10), shape=(784,)), ["takes (784,)", "(28, 28, 1)"]),
        (lambda: file_of(keras.layers.Flatten(), keras.layers.Dense(10)), ["no probabilities", "softmax"]),
        (lambda: file_of(lambda_layer(), keras.layers.Flatten(), keras.layers.Dense(10)), ["cannot be read"]),
    ],
    ids=["empty", "broken", "nine classes", "flat", "no softmax", "code inside"],
)
def test_a_file_that_is_no_model_for_digits_is_refused(digits, data, words):
    with pytest.raises(ModelFileError) as error:
        reading.predict_file(data() if callable(data) else data, digits.images[:2])
    assert_friendly(error, *words)
