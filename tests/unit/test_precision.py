"""16 bits read as well as 32: the convolutional recipes, shortened, over five seeds."""

import numpy as np
import pytest

from mnist_core.data import mnist
from mnist_core.recipes import recipe
from mnist_core.training.execution import Execution
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs

SEEDS = range(1, 6)
SHORT = {
    "cnn-fast": {"data.subset": 12_000, "training.epochs": 2},
    "cnn-32-64-64": {"data.subset": 2000, "training.epochs": 3},
    "cnn-layers": {"training.steps": 20, "optimizer.learning_rate": 0.1},
}
"""Enough to read most digits; a whole training of each would take an hour here (``benchmarks.precision`` does it)."""

IMAGES = 2500
"""Of the test set."""

MOST_LOST = 0.001
"""Of the test accuracy: a tenth of a point."""


@pytest.fixture(scope="module")
def programs():
    return Programs(mnist.load("train"))


@pytest.mark.parametrize("name", SHORT)
def test_sixteen_bits_lose_no_more_than_a_tenth_of_a_point(name, programs):
    test, accuracies = mnist.load("test"), {"float32": [], "bfloat16": []}
    test = mnist.Digits(test.images[:IMAGES], test.labels[:IMAGES])
    for seed in SEEDS:
        config = recipe(name).config.replace(SHORT[name] | {"seed": seed})
        for precision, found in accuracies.items():
            trainer = Trainer(config, programs, Execution("/CPU:0", "CPU", precision, xla=False, reason=""))
            trainer.fit()
            found.append(trainer.evaluation.evaluate(test)[0]["accuracy"])
    means = {precision: np.mean(found) for precision, found in accuracies.items()}
    assert means["float32"] > 0.5, "too little learned to compare"
    assert means["bfloat16"] >= means["float32"] - MOST_LOST, accuracies
