"""Places to start from, of our own."""

from __future__ import annotations

from mnist_core.config import RunConfig
from mnist_core.recipes.recipe import Recipe

QUICK = Recipe(
    "quick",
    "Quick start",
    "A small network that reads 97 of 100 digits after a few seconds of training.",
    RunConfig(),
)

CNN_FAST = Recipe(
    "cnn-fast",
    "Quick convolutional network",
    "99 of 100 digits after two epochs, in seconds: a learning rate that climbs and falls lets it learn at full speed.",
    RunConfig.parse(
        {
            "architecture": {
                "name": "cnn",
                "blocks": [{"filters": 16, "kernel": 5}, {"filters": 32, "kernel": 5}],
                "hidden_units": [128],
            },
            "optimizer": {"name": "adam", "learning_rate": 0.003},
            "schedule": {"name": "one_cycle"},
            "data": {"validation_fraction": 0.0},
            "training": {"epochs": 2, "batch_size": 128},
        }
    ),
)
