"""Ready-made questions: what each says to look for can be seen where it says so."""

import re

import pytest

from mnist_core.explore.pictures import PICTURES
from mnist_core.explore.questions import QUESTIONS
from mnist_core.ui.comparing import COLOURS, METRICS


@pytest.mark.parametrize("card", QUESTIONS.values(), ids=QUESTIONS)
def test_what_is_to_be_looked_for_can_be_seen(card):
    """Only curves show what comes of training images, and of that only what is chosen there."""
    named = re.findall(r"\*(.+?)\*", card.look)
    assert set(named) <= {*PICTURES.values(), *METRICS.values()}
    chosen = set(named) & {METRICS["accuracy"], METRICS["loss"]}
    assert bool(chosen) == ("training" in card.look)
    if chosen:
        assert card.picture == "curves" or PICTURES["curves"] in named
        assert card.design.combinations <= len(COLOURS), "else there are no curves by setting"
