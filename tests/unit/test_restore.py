"""Uploaded models: what is accepted and how it is made to fit, and what is refused before or after it is built."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from mnist_core import evaluation
from mnist_core.config import RunConfig
from mnist_core.engine import jobs
from mnist_core.errors import ModelFileError
from mnist_core.models.build import build
from mnist_core.models.restore import restore
from mnist_core.models.upload import Upload, gather
from tests.helpers import ROOT, assert_friendly
from tests.uploads import config_of, members, saved, with_config, with_hdf5, zipped

L = keras.layers


def sequential(*layers, shape=(28, 28, 1), **options):
    return keras.Sequential([keras.Input(shape, **options), *layers])


def readers(shape=(28, 28, 1), last="softmax"):
    return sequential(L.Flatten(), L.Dense(8, "relu"), L.Dense(10, last), shape=shape)


def branched():
    image = keras.Input((28, 28, 1), name="digit")
    left, right = (L.Conv2D(4, 3, activation="relu")(image) for _ in range(2))
    both = L.BatchNormalization()(L.Add()([left, right]))
    return keras.Model(image, L.Dense(10, "softmax")(L.Dropout(0.3)(L.Flatten()(both))))


def of_many_kinds():
    rows = keras.Input((28, 28))
    x = L.Bidirectional(L.LSTM(4, return_sequences=True))(L.Rescaling(1 / 255)(rows))
    x = L.TimeDistributed(L.Dense(4, kernel_regularizer="l2"))(L.MultiHeadAttention(2, 3)(x, x))
    x = L.GRU(5)(L.LayerNormalization()(x))
    inner = keras.Sequential([L.Dense(7), L.LeakyReLU(), L.PReLU(), L.Dense(10)])
    return keras.Model(rows, L.Softmax()(inner(x)))


@pytest.fixture(scope="module")
def plain():
    """A ``.keras`` file that is accepted."""
    return saved(readers())


def answers(model, images, scaled=True):
    images = images[..., None].astype(np.float32) * np.float32(1 / 255 if scaled else 1)
    return np.asarray(model(images, training=False))


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
    again = jobs.from_bytes(jobs.to_bytes(restored.model))
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


# -- refused -------------------------------------------------------------------------------------------------------


def changed(data, change):
    config = config_of(data)
    change(config["config"]["layers"])
    return with_config(data, config)


def setting(layer, **values):
    return lambda layers: layers[layer]["config"].update(values)


def nan_weights(file):
    file["layers/dense/vars/0"][0, 0] = np.nan


def another_shape(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = np.zeros((784, 9), np.float32)


def lost_layer(file):
    del file["layers/dense_1"]


def lost_weights(file):
    name = next(name for name in file["model_weights"] if name.startswith("dense"))
    file["model_weights"][name].attrs["weight_names"] = []


def two_inputs():
    images = [keras.Input((784,)), keras.Input((784,))]
    return keras.Model(images, L.Dense(10)(L.Add()(images)))


class Mine(L.Dense):
    pass


def with_lambda(data):
    code = {"class_name": "__lambda__", "config": {"value": "4wEAAAAAAAAA"}}
    layer = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None, "config": {"function": code}}
    return changed(data, lambda layers: layers.insert(1, layer))


REFUSED = {
    "a Lambda layer": (with_lambda, ["Lambda"]),
    "a class of one's own": (lambda _: saved(sequential(L.Flatten(), Mine(10))), ["'Mine'", "standard"]),
    "a huge layer": (lambda data: changed(data, setting(2, units=10**9)), ["795,000,000,010", "30,000,000 at most"]),
    "an impossible layer": (lambda data: changed(data, setting(2, units=-3)), ["cannot build"]),
    "an unknown setting": (lambda data: changed(data, setting(2, colour="red")), ["cannot build"]),
    "layers that do not fit": (lambda _: changed(saved(branched()), setting(2, filters=5)), ["cannot build"]),
    "too wide a picture": (
        lambda _: saved(sequential(L.UpSampling2D(40), L.GlobalAveragePooling2D(), L.Dense(10))),
        ["1,254,400 values", "200,704 at most"],
    ),
    "another input": (lambda _: saved(readers((32, 32, 3))), ["takes (32, 32, 3)", "(28, 28, 1), (28, 28) or (784,)"]),
    "another output": (lambda _: saved(sequential(L.Flatten(), L.Dense(9))), ["gives (9,)", "give (10,)"]),
    "an output for each pixel": (lambda _: saved(sequential(L.Dense(10))), ["gives (28, 28, 10)"]),
    "no fixed size": (
        lambda _: saved(sequential(L.Conv2D(10, 3), L.GlobalMaxPooling2D(), shape=(None, None, 1))),
        ["takes (None, None, 1)"],
    ),
    "a fixed batch": (lambda _: saved(sequential(L.Flatten(), L.Dense(10), batch_size=32)), ["32 images at a time"]),
    "two inputs": (lambda _: saved(two_inputs()), ["takes 2 inputs"]),
    "a name that TensorFlow does not take": (
        lambda _: saved(sequential(L.Flatten(name='x"; URL="javascript:alert(1)'), L.Dense(10, "softmax"))),
        ["cannot be used on images"],
    ),
    "no input": (
        lambda data: with_config(data, config_of(data) | {"config": {"name": "x", "layers": []}}),
        ["does not say what it takes"],
    ),
    "ten separate answers": (lambda _: saved(readers(last="sigmoid")), ["ends in sigmoid"]),
    "weights that are no numbers": (lambda data: with_hdf5(data, nan_weights), ["dense", "no numbers"]),
    "weights of another shape": (lambda data: with_hdf5(data, another_shape), ["do not fit the architecture"]),
    "a layer without weights": (lambda data: with_hdf5(data, lost_layer), ["do not fit the architecture"]),
    "the same in HDF5": (lambda _: with_hdf5(saved(readers(), ".h5"), lost_weights), ["do not fit"]),
    "weights of another network": (
        lambda data: zipped((members(data) | {"model.weights.h5": saved(branched(), ".weights.h5")}).items()),
        ["do not fit"],
    ),
    "a file cut short": (lambda data: data[: len(data) // 2], ["damaged or cut short"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_all_else_is_refused_with_the_reason(name, plain, digits):
    make, words = REFUSED[name]
    with pytest.raises(ModelFileError) as error:
        restore(Upload("bad", make(plain)), digits)
    assert_friendly(error, *words)


def test_an_architecture_with_weights_of_another(digits):
    files = [("a.json", readers().to_json().encode()), ("b.h5", saved(branched(), ".weights.h5"))]
    with pytest.raises(ModelFileError) as error:
        restore(gather(files), digits)
    assert_friendly(error, "do not fit")


def test_damage_anywhere_is_told_or_harmless(plain, digits):
    """A byte changed at random either is refused in words, or leaves a model that reads."""
    rng = np.random.default_rng(3)
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        weights = archive.read("model.weights.h5")
    architecture = json.dumps(config_of(plain)).encode()
    refused = 0
    for place in rng.integers(0, min(len(weights), 4000), 40):
        broken = weights[:place] + bytes([weights[place] ^ 0xFF]) + weights[place + 1 :]
        try:
            restore(Upload("a", architecture, broken), digits)
        except ModelFileError as error:
            assert_friendly(error)
            refused += 1
    assert refused
