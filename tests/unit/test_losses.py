"""When losses of runs are one measure, and what is said when they are not."""

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.explore.losses import not_one_measure, not_one_measure_in_training
from mnist_core.models.losses import ClippedCrossentropy
from tests.helpers import assert_friendly
from tests.searches import RATE, design

PENALTY, SMOOTHING = "architecture.l2", "training.label_smoothing"
FOREST = {"architecture.name": "random_forest"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (({PENALTY: 0.001}, {}), "L2 penalty on the weights is part of the loss, and it differs (0 to 0.001)"),
        (({PENALTY: 0.001}, {PENALTY: 0.001, "architecture.hidden_units": [16]}), "more or fewer weights"),
        (({SMOOTHING: 0.1}, {SMOOTHING: 0.2}), "label smoothing differs (0.1 to 0.2)"),
        (({"training.loss": "clipped"}, {}), "(without bound, 20.7 at most)"),
        ((FOREST, {}), "(without bound, 16.1 at most)"),
    ],
)
def test_losses_that_measure_different_things_are_told(changes, words):
    found = not_one_measure(RunConfig().replace(change) for change in changes)
    assert_friendly(found, words, "compare accuracies")


@pytest.mark.parametrize(
    "changes",
    [
        ({RATE: 0.1}, {"architecture.hidden_units": [16], "architecture.dropout": 0.5}),
        ({PENALTY: 0.001}, {PENALTY: 0.001, "architecture.activation": "tanh"}),
        ({SMOOTHING: 0.1}, {SMOOTHING: 0.1, "data.subset": 500}),
        # Classical models know neither smoothing nor clipping, whatever their settings carry along.
        (FOREST, FOREST | {SMOOTHING: 0.1}),
    ],
)
def test_losses_that_are_one_measure_need_no_word(changes):
    assert not_one_measure(RunConfig().replace(change) for change in changes) == ""


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (({}, {"data.not_digits": 30_000}), "0 to 0.82"),
        (({"data.not_digits": 6_000}, {"data.not_digits": 6_000, "data.subset": 6_000}), "0.23 to 1.15"),
    ],
)
def test_pictures_of_no_digit_make_training_losses_alone_unlike(changes, part):
    """Each costs ln 10 at best: of 84,000 images 30,000 do so, when a tenth of 60,000 is held out."""
    configs = [RunConfig().replace(change) for change in changes]
    assert_friendly(not_one_measure_in_training(configs), f"They alone make {part} of these losses", "ln 10")
    assert not_one_measure(configs) == ""
    assert not_one_measure_in_training(configs[:1] * 2) == ""


def test_the_bound_that_is_told_is_that_of_the_clipped_loss():
    """An image of a 3 that is surely taken for a 0."""
    wrong = np.eye(10, dtype=np.float32)[:1]
    assert f"{float(ClippedCrossentropy()(np.array([3]), wrong)):.1f}" == "20.7"


@pytest.mark.parametrize(("objective", "said"), [("loss", True), ("accuracy", False)])
def test_a_search_by_loss_is_warned_of_what_it_varies(objective, said):
    made = design(f"{PENALTY}=0..0.01", f"{RATE}=log:1e-4..0.1", objective=objective).check()
    assert ("not one measure" in " ".join(made.cautions)) == said
    assert "it differs (0 to 0.01)" in made.unlike_losses


def test_nothing_is_said_of_a_search_whose_losses_are_one_measure():
    assert design("architecture.dropout=0.0|0.5", objective="loss").check().cautions == []
