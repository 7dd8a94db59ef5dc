"""What a sweep may vary, and how it is told when it may not."""

import json

import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.size import BLOCKS, FILTERS, LAYERS, UNITS
from mnist_core.explore.space import Dimension, configure, keys, shown, told_apart
from tests.helpers import assert_friendly


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("optimizer.learning_rate=log:1e-4..1:5", [0.0001, 0.001, 0.01, 0.1, 1.0]),
        ("architecture.dropout=0..0.4:3", [0.0, 0.2, 0.4]),
        ("architecture.dropout=0.1..0.5", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("training.epochs=1..3:9", [1, 2, 3]),
        (f"{UNITS}=log:16..256", [16, 32, 64, 128, 256]),
        (f"{FILTERS}=log:8..128", [8, 16, 32, 64, 128]),
        (f"{BLOCKS}=1..3", [1, 2, 3]),
        ("architecture.activation=relu|tanh", ["relu", "tanh"]),
        ("architecture.batch_norm=true|false", [True, False]),
        ("architecture.hidden_units=32|64,32", [(32,), (64, 32)]),
        ("training.batch_size=16|64", [16, 64]),
        ("training.batch_size=1000..1004", [1000, 1001, 1002, 1003, 1004]),
        ("data.subset=10000..10004", [10000, 10001, 10002, 10003, 10004]),
        ("optimizer.beta_2=0.9999..0.99999:4", [0.9999, 0.99993, 0.99996, 0.99999]),
        ("optimizer.beta_2=log:0.9999..0.99999:4", [0.9999, 0.99993, 0.99996, 0.99999]),
        ("seed=1|2|3", [1, 2, 3]),
    ],
)
def test_ranges_and_choices_as_they_are_typed(text, grid):
    dimension = Dimension.parse(text)
    assert dimension.grid() == pytest.approx(grid) if isinstance(grid[0], float) else dimension.grid() == grid
    assert Dimension.parse(dimension.text()) == dimension
    assert Dimension.from_data(json.loads(json.dumps(dimension.to_data()))) == dimension


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("optimizer.learning_rate", "looks like"),
        ("=1..2", "looks like"),
        ("optimizer.speed=0..1", "no setting"),
        ("architecture.blocks.filters=1..2", "no setting"),
        ('architecture.blocks=[{"filters":8}]|[{"filters":16}]', f"{BLOCKS} and {FILTERS}"),
        ("architecture.blocks=1..2", f"{BLOCKS} and {FILTERS}"),
        ("optimizer.learning_rate=1..1e-5", "below"),
        ("optimizer.learning_rate=1e-5..100", "within"),
        ("architecture.dropout=log:0..0.5", "above 0"),
        ("architecture.dropout=a..b", "two numbers"),
        ("optimizer.learning_rate=log:1e-5...1", "0..0.5"),
        ("architecture.dropout=0...5", "0..0.5"),
        ("optimizer.learning_rate=1e-5..", "0..0.5"),
        ("optimizer.learning_rate=log:1e-5..1:", "0..0.5"),
        ("optimizer.learning_rate=log:0.1|0.2", "0..0.5"),
        ("optimizer.learning_rate=0.1||0.2", "0..0.5"),
        ("optimizer.learning_rate=0.1-0.2", "0..0.5"),
        ("training.batch_size=16|x", "0..0.5"),
        ("training.epochs=1.5..3", "both ends must be whole numbers"),
        ("training.epochs=1..2.5", "both ends must be whole numbers"),
        ("training.epochs=1.5|3", "whole number"),
        ("architecture.dropout=0..nan", "two ends"),
        ("architecture.dropout=0..0.5:1", "2 to"),
        ("architecture.activation=0..1", "takes no range"),
        ("architecture.activation=relu|relu", "twice"),
        ("optimizer.weight_decay=1|1.0", "twice"),
        ("architecture.batch_norm=true|1", "twice"),
        ("seed=1|true", "True, but must be a whole number"),
        (f"{LAYERS}=1e9|1", "from 1 to 6"),
        (f"{LAYERS}=1000000000|1", "from 1 to 6"),
        (f"{LAYERS}=0|1", "from 1 to 6"),
        (f"{LAYERS}=a|b", "whole number"),
        (f"{LAYERS}=[1,2]|3", "whole number"),
        (f"{LAYERS}=true|3", "whole number"),
        (f"{UNITS}=16.7|32", "16.7"),
        (f"{UNITS}=2|32", "from 4 to 2,048"),
        (f"{BLOCKS}=1|5", "from 1 to 4"),
        (f"{FILTERS}=2..32", "from 4 to 256"),
        ("seed=" + "|".join(map(str, range(99))), "50 at most"),
    ],
)
def test_a_bad_range_has_its_sentence(text, word):
    with pytest.raises(ConfigError) as error:
        Dimension.parse(text)
    assert_friendly(error, word)


@pytest.mark.parametrize("ends", ["0.9..0.9000000000000002", "0.99..0.9900000001"])
def test_a_grid_never_visits_a_point_twice(ends):
    grid = Dimension.parse(f"optimizer.beta_2={ends}").grid()
    assert len(set(grid)) == len(grid) > 1
    assert f"{grid[0]!r}..{grid[-1]!r}" == ends


def test_layers_and_units_make_hidden_units():
    base = RunConfig.parse({"architecture": {"hidden_units": [50, 20]}})
    assert configure(base, {LAYERS: 3, UNITS: 16}).architecture.hidden_units == (16, 16, 16)
    assert configure(base, {UNITS: 16}).architecture.hidden_units == (16, 16)
    assert configure(base, {LAYERS: 1}).architecture.hidden_units == (50,)
    assert LAYERS in keys(base)
    assert LAYERS not in keys(RunConfig.parse({"architecture": {"name": "softmax"}}))


@pytest.mark.parametrize("batch", [16, 64, 512])
def test_the_same_number_of_steps_whatever_the_batch(batch):
    base = RunConfig.parse({"data": {"subset": 10_000}})
    config = configure(base, {"training.batch_size": batch}, steps=1250)
    assert config.steps_per_epoch * config.training.epochs == pytest.approx(1250, rel=0.05)


def test_a_trial_is_called_by_its_values():
    words = "learning rate 0.0123, units of a hidden layer 32"
    assert shown({"optimizer.learning_rate": 0.0123456, UNITS: 32}) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00123456789, "0.00123"), (0.9999, "0.9999"), (0.99999, "0.99999"), (1.0, "1"), (1e-5, "1e-05"), (0.5, "0.5")],
)
def test_a_number_is_short_but_never_another(value, text):
    assert shown({"optimizer.learning_rate": value}) == f"learning rate {text}"


def test_names_have_the_digits_that_tell_them_apart():
    names = told_apart([{"optimizer.learning_rate": rate} for rate in (0.0123456, 0.0123478, 0.5)])
    assert names == ["learning rate 0.012346", "learning rate 0.012348", "learning rate 0.5"]
    assert told_apart([{"optimizer.learning_rate": 0.0123456}]) == ["learning rate 0.0123"]
    assert told_apart([]) == []


@pytest.mark.parametrize("text", ["optimizer.beta_2=0.9..0.99998765", "optimizer.learning_rate=log:1.2345678e-05..1"])
def test_a_range_is_written_as_it_is(text):
    assert Dimension.parse(Dimension.parse(text).text()) == Dimension.parse(text)
