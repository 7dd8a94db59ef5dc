"""What no configuration may be, and the words in which it is said."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.config import SECTIONS, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.models.architectures import ConvBlock
from mnist_core.parts import plain
from tests.helpers import assert_friendly
from tests.parts import CHOICES, NUMBERS, named, refused

# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("section", "part", "spec"), NUMBERS)
def test_a_number_out_of_range_is_told_with_key_value_and_limit(section, part, spec):
    step = 1 if spec.kind == "integer" else 0.25
    for value, limit, side in (
        (spec.low - step, spec.low, "at least"),
        (spec.high + step, spec.high, "at most"),
    ):
        error = refused({section: named(part) | {spec.name: value}})
        assert_friendly(error, f"{section}.{spec.name} is {value}", f"{side} {plain(limit)}")


@pytest.mark.parametrize(("section", "part"), CHOICES, ids=lambda value: getattr(value, "__name__", value))
def test_an_unknown_key_is_refused_by_its_full_name(section, part):
    error = refused({section: named(part) | {"learning_rat": 1}})
    assert_friendly(error, f"There is no setting '{section}.learning_rat'")


@pytest.mark.parametrize("other", [{"training": {"loss": "clipped"}}, {"architecture": {"name": "random_forest"}}])
def test_pictures_that_are_no_digits_need_shares_of_certainty(other):
    assert_friendly(refused({"data": {"not_digits": 10}} | other), "data.not_digits to 0")


def test_classical_models_learn_from_mnist_alone():
    forest = {"architecture": {"name": "random_forest"}}
    assert_friendly(refused({"data": {"written": 10}} | forest), "data.written to 0")


@pytest.mark.parametrize("key", ["step", "mlp", "adam"])
def test_a_key_that_is_called_like_a_choice_keeps_its_name(key):
    assert_friendly(refused({"training": {key: 1}}), f"'training.{key}'")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"sead": 1}, ["'sead'", "spelling"]),
        ({"architecture": {"blocks": []}}, ["'architecture.blocks'"]),
        ({"architecture": {"name": "cnn", "blocks": []}}, ["architecture.blocks has 0 entries", "at least 1"]),
        ({"architecture": {"name": "cnn", "blocks": [{"kernel": 4}]}}, ["blocks.0.kernel is 4", "1, 3, 5 or 7"]),
        ({"architecture": {"name": "vgg"}}, ["architecture.name is 'vgg'", "'softmax', 'mlp', 'cnn'"]),
        ({"architecture": {"hidden_units": [8, 2]}}, ["hidden_units.1 is 2", "at least 4"]),
        ({"architecture": {"hidden_units": [8] * 7}}, ["hidden_units has 7 entries", "at most 6"]),
        ({"architecture": {"hidden_units": 128}}, ["hidden_units is 128", "list"]),
        ({"architecture": {"activation": "rellu"}}, ["activation is 'rellu'", "'relu'"]),
        ({"architecture": "cnn"}, ["architecture is 'cnn'", "object of settings"]),
        ({"training": None}, ["training is None", "object of settings"]),
        ({"training": {"epochs": 1.5}}, ["training.epochs is 1.5"]),
        ({"training": {"epochs": "x" * 999}}, ["training.epochs is 'xxx", "..."]),
        ({"data": {"validation_fraction": 0}, "training": {"early_stopping": 2}}, ["Early stopping", "0.1"]),
        ({"data": {"validation_fraction": 0}, "schedule": {"name": "plateau"}}, ["Plateau", "0.1"]),
        ({"optimizer": {"name": "sgd", "nesterov": True}}, ["Nesterov needs momentum", "0.9"]),
        ({f"wrong_{i}": i for i in range(7)}, ["'wrong_0'", "'wrong_3'", "(And 3 more.)"]),
    ],
)  # fmt: skip
def test_messages_name_what_came_what_is_allowed_and_what_to_do(data, words):
    assert_friendly(refused(data), *words)
    assert_friendly(refused(json.dumps(data)), *words)


def test_a_wrong_entry_of_a_list_is_told_once():
    assert str(refused({"architecture": {"hidden_units": [1]}}).value) == (
        "architecture.hidden_units.0 is 1, but must be at least 4."
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not valid JSON"), ("{", "not valid JSON"), (b"\xff\xfe", "not valid JSON"), ("[1]", "not [1]"),
        ("3", "not 3"), ("null", "not null"), ("[" * 99_999, "nested"), ('{"a":' * 99_999, "nested"),
        ('{"seed":' + "9" * 5000 + "}", "not valid JSON"), ('{"seed":' + "9" * 500 + "}", "at most 2,147,483,647"),
        ('{"optimizer":{"learning_rate":NaN}}', "finite"), ('{"seed":1e999}', "finite"),
    ],
)  # fmt: skip
def test_text_that_is_no_configuration_is_refused_in_a_sentence(text, word):
    assert_friendly(refused(text), word)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*SECTIONS, "name", "seed", "blocks", "hidden_units", "x"]), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_anything_is_either_a_configuration_or_refused_in_sentences(data):
    try:
        config = RunConfig.parse(json.dumps(data))
    except ConfigError as error:
        assert_friendly(error)
    else:
        assert RunConfig.parse(config.to_json()) == config


@pytest.mark.parametrize(
    ("blocks", "layer"),
    [
        ([{"kernel": 7, "pooling": "none"}] * 4, None),
        ([{"kernel": 7}] * 4, "conv2d_3"),
        ([{"kernel": 5}] * 3, "conv2d_3"),
        ([{"kernel": 7}, {"kernel": 7}, {"kernel": 1}, {"kernel": 1}], "max_pool_4"),
        ([{"kernel": k, "pooling": "average"} for k in (5, 5, 3, 1)], "average_pool_4"),
    ],
)
def test_impossible_networks_name_the_layer_at_which_nothing_is_left(blocks, layer):
    data = {"architecture": {"name": "cnn", "blocks": blocks}}
    if layer is None:
        assert RunConfig.parse(data).layers[3].output_shape == (4, 4, 32)
    else:
        assert_friendly(refused(data), f"Layer {layer} cannot be built", "padding 'same'")


def test_a_value_of_another_type_is_the_same_value_or_refused():
    assert RunConfig.parse({"training": {"epochs": 7.0}}) == RunConfig.parse({"training": {"epochs": 7}})
    assert math.isclose(RunConfig.parse({"optimizer": {"learning_rate": 1}}).optimizer.learning_rate, 1.0)
    assert RunConfig.parse({"architecture": {"name": "cnn", "blocks": [ConvBlock(filters=8)]}}).parameters > 0
