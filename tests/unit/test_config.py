"""A configuration survives every way it travels, and says in plain words what is wrong with a bad one."""

import json

import pytest
from hypothesis import given

from mnist_core.config import RunConfig, choices, parse_value
from mnist_core.errors import ConfigError, UnknownRecipe
from mnist_core.recipes import RECIPES, recipe
from tests.helpers import assert_friendly, configs
from tests.parts import named

# -- ways to travel ------------------------------------------------------------------------------------------------


@given(configs())
def test_json_gives_the_same_value_and_the_same_text(config):
    again = RunConfig.parse(config.to_json())
    assert again == config
    assert hash(again) == hash(config)
    assert again.to_json() == config.to_json()
    assert RunConfig.parse(config.to_json().encode()) == config
    assert RunConfig.parse(json.loads(config.to_json())) == config


@given(configs(), configs())
def test_the_flat_settings_of_one_make_it_from_any_other(one, other):
    assert other.replace(one.flat()) == one


@given(configs())
def test_the_present_names_change_nothing(config):
    names = {key: value for key, value in config.flat().items() if key.endswith(".name")}
    assert config.replace(names) == config


@given(configs(), configs())
def test_differences_are_the_flat_settings_that_differ(one, other):
    ours, theirs = one.flat(), other.flat()
    different = one.differences(other)
    for key in {*ours, *theirs}:
        if ours.get(key) == theirs.get(key):
            assert key not in different
        else:
            assert different[key] == (ours.get(key), theirs.get(key))
    assert (different == {}) == (one == other)
    assert other.differences(one) == {key: (b, a) for key, (a, b) in different.items()}


@given(configs())
def test_the_summary_is_one_short_line(config):
    summary = config.summary()
    assert summary == summary.strip()
    assert "\n" not in summary
    assert len(summary) < 120
    length = config.architecture.rounds if config.architecture.family == "classical" else config.training.batch_size
    assert str(length) in summary.replace(",", "") or config.architecture.name == "sgd_classifier"


def test_absent_keys_take_their_defaults():
    assert RunConfig.parse("{}") == RunConfig.parse({}) == RunConfig()
    assert RunConfig.parse({"optimizer": {"learning_rate": 0.1}}).optimizer.name == "adam"
    assert RunConfig.parse({"architecture": {"dropout": 0.5}}).architecture.name == "mlp"


def test_summary_names_network_optimizer_and_length():
    assert RunConfig().summary() == "MLP 128, Adam 0.001, 5 epochs of 128"
    assert recipe("cnn-32-64-64").config.summary() == "CNN 32-64-64, RMSprop 0.001, 30 epochs of 200"
    blocks = [{"filters": 8, "convolutions": 2}, {"filters": 16}]
    deep = recipe("cnn-32-64-64").config.replace({"architecture.blocks": blocks})
    assert deep.summary() == "CNN 8-8-16, RMSprop 0.001, 30 epochs of 200"
    one = RunConfig().replace({"architecture.name": "softmax", "training.epochs": 1})
    assert one.summary() == "Softmax, Adam 0.001, 1 epoch of 128"


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_what_they_say(name):
    found = recipe(name)
    assert found.name == name
    assert found.title
    assert found.sentence.endswith(".")
    assert RunConfig.parse(found.config.to_json()) == found.config
    if found.published:
        assert found.measure in found.published
        assert 0.003 < found.tolerance < 0.02
        assert found.reason.endswith((".", ".)"))
        assert found.source
        assert found.config.parameters == found.published.get("parameters", found.config.parameters)


def test_an_unknown_recipe_is_told_with_those_there_are():
    with pytest.raises(UnknownRecipe) as error:
        recipe("fast")
    assert_friendly(error, "'fast'", *RECIPES)


# -- changes -------------------------------------------------------------------------------------------------------


def test_replace_changes_what_it_names_and_nothing_else():
    config = RunConfig()
    changed = config.replace({"optimizer.learning_rate": 0.1, "seed": 7, "architecture.hidden_units": [64, 32]})
    assert (changed.optimizer.learning_rate, changed.seed) == (0.1, 7)
    assert changed.architecture.hidden_units == (64, 32)
    assert set(config.differences(changed)) == {
        "optimizer.learning_rate",
        "seed",
        "architecture.hidden_units",
    }
    assert config == RunConfig()


def test_another_name_keeps_what_both_have_but_the_learning_rate():
    config = (
        RunConfig()
        .replace({"optimizer.name": "sgd"})
        .replace({"optimizer.learning_rate": 0.5, "optimizer.momentum": 0.9, "optimizer.nesterov": True})
    )
    changed = config.replace({"optimizer.name": "rmsprop"})
    assert changed.optimizer.momentum == 0.9
    assert changed.optimizer.learning_rate == 0.001
    assert not hasattr(changed.optimizer, "nesterov")
    assert config.differences(changed)["optimizer.nesterov"] == (True, None)
    # What is asked for beside the name wins, in whatever order it is written.
    both = config.replace({"optimizer.learning_rate": 0.2, "optimizer.name": "adam"})
    assert (both.optimizer.name, both.optimizer.learning_rate) == ("adam", 0.2)


def extremes(part):
    """The part at its defaults, and with each field at its edges."""
    yield named(part)
    for spec in part.specs():
        for edge in {"low": spec.low, "high": spec.high}.values():
            if spec.kind in ("integer", "number"):
                yield named(part) | {spec.name: edge}
        if spec.kind in ("integers", "parts"):
            item = spec.item(padding="same", pooling="none").model_dump() if spec.item else spec.low
            yield named(part) | {spec.name: [item] * spec.longest}
            yield named(part) | {spec.name: [item] * spec.shortest}


@pytest.mark.parametrize("section", ["architecture", "optimizer", "schedule"])
def test_every_choice_leads_to_every_other_from_any_setting(section):
    for part in choices(section):
        for start in extremes(part):
            config = RunConfig.parse({section: start})
            for other in choices(section):
                name = other.model_fields["name"].default
                assert getattr(config.replace({f"{section}.name": name}), section).name == name


@pytest.mark.parametrize(
    "changes",
    [
        {"no_such": 1},
        {"optimizer": {}},
        {"": 1},
        {".": 1},
        {"seed.x": 1},
        {"optimizer.": 1},
        {"models.name": "mlp"},
    ],
)
def test_replace_refuses_keys_that_are_no_setting(changes):
    with pytest.raises(ConfigError) as error:
        RunConfig().replace(changes)
    assert_friendly(error, "There is no setting", next(iter(changes)))


@pytest.mark.parametrize("value", ["no-such", ["sgd"], {}, None, 3])
@pytest.mark.parametrize("section", ["architecture", "optimizer", "schedule"])
def test_replace_refuses_names_that_are_none(section, value):
    with pytest.raises(ConfigError) as error:
        RunConfig().replace({f"{section}.name": value})
    assert_friendly(error, f"{section}.name", *(f"'{part().name}'" for part in choices(section)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1), ("1e-3", 0.001), ("7", 7), ("true", True), ("True", True), ("False", False), ("relu", "relu"),
        ("128,64", [128, 64]), ("[1, 2]", [1, 2]), ("128,", [128]), ("a, b", ["a", "b"]), ("", ""), ("null", None),
    ],
)  # fmt: skip
def test_values_of_a_command_line(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)
