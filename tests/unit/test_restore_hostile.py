"""Files that Keras wrote and somebody changed, through all that an upload goes through, up to what Keras makes of them:
a model that reads, or a sentence."""

import copy
import io
import json
import tempfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import strategies as st

from mnist_core.data.mnist import Digits
from mnist_core.models import blobs
from mnist_core.models.restore import restore
from mnist_core.models.upload import gather
from mnist_core.models.vetting import LAYERS
from tests.hostile.inputs import short_texts, spoiled
from tests.hostile.target import Attack, target, throw_some
from tests.networks import answers, branched, of_many_kinds, sequential
from tests.uploads import config_of, members, saved, with_config, with_hdf5

L = keras.layers

PICTURES = L.Conv2D(4, 5, strides=2, activation="relu"), L.BatchNormalization(), L.MaxPooling2D()
NETWORKS = tuple(map(saved, (sequential(*PICTURES, L.Flatten(), L.Dense(10, "softmax")), branched(), of_many_kinds())))
CONFIGS = tuple(map(config_of, NETWORKS))

EXAMPLES = 3
"""Of every kind of change."""

SIZES = ("units", "filters", "kernel_size", "num_heads", "key_dim")
HUGE = (10**4, 10**6, 10**9, 2**31, 2**63, 10**30, 1e300)
SMALL = st.integers(-3, 40) | st.floats(-2, 2)
NO_LAYERS = ("Evil", "TFSMLayer", "Sequential", "Functional", "L2", "DTypePolicy", "__tuple__", "function")
CODE = L.Lambda(lambda x: __import__("os").system("true") or x).get_config()


def is_number(key, value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and key != "shared_object_id"


def is_size(key, value):
    return key in SIZES


def is_name(key, value):
    return key == "name" and isinstance(value, str)


def is_layer(key, value):
    return key == "class_name" and value in LAYERS


def places(data, wanted):
    """Where in a configuration something stands that is ``wanted``: what it stands in, and under which key."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if wanted(key, value):
            yield data, key
        if isinstance(value, (dict, list)):
            yield from places(value, wanted)


numbers = st.integers(0, len(NETWORKS) - 1)


@st.composite
def changed(draw, wanted, instead):
    """One of the networks by its number, and its configuration with one to three values of a kind replaced."""
    number = draw(numbers)
    config = copy.deepcopy(CONFIGS[number])
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(places(config, wanted))))
        holder[key] = copy.deepcopy(draw(instead))
    return number, config


@st.composite
def miswritten(draw):
    """The same with one to three characters of the configuration replaced."""
    number = draw(numbers)
    text = bytearray(json.dumps(CONFIGS[number]).encode())
    for _ in range(draw(st.integers(1, 3))):
        text[draw(st.integers(0, len(text) - 1))] = draw(st.integers(32, 126))
    return number, bytes(text)


@st.composite
def with_code(draw):
    """The same with a layer that is program code in place of one of its own."""
    number = draw(numbers)
    config = copy.deepcopy(CONFIGS[number])
    layer = draw(st.sampled_from(config["config"]["layers"][1:]))
    layer |= {"class_name": "Lambda", "config": CODE | {"name": layer["config"]["name"]}}
    return number, config


@st.composite
def with_odd_settings(draw):
    """The same with settings of a layer changed, removed or added."""
    number = draw(numbers)
    config = copy.deepcopy(CONFIGS[number])
    layer = draw(st.sampled_from(config["config"]["layers"]))
    layer["config"] = draw(spoiled(st.just(layer["config"])))
    return number, config


def weights_of(data):
    names = []
    with h5py.File(io.BytesIO(members(data)["model.weights.h5"])) as file:
        file.visit(names.append)
    return names


@st.composite
def without_weights(draw):
    """One of the networks, its configuration, and the group or array that is taken out of its weights."""
    number = draw(numbers)
    return number, CONFIGS[number], draw(st.sampled_from(weights_of(NETWORKS[number])))


CHANGES = {
    "characters": miswritten(),
    "sizes": changed(is_number, SMALL),
    "huge sizes": changed(is_size, st.sampled_from(HUGE)),
    "classes": changed(is_layer, st.sampled_from([*LAYERS, *NO_LAYERS])),
    "names": changed(is_name, short_texts),
    "program code": with_code(),
    "settings": with_odd_settings(),
    "dropped weights": without_weights(),
}


@pytest.fixture(scope="module")
def at():
    """A target whose data folder is also where files are laid down for Keras."""
    with target() as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(made.home))
        yield made


@pytest.fixture(scope="module")
def take_in(digits):
    """What a worker's process for uploads does with one, and another worker with what comes of it."""
    few = Digits(digits.images[:300], digits.labels[:300])

    def take_in(at, chosen):
        number, config, *dropped = chosen
        data = with_config(NETWORKS[number], config)
        if dropped:
            data = with_hdf5(data, lambda file: file.pop(dropped[0]))
        model = restore(gather([("model.keras", data)]), few).model
        read = answers(blobs.from_bytes(blobs.to_bytes(model)), few.images[:9])
        assert read.shape == (9, 10) and np.isfinite(read).all()

    return take_in


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_file_becomes_a_model_that_reads_or_has_its_sentence(at, take_in, what):
    throw_some(Attack(what, CHANGES[what], take_in), at, EXAMPLES)


@pytest.mark.parametrize("number", range(len(NETWORKS)))
def test_the_files_that_are_changed_are_models(at, take_in, number):
    take_in(at, (number, CONFIGS[number]))
