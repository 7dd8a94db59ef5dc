"""The process that reads uploads: what comes out of it, its limits, and that nothing is left of what is refused."""

import io
import os
import tempfile
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from mnist_core.data import mnist
from mnist_core.engine import sandbox
from mnist_core.errors import ModelFileError
from mnist_core.models.upload import Upload
from tests.helpers import assert_friendly
from tests.uploads import saved


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """An empty folder for temporary files; in the end nothing must be left in it, nor any process."""
    folder, others = tmp_path / "temporary", set(psutil.Process().children())
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    assert set(psutil.Process().children()) <= others


@pytest.fixture(scope="module")
def model():
    return keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])


def test_an_accepted_model_comes_out_anew_and_scored(model, temporary):
    accepted = sandbox.restore(Upload("mine.h5", saved(model, ".h5")), seconds=120)
    assert accepted.config.architecture.file == "mine.h5"
    assert len(accepted.changes) == 2
    test = mnist.load("test")
    probabilities = np.load(io.BytesIO(accepted.probabilities), allow_pickle=False)
    assert (probabilities.argmax(axis=1) == test.labels).mean() == accepted.test_accuracy
    Path(temporary, "again.keras").write_bytes(accepted.model)
    again = keras.models.load_model(temporary / "again.keras")
    images = test.images[:9, ..., None] / np.float32(255)
    np.testing.assert_allclose(np.asarray(again(images, training=False)), probabilities[:9], atol=1e-6)
    os.unlink(temporary / "again.keras")


def test_a_refused_one_leaves_nothing_behind(temporary):
    with pytest.raises(ModelFileError) as error:
        sandbox.restore(Upload("bad.keras", b"PK\x03\x04 and no more"), seconds=120)
    assert_friendly(error, "damaged or cut short")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"seconds": 0}, ["longer than 0 s", "MNIST_LAB_UPLOAD_SECONDS"]),
        ({"seconds": 120, "memory": 2**20}, ["more than 1 MB of memory", "smaller network"]),
    ],
    ids=["time", "memory"],
)
def test_time_and_memory_are_limited(model, temporary, limits, words):
    with pytest.raises(ModelFileError) as error:
        sandbox.restore(Upload("mine.h5", saved(model, ".h5")), **limits)
    assert_friendly(error, *words)


def test_a_process_that_dies_is_told(temporary, monkeypatch, caplog):
    monkeypatch.setattr(sandbox.sys, "executable", "false")
    with pytest.raises(ModelFileError) as error:
        sandbox.restore(Upload("bad.keras", b""), seconds=120)
    assert_friendly(error, "broke off")
    assert "broke the process" in caplog.text
