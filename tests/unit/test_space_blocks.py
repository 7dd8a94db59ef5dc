"""The size of a convolutional network as what a sweep varies."""

import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import Design
from mnist_core.explore.space import BLOCKS, FILTERS, Dimension, configure, keys
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
