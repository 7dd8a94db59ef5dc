"""Uploaded models: what is accepted and how it is made to fit, and what is refused before or after it is built."""

import hashlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from mnist_core import evaluation
from mnist_core.config import RunConfig
from mnist_core.models import blobs
from mnist_core.models.build import build
from mnist_core.models.restore import restore
from mnist_core.models.upload import gather
from tests.helpers import ROOT, assert_friendly
from tests.networks import answers, branched, of_many_kinds, readers, sequential
from tests.uploads import saved

L = keras.layers


# -- accepted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("make", [readers, branched], ids=["sequential", "functional"])
def test_a_model_that_fits_is_the_same_bit_for_bit(make, ending, digits):
    model = make()
    restored = restore(gather([("a" + ending, saved(model, ending))]), digits)
    some = digits.images[:50]
    np.testing.assert_array_equal(answers(restored.model, some), answers(model, some))
    assert restored.changes == ()
    assert restored.config.parameters == model.count_params()
    assert restored.test_accuracy == evaluation.accuracy(digits.labels, restored.probabilities)
    assert restored.test_loss == evaluation.cross_entropy(digits.labels, restored.probabilities)


def test_an_architecture_with_its_weights(digits):
    model = branched()
    files = [("w.weights.h5", saved(model, ".weights.h5")), ("a.json", model.to_json().encode())]
    restored = restore(gather(files), digits)
    some = digits.images[:50]
    np.testing.assert_array_equal(answers(restored.model, some), answers(model, some))


def test_a_compiled_and_trained_model_brings_its_optimizer_and_leaves_it(digits):
    model = readers()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images[:100, ..., None] / 255, digits.labels[:100], verbose=0)
    restored = restore(gather([("a.keras", saved(model))]), digits)
    assert getattr(restored.model, "optimizer", None) is None
    np.testing.assert_array_equal(answers(restored.model, digits.images[:5]), answers(model, digits.images[:5]))


@pytest.mark.parametrize("shape", [(28, 28), (784,)])
def test_other_shapes_of_an_image_are_reshaped(shape, digits):
    model = readers(shape)
    restored = restore(gather([("a.keras", saved(model))]), digits)
    images = digits.images[:20] / np.float32(255)
    expected = np.asarray(model(images.reshape(-1, *shape), training=False))
    np.testing.assert_allclose(answers(restored.model, digits.images[:20]), expected, atol=1e-6)
    assert "reshaped" in restored.changes[0]


@pytest.mark.parametrize("last", [None, "log_softmax"])
def test_softmax_is_applied_to_logits(last, digits):
    model = readers(last=last)
    restored = restore(gather([("a.keras", saved(model))]), digits)
    logits = answers(model, digits.images[:20])
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answers(restored.model, digits.images[:20]), expected, atol=1e-6)
    assert "softmax is applied" in restored.changes[0]


@pytest.mark.parametrize(
    "end",
    [
        [L.Dense(10, "softmax"), L.Dropout(0.5)],
        [L.Dense(10), L.Softmax()],
        [L.Dense(10), L.Activation("softmax"), L.Activation("linear")],
        [keras.Sequential([L.Dense(10, "softmax")])],
        [L.Dense(40), L.Reshape((4, 10)), L.Softmax(), L.GlobalAveragePooling1D()],
    ],
    ids=["dropout last", "a layer", "an activation", "a model", "a mean of several"],
)
def test_softmax_is_never_applied_twice(end, digits):
    restored = restore(gather([("a.keras", saved(sequential(L.Flatten(), *end)))]), digits)
    assert restored.changes == ()


def test_many_kinds_of_layers_and_pixels_of_0_to_255(digits):
    model = of_many_kinds()
    restored = restore(gather([("a.keras", saved(model))], scaled=False), digits)
    expected = np.asarray(model(digits.images[:20].astype(np.float32), training=False))
    np.testing.assert_allclose(answers(restored.model, digits.images[:20], scaled=False), expected, atol=1e-6)
    again = blobs.from_bytes(blobs.to_bytes(restored.model))
    np.testing.assert_array_equal(
        answers(again, digits.images[:20], scaled=False), answers(restored.model, digits.images[:20], scaled=False)
    )
    assert restored.config.data.scaled is False
    assert restored.config.parameters == model.count_params()


def test_a_wrong_choice_of_pixels_is_told(digits):
    model = build(RunConfig.parse({"architecture": {"name": "softmax"}}))
    scaled = digits.images[..., None] / np.float32(255)
    model.fit(scaled - np.float32(0.1), digits.labels, epochs=3, verbose=0)
    shifted = sequential(L.Rescaling(1, offset=-0.1), *model.layers)
    told = restore(gather([("a.keras", saved(shifted))], scaled=True), digits).changes
    assert told == ()
    dark = sequential(L.Rescaling(1 / 255, offset=-0.1), *model.layers)
    [hint] = restore(gather([("a.keras", saved(dark))], scaled=True), digits).changes
    assert_friendly(hint, "With pixels from 0 to 255", "upload it again")


def test_what_readers_are_told_of_it(digits):
    upload = gather([("<b>mine\n.keras", saved(branched()))])
    restored = restore(upload, digits)
    config = RunConfig.parse(restored.config.to_json())
    assert config == restored.config
    assert config.summary() == "Uploaded network of 7 layers"
    assert config.flat() == {
        "architecture.name": "uploaded",
        "architecture.file": "<b>mine .keras",
        "architecture.digest": hashlib.sha256(upload.model).hexdigest()[:12],
        "data.scaled": True,
    }
    first, second, add = config.layers[:3]
    assert (first.inputs, second.inputs, add.inputs) == (("image",), ("image",), (first.name, second.name))
    assert (first.kind, first.output_shape, first.arithmetic) == ("Conv2D", (26, 26, 4), "3×3×1×4 + 4 = 40")
    assert first.arguments == {"filters": 4, "kernel_size": 3, "activation": "relu"}
    assert (config.layers[3].trainable, config.layers[3].frozen) == (8, 8)


def test_names_from_the_file_are_made_harmless(digits):
    layers = (L.Flatten(name="a.b"), L.Dense(9, name="a>b"), L.Dense(10, "softmax", name="image"))
    found = restore(gather([("a.keras", saved(sequential(*layers)))]), digits).config.layers
    assert [layer.name for layer in found] == ["a_b", "a_b_2", "image_2"]


NEW_PROCESS = """
import sys
import keras, numpy as np
model = keras.models.load_model(sys.argv[1], compile=False)
print(np.asarray(model(np.load(sys.argv[2]), training=False)).tobytes().hex())
"""


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_bit_for_bit_in_a_new_process_too(ending, digits, tmp_path):
    model = build(RunConfig.parse({"architecture": {"name": "cnn", "blocks": [{"filters": 4, "batch_norm": True}]}}))
    file, images = tmp_path / f"model{ending}", digits.images[:20, ..., None] / np.float32(255)
    file.write_bytes(saved(model, ending))
    np.save(tmp_path / "images.npy", images)
    command = [sys.executable, "-c", NEW_PROCESS, file, tmp_path / "images.npy"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    expected = np.asarray(model(images, training=False))
    assert bytes.fromhex(done.stdout.splitlines()[-1]) == expected.tobytes(), done.stderr
