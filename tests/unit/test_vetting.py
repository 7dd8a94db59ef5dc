"""The allowlist: what a configuration may name, and what it may not, before Keras sees any of it."""

import copy
import json
import math

import pytest

from mnist_core.errors import ModelFileError
from mnist_core.models import vetting
from mnist_core.models.vetting import vet
from tests.helpers import assert_friendly


def dense(units=10, **changes):
    config = {"name": "dense", "units": units, "activation": "softmax", "kernel_initializer": zeros()}
    return part("Dense", **config | changes)


def zeros():
    return {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}


def part(class_name, module="keras.layers", registered_name=None, **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": registered_name}


def model(*layers, class_name="Sequential", **more):
    image = part("InputLayer", batch_shape=[None, 28, 28, 1], name="image")
    return part(class_name, "keras", name="model", layers=[image, part("Flatten", name="flatten"), *layers]) | more


def nested(levels):
    inner = dense()
    for level in range(levels):
        inner = model(inner) | {"name": str(level)}
    return inner


def test_a_standard_model_goes_through_as_it_is():
    config = model(dense())
    before = copy.deepcopy(config)
    assert vet(config) == config == before


def test_what_was_built_and_compiled_is_left_behind():
    """A file could make Keras build a layer of any size by them."""
    config = model(dense() | {"build_config": {"input_shape": [None, 10**12]}})
    config |= {"compile_config": {"optimizer": part("Adam", "evil")}, "build_config": {"input_shape": [None]}}
    assert vet(config) == model(dense())


def test_files_of_older_versions_are_understood():
    old = {
        "class_name": "Model",
        "config": {
            "name": "old",
            "layers": [
                {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 784]}, "inbound_nodes": []},
                {
                    "class_name": "Dense",
                    "config": {"units": 10, "dtype": {"class_name": "Policy", "config": {"name": "float32"}}},
                    "inbound_nodes": [[["input_1", 0, 0, {}]]],
                },
            ],
            "shape": {"class_name": "__tuple__", "items": [1, 2]},
        },
    }
    vetted = vet(old)
    assert vetted["class_name"] == "Functional"
    assert vetted["module"] == "keras.src.models.functional"
    layer = vetted["config"]["layers"][1]
    assert (layer["module"], layer["inbound_nodes"]) == ("keras.layers", [[["input_1", 0, 0, {}]]])
    assert layer["config"]["dtype"]["class_name"] == "DTypePolicy"
    assert vetted["config"]["shape"] == [1, 2]


def test_an_activation_that_is_written_as_a_function_becomes_its_name():
    function = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}
    vetted = vet(model(dense(activation=function)))
    assert vetted["config"]["layers"][2]["config"]["activation"] == "relu"


@pytest.mark.parametrize("claimed", ["keras", "keras.src.layers.core.dense", "tf_keras.layers", None, "keras.layers"])
def test_a_class_is_taken_from_where_we_know_it(claimed):
    layer = dense() | {"module": claimed}
    assert vet(model(layer))["config"]["layers"][2]["module"] == "keras.layers"


BAD_FUNCTION = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
BAD_RELU = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "mine>relu"}
REFUSED = {
    "a Lambda layer": (model(part("Lambda", function={"class_name": "__lambda__", "config": {}})), ["Lambda", "code"]),
    "a Lambda in a wrapper": (model(part("TimeDistributed", layer=part("Lambda"))), ["Lambda"]),
    "a Lambda in a model in a model": (model(model(model(part("Lambda")))), ["Lambda"]),
    "a Lambda as an argument": (model(dense() | {"inbound_nodes": [{"args": [part("Lambda")]}]}), ["Lambda"]),
    "a custom layer": (model(part("Evil", "evil.layers", "Mine>Evil")), ["'Evil'", "standard"]),
    "a standard name from elsewhere": (model(dense() | {"module": "os"}), ["'os'", "not from Keras"]),
    "a module like Keras'": (model(dense() | {"module": "keras_evil.layers"}), ["'keras_evil.layers'"]),
    "a registered class": (model(dense() | {"registered_name": "Mine>Dense"}), ["'Mine>Dense'"]),
    "a function from elsewhere": (model(dense(activation=BAD_FUNCTION)), ["'system'"]),
    "a registered function": (model(dense(activation=BAD_RELU)), ["'relu'"]),
    "an unknown activation": (model(dense(activation="my_own")), ["activation function", "'my_own'"]),
    "a list of them": (model(dense(activation=["evil"])), ["'evil'"]),
    "a layer as an activation's function": (model(dense(activation=part("Lambda"))), ["Lambda"]),
    "an initializer": (model(dense(kernel_initializer=part("Evil", "keras.initializers"))), ["initializer", "'Evil'"]),
    "an initializer's name": (model(dense(kernel_initializer="evil>init")), ["initializer", "'evil>init'"]),
    "a layer as an initializer": (model(dense(kernel_initializer=dense())), ["initializer", "'Dense'"]),
    "a regularizer": (model(dense(kernel_regularizer=part("Evil", "x"))), ["regularizer", "'Evil'"]),
    "a constraint": (model(dense(bias_constraint=part("Evil", "x"))), ["constraint", "'Evil'"]),
    "a data type": (model(dense(dtype=part("Int8", "keras"))), ["data type", "'Int8'"]),
    "a precision": (model(dense(dtype=part("DTypePolicy", "keras", name="int8_from_x"))), ["'int8_from_x'"]),
    "bytes": (model(dense(x={"class_name": "__bytes__", "config": {"value": "x"}})), ["'__bytes__'"]),
    "a type": (model(dense(x={"class_name": "__typespec__", "config": []})), ["'__typespec__'"]),
    "an operation": (model(part("Add", "keras.src.ops.numpy"), part("GetItem", "keras.ops")), ["'GetItem'"]),
    "a layer of TensorFlow": (model(part("TFSMLayer", filepath="/etc")), ["'TFSMLayer'"]),
    "no name": (model({"class_name": ["Dense"], "config": {}}), ["layer"]),
    "no settings": (model({"class_name": "Dense", "config": None}), ["'Dense'", "damaged"]),
    "a subclassed model": (model(class_name="MyModel", module="__main__"), ["'MyModel'", "subclassed"]),
    "a name of any length": (model(class_name="X\n" * 5000), ["subclassed", "..."]),
    "no model": ([], ["names no class"]),
    "a number that is none": (model(dense(rate=math.nan)), ["not a number"]),
    "too deep": (nested(40), ["nested too deeply"]),
    "too many layers": (model(*[dense() for _ in range(vetting.MOST_LAYERS)]), ["more than 200 layers"]),
    "too many settings": (model(dense(x=[0] * vetting.MOST_VALUES)), ["too many settings"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_all_else_is_refused_with_the_reason(name):
    config, words = REFUSED[name]
    with pytest.raises(ModelFileError) as error:
        vet(json.loads(json.dumps(config)))
    assert_friendly(error, *words)
