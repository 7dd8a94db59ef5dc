"""Hostile links, uploads, words and deletions under the pages: a sentence each time, and no page fails."""

import pytest

from tests.hostile.pages import ATTACKS, served
from tests.hostile.target import target, throw_some


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
    throw_some(attack, at, 8)
