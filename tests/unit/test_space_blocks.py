"""The size of a convolutional network as what a sweep varies."""

import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import Design
from mnist_core.explore.size import BLOCKS, FILTERS, LAYERS, UNITS
from mnist_core.explore.space import Dimension, configure, keys
from mnist_core.recipes import RECIPES
from tests.helpers import assert_friendly


def design(*over, base):
    return Design(RunConfig.parse(base), tuple(map(Dimension.parse, over)))


def test_block_count_and_filters_make_blocks():
    first, second = {"filters": 16, "padding": "same", "batch_norm": True}, {"filters": 24, "pooling": "none"}
    base = RunConfig.parse({"architecture": {"name": "cnn", "blocks": [first, second]}})

    def blocks(**values):
        values = {BLOCKS if name == "count" else FILTERS: value for name, value in values.items()}
        return configure(base, values).architecture.blocks

    one, other = base.architecture.blocks
    assert blocks(count=3) == (one, one, one)
    assert blocks(count=2, filters=8) == 2 * (one.model_copy(update={"filters": 8}),)
    assert blocks(filters=8) == tuple(block.model_copy(update={"filters": 8}) for block in (one, other))
    assert blocks(count=1, filters=64)[0].filters == 64
    with pytest.raises(ConfigError) as error:
        configure(RunConfig(), {FILTERS: 8})
    assert_friendly(error, "blocks")


@pytest.mark.parametrize(
    ("block", "most"), [({"padding": "same"}, 4), ({}, 3), ({"kernel": 5}, 2), ({"kernel": 7, "convolutions": 3}, None)]
)
def test_as_many_blocks_can_be_varied_as_leave_something_of_the_picture(block, most):
    found = keys(RunConfig.parse({"architecture": {"name": "cnn", "blocks": [block]}}))
    assert FILTERS in found
    assert (found[BLOCKS].high if most else found.get(BLOCKS)) == most
    if most:
        design(f"{BLOCKS}=1..{most}", base={"architecture": {"name": "cnn", "blocks": [block]}}).check()
    assert not {BLOCKS, FILTERS} & keys(RunConfig()).keys()


def test_the_filters_of_a_search_are_those_of_its_trials():
    over, base = (f"{BLOCKS}=1|2|3", f"{FILTERS}=log:8..64"), {"architecture": {"name": "cnn"}}
    made = design(*over, base=base).check()
    assert Design.parse(made.to_json()) == made
    assert [block.filters for block in made.configure({BLOCKS: 3, FILTERS: 20}).architecture.blocks] == [20, 20, 20]


@pytest.mark.parametrize(
    ("recipe", "over", "words"),
    [
        ("champion", [f"{BLOCKS}=2|3"], ["All blocks become like the first", "filters", "kernel", "batch norm)"]),
        ("champion", [f"{FILTERS}=8|32"], ["All blocks get the same number of filters", "32-64-128"]),
        ("champion", [f"{BLOCKS}=2|3", f"{FILTERS}=8|32"], ["All blocks become like the first"]),
        ("mlp-100-64-32", [f"{UNITS}=8|32"], ["All hidden layers get the same number of units", "100-64-32"]),
        ("mlp-100-64-32", [f"{LAYERS}=1|2"], ["All hidden layers become like the first", "100-64-32"]),
        ("mlp-100-64-32", [f"{LAYERS}=1|2", f"{UNITS}=8|32"], ["All hidden layers get the same number of units"]),
    ],
)
def test_where_no_trial_can_be_the_network_of_the_start_this_is_told(recipe, over, words):
    base = RECIPES[recipe].config
    made = design(*over, base=base.replace({"data.validation_fraction": 0.1}).model_dump(mode="json"))
    (sentence,) = made.cautions
    assert_friendly(sentence, *words, "no trial is the network of the start")
    assert made.configure({d.key: d.grid()[-1] for d in made.space}).architecture != base.architecture


def test_nothing_is_said_where_blocks_and_layers_are_alike_already():
    block = {"filters": 16, "padding": "same"}
    alike = {"architecture": {"name": "cnn", "blocks": [block, block], "hidden_units": [32, 32]}}
    assert design(f"{BLOCKS}=2|3", f"{FILTERS}=16|32", f"{UNITS}=32|64", f"{LAYERS}=1|2", base=alike).cautions == []
    other = {"architecture": {"name": "cnn", "blocks": [block, block | {"pooling": "none"}], "hidden_units": [64, 32]}}
    assert design(f"{FILTERS}=16|32", "architecture.dropout=0|0.5", base=other).cautions == []
