"""Arrays and networks as bytes."""

import io

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.models import blobs
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs


def test_arrays_are_packed_without_pickles():
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(np.load(io.BytesIO(blobs.array_bytes(array)), allow_pickle=False), array)
    with pytest.raises(ValueError, match="pickle"):
        blobs.array_bytes(np.array([object()]))


@pytest.mark.parametrize(
    ("changes", "precision"),
    [({}, "float32"), ({"api": "subclassed"}, "float32"), ({"name": "cnn", "blocks": [{"filters": 4}]}, "bfloat16")],
    ids=["mlp", "subclassed", "cnn in 16 bits"],
)
def test_a_trained_network_is_kept_without_its_optimizer_and_reads_the_same(tmp_path, digits, changes, precision):
    config = RunConfig.parse({"architecture": changes, "training": {"epochs": 1, "precision": precision}})
    trainer = Trainer(config.replace({"data.subset": 500}), Programs(digits))
    trainer.fit()
    data = blobs.to_bytes(trainer.model)
    assert len(data) < 4 * trainer.model.count_params() + 60_000
    (tmp_path / "model.keras").write_bytes(data)
    alone = keras.models.load_model(tmp_path / "model.keras")
    assert getattr(alone, "optimizer", None) is None
    images = digits.images[:50, ..., None] / np.float32(255)
    np.testing.assert_array_equal(alone(images), trainer.model(images))
