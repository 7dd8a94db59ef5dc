"""Hostile links, uploads, words and deletions under the pages: a sentence each time, and no page fails."""

import hypothesis
import pytest
from hypothesis import Phase, given

from tests.hostile.pages import ATTACKS, served
from tests.hostile.target import target, throw

PHASES = (Phase.explicit, Phase.generate)
"""Without making a failing input smaller: with a megabyte of text that takes minutes."""


@pytest.fixture(scope="module")
def at():
    with target() as made, served(made):
        yield made


@pytest.fixture(autouse=True)
def lease():
    """The target has its own."""


@pytest.fixture(autouse=True)
def home(at):
    """Pages look into the target's folder."""
    return at.home


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_every_page_has_its_sentence(at, attack):
    @hypothesis.settings(max_examples=8, derandomize=True, database=None, phases=PHASES)
    @given(attack.inputs)
    def try_one(value):
        throw(attack, at, value)

    try_one()
