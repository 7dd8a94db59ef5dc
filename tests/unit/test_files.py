"""What a worker does with model files: uploads become runs, runs become files, first layers become pictures."""

import io
import json
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.engine import files, reading, sandbox
from mnist_core.errors import ConfigError, ModelFileError, UnknownRun
from mnist_core.models import blobs
from mnist_core.models.build import build
from mnist_core.models.first_layer import MOST_TILES, first_layer_tiles
from mnist_core.models.formats import FORMATS
from mnist_core.models.restore import restore
from mnist_core.models.upload import Upload, gather
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs
from tests.helpers import ROOT, assert_friendly
from tests.uploads import saved

MLP = RunConfig.parse({"architecture": {"name": "mlp", "hidden_units": [80], "batch_norm": True}})
FUNCTIONAL = RunConfig.parse({"architecture": {"name": "mlp", "hidden_units": [30, 20], "api": "functional"}})
SUBCLASSED = RunConfig.parse({"architecture": {"name": "mlp", "hidden_units": [30], "api": "subclassed"}})
RAW = RunConfig.parse({"architecture": {"name": "softmax", "api": "variables", "start": "normal"}})
LOGITS = RunConfig.parse({"architecture": {"name": "cnn", "blocks": [{"filters": 4}], "output": "logits"}})
CNN = RunConfig.parse({"architecture": {"name": "cnn", "blocks": [{"filters": 6, "kernel": 5, "batch_norm": True}]}})


@pytest.fixture(autouse=True)
def _in_this_process(worker):
    pass


@pytest.fixture
def url(store):
    return store.database.url


@pytest.fixture
def trained(store):
    """Puts a run in the store whose weights have moved away from their start; gives its id and its model."""

    def trained(config):
        model = build(config)
        rng = np.random.default_rng(0)
        for variable in model.weights:
            variable.assign_add(rng.random(variable.shape, np.float32) / 50)
        run_id = store.create(config)
        store.record(run_id, {"status": "finished"}, files={"model.keras": blobs.to_bytes(model)})
        return run_id, model

    return trained


@pytest.fixture
def in_process(monkeypatch, digits):
    """The sandbox without its process, on few images."""

    def in_process(upload, seconds):
        found = restore(upload, digits)
        probabilities = blobs.array_bytes(found.probabilities)
        score = {"test_loss": found.test_loss, "test_accuracy": found.test_accuracy}
        model = blobs.to_bytes(found.model)
        return sandbox.Accepted(model, probabilities, found.config, changes=found.changes, **score)

    monkeypatch.setattr(sandbox, "restore", in_process)


# -- uploads -------------------------------------------------------------------------------------------------------


def test_an_upload_becomes_a_run_like_any_other(store, url, in_process, digits):
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    run_id = files.add_upload(gather([("mine.keras", saved(model))], scaled=False), "", url, 60)
    run = store.get(run_id)
    assert (run.name, run.status, run.origin, run.usable) == ("mine.keras", "finished", "uploaded", True)
    assert (run.parameters, run.epoch, run.train_seconds) == (7850, 0, 0.0)
    assert run.summary == "Uploaded network of 2 layers"
    probabilities = store.load_array(run_id, "test_probabilities")
    assert (probabilities.argmax(axis=1) == digits.labels).mean() == run.test_accuracy
    found = reading.predict_run(run_id, digits.images[:20], url)
    np.testing.assert_allclose(found, probabilities[:20], atol=1e-6)
    [event] = store.events(run_id)
    assert event["text"].startswith("Uploaded as mine.keras; ")
    assert "softmax is applied" in event["text"]


def test_a_refused_upload_leaves_no_run(store, url):
    with pytest.raises(ModelFileError) as error:
        files.add_upload(Upload("bad.keras", b"PK\x03\x04"), "mine", url, 120)
    assert_friendly(error, "damaged")
    assert store.list() == []


def test_an_uploaded_network_is_not_trained(store, url, in_process):
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, "softmax")])
    with pytest.raises(ModelFileError, match="took too long"):
        files.add_upload(gather([("mine.keras", saved(model))]), "", url, 60, until=time.time())
    assert store.list() == []
    run = store.get(files.add_upload(gather([("mine.keras", saved(model))]), "", url, 60))
    with pytest.raises(ConfigError) as error:
        store.create(run.settings)
    assert_friendly(error, "trained elsewhere")


def test_what_a_run_gives_comes_back_in(store, url, in_process, trained, digits):
    run_id, _ = trained(CNN)
    expected = reading.predict_run(run_id, digits.images[:50], url)
    for ways in (["keras"], ["h5"], ["json", "weights"]):
        exported = [(name, files.export(run_id, name, url)) for name in ways]
        again = files.add_upload(gather(exported), "", url, 60)
        np.testing.assert_array_equal(reading.predict_run(again, digits.images[:50], url), expected)
        assert store.get(again).parameters == store.get(run_id).parameters


