"""TensorBoard files as TensorFlow's own reader sees them."""

import io
import zipfile

import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.explore.events import folder_name, tensorboard

ROWS = [
    {"epoch": epoch, "step": 10 * epoch, "loss": 1 / epoch, "accuracy": 0.9 + epoch / 100, "val_loss": None}
    | {"val_accuracy": 0.8, "learning_rate": 0.001 * epoch, "seconds": 0.5}
    for epoch in (1, 2)
]


@pytest.fixture
def folders(store, tmp_path):
    """Unpacks what was made of runs, and gives the folders in it."""

    def folders(*ids):
        with zipfile.ZipFile(io.BytesIO(tensorboard(store, [store.get(run_id) for run_id in ids]))) as archive:
            archive.extractall(tmp_path / "logs")
        return sorted((tmp_path / "logs").iterdir())

    return folders


def values(folder):
    """By tag and step, what stands in the one file of a folder."""
    (file,), found = folder.iterdir(), {}
    for record in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value
    return found


def test_event_files_hold_every_row(store, folders):
    run_id = store.create(RunConfig())
    store.record(run_id, {}, [{"step": 7, "loss": 2.0, "accuracy": 0.1}], ROWS)
    (folder,) = folders(run_id)
    found = values(folder)
    numbers = {tag: {step: value.simple_value for step, value in at.items()} for tag, at in found.items()}
    text = next(tag for tag in found if tag.startswith("settings"))
    del numbers[text]
    expected = {
        "loss/training": {1: 1.0, 2: 0.5},
        "accuracy/training": {1: 0.91, 2: 0.92},
        "accuracy/validation": {1: 0.8, 2: 0.8},
        "learning_rate": {1: 0.001, 2: 0.002},
        "batches/loss": {7: 2.0},
        "batches/accuracy": {7: 0.1},
    }
    assert numbers.keys() == expected.keys(), "no tag of a column that has no numbers"
    for tag, at in expected.items():
        assert numbers[tag] == pytest.approx(at), tag
    assert store.get(run_id).config in found[text][0].tensor.string_val[0].decode()


def test_runs_of_one_name_have_folders_of_their_own(store, folders):
    ids = sorted(store.create(RunConfig(), "twice") for _ in range(2))
    assert [folder.name for folder in folders(*ids)] == [f"twice-{run_id}" for run_id in ids]


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Wide, 3 layers", "Wide-3-layers-"),
        ("../../etc/passwd", "etc-passwd-"),
        ("Größe ½", "Groe-12-"),
        ("C:\\nul\x07|*?", "C-nul-"),
        ("漢字", ""),
        ("-.", ""),
        ("a" * 200, "a" * 40 + "-"),
    ],
)
def test_a_folder_is_called_by_name_and_id_in_safe_letters(store, folders, name, called):
    run_id = store.create(RunConfig(), name)
    assert folder_name(store.get(run_id)) == called + run_id
    assert [folder.name for folder in folders(run_id)] == [called + run_id]
