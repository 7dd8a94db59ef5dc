"""What is planned by arithmetic is what Keras builds, layer by layer."""

import math
import re

import keras
import pytest
from hypothesis import given, settings

from mnist_core.config import RunConfig
from mnist_core.models.architectures import CNN, MLP
from mnist_core.models.build import build
from mnist_core.models.plan import INPUT_SHAPE, Layer, count_operations, count_parameters, plan
from mnist_core.models.subclassed import portable
from mnist_core.recipes import RECIPES
from tests.helpers import configs

BLOCK = {"filters": 4, "kernel": 3}
NETWORKS = {
    "softmax": {"name": "softmax"},
    "softmax with l2": {"name": "softmax", "l2": 0.01},
    "mlp": {},
    "mlp of six": {"hidden_units": [4, 8, 16, 32, 16, 8]},
    "mlp with all": {"hidden_units": [12, 6], "batch_norm": True, "dropout": 0.3, "l2": 0.01, "activation": "gelu"},
    "mlp with batch norm": {"hidden_units": [9], "batch_norm": True, "activation": "selu"},
    "mlp with dropout": {"hidden_units": [9, 9], "dropout": 0.9, "activation": "tanh"},
    "cnn": {"name": "cnn"},
    "cnn with all": {
        "name": "cnn", "activation": "elu", "head": "global_max", "hidden_units": [16, 8], "dropout": 0.5, "l2": 0.001,
        "blocks": [
            {"filters": 4, "kernel": 5, "padding": "same", "pooling": "average", "batch_norm": True, "dropout": 0.1},
            {"filters": 8, "kernel": 1, "padding": "valid", "pooling": "none", "batch_norm": True},
            {"filters": 6, "kernel": 3, "padding": "same", "pooling": "max", "dropout": 0.2},
        ],
    },
    "cnn with one block": {"name": "cnn", "blocks": [BLOCK]},
    "cnn without pooling": {"name": "cnn", "blocks": [BLOCK | {"pooling": "none"}] * 4},
    "cnn with average pooling": {"name": "cnn", "blocks": [BLOCK | {"pooling": "average"}] * 2},
    "cnn with odd sides": {"name": "cnn", "blocks": [BLOCK | {"kernel": 1}] * 4},
    "cnn down to one pixel": {"name": "cnn", "blocks": [BLOCK | {"padding": "same"}] * 4, "head": "flatten"},
    "cnn of 7 x 7 kernels": {"name": "cnn", "blocks": [BLOCK | {"kernel": 7, "padding": "same"}] * 2},
    "cnn with global average": {"name": "cnn", "head": "global_average", "activation": "sigmoid"},
    "cnn with global maximum": {"name": "cnn", "head": "global_max"},
    "cnn with dense layers": {"name": "cnn", "hidden_units": [10, 20, 30]},
    "cnn with dropout at its end": {"name": "cnn", "dropout": 0.4, "blocks": [BLOCK]},
    "cnn with convolutions in a row": {"name": "cnn", "blocks": [BLOCK | {"convolutions": 3, "batch_norm": True}]},
    "cnn with batch norm": {"name": "cnn", "blocks": [BLOCK | {"batch_norm": True}]},
    **{
        name: found.config.architecture.model_dump()
        for name, found in RECIPES.items()
        if found.config.architecture.family == "network"
    },
}  # fmt: skip


def assert_planned_as_built(config):
    model = portable(build(config))
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if getattr(config.architecture, "api", "") != "variables":
        assert [layer.name for layer in config.layers] == [layer.name for layer in layers]
    shape = INPUT_SHAPE
    for planned, built in zip(config.layers, layers, strict=True):
        assert planned.kind == type(built).__name__
        assert planned.input_shape == shape
        assert planned.output_shape == shape_after(built)
        assert planned.trainable == count(built.trainable_weights)
        assert planned.frozen == count(built.non_trainable_weights)
        assert planned.parameters == built.count_params()
        assert value_of(planned.arithmetic) == planned.parameters
        shape = planned.output_shape
    assert config.parameters == model.count_params() == count_parameters(config.layers)


def shape_after(layer):
    return tuple(layer.output.shape[1:])


def count(weights):
    return sum(math.prod(weight.shape) for weight in weights)


def value_of(arithmetic):
    """What a string such as ``3×3×1×32 + 32 = 320`` comes to; both sides of the sign must agree."""
    if not arithmetic:
        return 0
    left, right = re.sub(r"[a-z,]", "", arithmetic).split("=")
    assert re.fullmatch(r"[\d× +]+", left), arithmetic
    total = sum(math.prod(int(factor) for factor in term.split("×")) for term in left.split("+"))
    assert total == int(right), arithmetic
    return total


@pytest.mark.parametrize("network", NETWORKS)
def test_plan_and_keras_agree(network):
    assert_planned_as_built(RunConfig.parse({"architecture": NETWORKS[network]}))


@settings(max_examples=15)
@given(configs().filter(lambda config: config.architecture.family == "network"))
def test_plan_and_keras_agree_on_any_configuration(config):
    keras.backend.clear_session()
    assert_planned_as_built(config)


def test_published_networks_have_the_published_parameters():
    assert RECIPES["mlp-100-64-32"].config.parameters == 87_374
    assert RECIPES["cnn-32-64-64"].config.parameters == 61_514


def test_arithmetic_is_shown_as_it_is_done_by_hand():
    cnn = RunConfig.parse({"architecture": {"name": "cnn", "blocks": [{"filters": 32, "batch_norm": True}]}})
    assert [layer.arithmetic for layer in cnn.layers if layer.parameters] == [
        "3×3×1×32 + 32 = 320",
        "2×32 learned + 2×32 averages = 128",
        "5408×10 + 10 = 54,090",
    ]


def test_operations_are_multiplications_of_one_image():
    assert count_operations(plan(MLP(hidden_units=(100, 50)).layers())) == 784 * 100 + 100 * 50 + 50 * 10
    cnn = CNN(blocks=({"filters": 8, "kernel": 5}, {"filters": 6, "padding": "same", "pooling": "none"}))
    first = sum(1 for _row in range(24) for _column in range(24)) * 5 * 5 * 1 * 8
    second = 12 * 12 * 3 * 3 * 8 * 6
    assert count_operations(plan(cnn.layers())) == first + second + 12 * 12 * 6 * 10


def test_a_layer_without_a_rule_keeps_the_shape():
    [planned] = plan([Layer("Dropout", {"rate": 0.5})], shape=(7,))
    assert (planned.name, planned.output_shape, planned.parameters) == ("dropout_1", (7,), 0)
