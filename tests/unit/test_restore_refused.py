"""Uploaded models that are refused: each with its reason, and with nothing left behind."""

import io
import json
import zipfile

import keras
import numpy as np
import pytest

from mnist_core.errors import ModelFileError
from mnist_core.models.restore import restore
from mnist_core.models.upload import Upload, gather
from tests.helpers import assert_friendly
from tests.networks import branched, readers, sequential
from tests.uploads import config_of, members, saved, with_config, with_hdf5, zipped

L = keras.layers


@pytest.fixture(scope="module")
def plain():
    """A ``.keras`` file that is accepted."""
    return saved(readers())


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
