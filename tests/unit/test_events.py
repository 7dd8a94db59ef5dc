"""TensorBoard files as TensorFlow's own reader sees them."""

import io
import zipfile

import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.explore.events import tensorboard


def test_event_files_hold_every_row(store, tmp_path):
    ids = [store.create(RunConfig(seed=seed)) for seed in (1, 2)]
    rows = [
        {"epoch": epoch, "step": 10 * epoch, "loss": 1 / epoch, "accuracy": 0.9, "val_loss": None}
        | {"val_accuracy": 0.8, "learning_rate": 0.001, "seconds": 0.5}
        for epoch in (1, 2)
    ]
    store.record(ids[0], {}, [{"step": 7, "loss": 2.0, "accuracy": 0.1}], rows)
    with zipfile.ZipFile(io.BytesIO(tensorboard(store, [store.get(run_id) for run_id in ids]))) as archive:
        archive.extractall(tmp_path / "logs")
    assert sorted(folder.name for folder in (tmp_path / "logs").iterdir()) == sorted(ids)
    (file,) = (tmp_path / "logs" / ids[0]).iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value
    assert found["loss/training"][2].simple_value == pytest.approx(0.5)
    assert found["accuracy/validation"][1].simple_value == pytest.approx(0.8)
    assert found["batches/loss"][7].simple_value == pytest.approx(2.0)
    assert "loss/validation" not in found
    assert any(tag.startswith("settings") for tag in found)
