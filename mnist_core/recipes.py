"""Named configurations: places to start from, and published systems with what their authors reported."""

from __future__ import annotations

from dataclasses import dataclass, field

from mnist_core.config import RunConfig
from mnist_core.errors import UnknownRecipe


@dataclass(frozen=True)
class Recipe:
    """A named configuration.

    Attributes:
        title, sentence: for readers: what it is, and what to use it for.
        published: what the source reported, such as ``{"test_accuracy": 0.9639}``; empty for our own.
    """

    name: str
    title: str
    sentence: str
    config: RunConfig
    published: dict[str, float] = field(default_factory=dict)


_QUICK = Recipe(
    "quick",
    "Quick start",
    "A small network that reads 97 of 100 digits after a few seconds of training.",
    RunConfig(),
)

_MLP_100_64_32 = Recipe(
    "mlp-100-64-32",
    "MLP with three hidden layers",
    "A published tutorial's network, trained slowly and evenly over 50 epochs with plain SGD.",
    RunConfig.parse(
        {
            "architecture": {"name": "mlp", "hidden_units": [100, 64, 32]},
            "optimizer": {"name": "sgd", "learning_rate": 0.01},
            "data": {"validation_fraction": 0.3, "split": "random", "split_seed": 111},
            "training": {"epochs": 50, "batch_size": 128},
            "seed": 111,
        }
    ),
    {"parameters": 87_374, "test_loss": 0.1210, "test_accuracy": 0.9639},
)

_CNN_32_64_64 = Recipe(
    "cnn-32-64-64",
    "CNN with three convolutions",
    "A published tutorial's convolutional network on all 60,000 images: 99 of 100 digits right, in minutes.",
    RunConfig.parse(
        {
            "architecture": {
                "name": "cnn",
                "blocks": [{"filters": 32}, {"filters": 64}, {"filters": 64, "pooling": "none"}],
            },
            "optimizer": {"name": "rmsprop"},
            "data": {"validation_fraction": 0.0},
            "training": {"epochs": 30, "batch_size": 200},
        }
    ),
    {"parameters": 61_514, "test_loss": 0.0607, "test_accuracy": 0.9912},
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (_QUICK, _MLP_100_64_32, _CNN_32_64_64)}


def recipe(name: str) -> Recipe:
    """The recipe of this name; ``UnknownRecipe`` lists those that there are."""
    if name not in RECIPES:
        raise UnknownRecipe(f"There is no recipe {name[:40]!r}. There are {', '.join(RECIPES)}.")
    return RECIPES[name]