# -- export --------------------------------------------------------------------------------------------------------

NETWORKS = {"mlp": MLP, "functional": FUNCTIONAL, "subclassed": SUBCLASSED, "raw": RAW, "cnn": CNN, "logits": LOGITS}

NEW_PROCESS = """
import pathlib, sys
import keras, numpy as np
images = np.load(sys.argv[1] + "/images.npy")
for folder in sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.is_dir()):
    restored = [keras.models.load_model(folder / f"run.{ending}", compile=False) for ending in ("keras", "h5")]
    restored.append(keras.models.model_from_json((folder / "run.json").read_text()))
    restored[-1].load_weights(folder / "run.weights.h5")
    for model in restored:
        print(folder.name, np.asarray(model(images, training=False)).tobytes().hex())
"""


def test_every_format_gives_the_same_answers_bit_for_bit_in_a_new_process(url, trained, digits, tmp_path):
    folder, images, expected = tmp_path / "networks", digits.images[:30, ..., None] / np.float32(255), []
    folder.mkdir()
    np.save(folder / "images.npy", images)
    for name, config in sorted(NETWORKS.items()):
        run_id, model = trained(config)
        (folder / name).mkdir()
        for format in FORMATS.values():
            (folder / name / f"run{format.ending}").write_bytes(files.export(run_id, format.name, url))
        answers = np.asarray(model(images, training=False))
        assert np.ptp(answers) > 0.01
        expected += [f"{name} {answers.tobytes().hex()}"] * 3
    command = [sys.executable, "-c", NEW_PROCESS, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=180)
    answers = done.stdout.splitlines()
    assert len(answers) == 3 * len(NETWORKS), done.stderr
    assert [line.split()[0] for line, one in zip(answers, expected, strict=True) if line != one] == []


def test_an_architecture_says_its_layers_and_holds_no_weights(url, trained):
    run_id, model = trained(MLP)
    text = files.export(run_id, "json", url)
    names = [layer["config"]["name"] for layer in json.loads(text)["config"]["layers"]]
    assert names[1:] == [layer.name for layer in model.layers]
    assert len(text) < 20_000


def test_a_run_without_a_model_is_told(store, url):
    run_id = store.create(MLP)
    for ask in (lambda: files.export(run_id, "h5", url), lambda: files.first_layer(run_id, url)):
        with pytest.raises(UnknownRun) as error:
            ask()
        assert_friendly(error, "no Keras model")


# -- the first layer -----------------------------------------------------------------------------------------------


def test_first_layer_before_and_after(store, url, trained):
    run_id, model = trained(MLP)
    tiles = files.first_layer(run_id, url)
    assert tiles.shape == (2, MOST_TILES, 28, 28)
    start = build(MLP)
    for state, found in zip((start, model), tiles, strict=True):
        kernel = np.asarray(state.get_layer("dense_1").kernel)
        np.testing.assert_array_equal(found[7], kernel[:, 7].reshape(28, 28))
    np.testing.assert_array_equal(store.load_array(run_id, "first_layer"), tiles)
    np.testing.assert_array_equal(files.untrained_first_layer(MLP.to_json()), tiles[:1])


def test_kernels_of_a_convolution(url, trained):
    run_id, model = trained(CNN)
    tiles = files.first_layer(run_id, url)
    assert tiles.shape == (2, 6, 5, 5)
    np.testing.assert_array_equal(tiles[1, 3], np.asarray(model.get_layer("conv2d_1").kernel)[:, :, 0, 3])


def test_the_start_is_that_of_the_training(digits):
    trainer = Trainer(MLP, Programs(digits))
    np.testing.assert_array_equal(first_layer_tiles(trainer.model), files.untrained_first_layer(MLP.to_json())[0])


def test_an_uploaded_network_has_no_known_start(store, url, in_process):
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    run_id = files.add_upload(gather([("mine.keras", saved(model))]), "", url, 60)
    tiles = files.first_layer(run_id, url)
    assert tiles.shape == (1, 10, 28, 28)
    np.testing.assert_array_equal(tiles[0, 2], np.asarray(model.layers[-1].kernel)[:, 2].reshape(28, 28))


def test_a_first_layer_that_sees_no_pixels_has_no_tiles():
    pooled = [keras.layers.Flatten(), keras.layers.Dense(5)]
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.AveragePooling2D(2), *pooled])
    assert first_layer_tiles(model).shape == (0, 0, 0)
    rows = keras.Sequential([keras.Input((28, 28)), keras.layers.Conv1D(3, 5)])
    assert first_layer_tiles(rows).shape == (3, 5, 28)


def test_arrays_are_small(url, trained, store):
    run_id, _ = trained(MLP)
    files.first_layer(run_id, url)
    data = store.load_blob(run_id, "first_layer")
    assert len(data) < 500_000
    assert np.load(io.BytesIO(data), allow_pickle=False).dtype == np.float32
