"""Networks of our own: places to start from, a tiny one, one with the fewest mistakes, and the one that is shipped."""

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
    "99 of 100 digits after one epoch, in seconds: a learning rate that climbs and falls lets it learn at full speed.",
    RunConfig.parse(
        {
            "architecture": {
                "name": "cnn",
                "blocks": [{"filters": 16, "kernel": 5}, {"filters": 32, "kernel": 5}],
                "hidden_units": [128],
            },
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "one_cycle"},
            "data": {"validation_fraction": 0.0},
            "training": {"epochs": 1, "batch_size": 128, "label_smoothing": 0.1},
        }
    ),
)

TINY = Recipe(
    "tiny",
    "Tiny convolutional network",
    "99 of 100 digits with fewer than 4,000 parameters: small windows that are shared by all places go a long way.",
    RunConfig.parse(
        {
            "architecture": {
                "name": "cnn",
                "blocks": [
                    {"filters": 8, "batch_norm": True},
                    # Halved twice, the last layer sees 18 pixels, nearly all of a digit; halved once, it saw 12.
                    {"filters": 16, "batch_norm": True},
                    {"filters": 16, "pooling": "none", "batch_norm": True},
                ],
                "head": "global_average",
            },
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "one_cycle"},
            "augmentation": {"shift": 1.0, "rotate": 5.0, "zoom": 0.05, "shear": 5.0},
            "training": {"epochs": 24, "batch_size": 128},
        }
    ),
)

CHAMPION = Recipe(
    "champion",
    "Champion: fewest mistakes",
    "997 of 1,000 test digits right: as few mistakes as a quarter of an hour on two cores allows.",
    RunConfig.parse(
        {
            "architecture": {
                "name": "cnn",
                "blocks": [
                    {"filters": 32, "kernel": 5, "padding": "same"},
                    {"filters": 64, "convolutions": 2, "padding": "same", "batch_norm": True},
                    {"filters": 128, "convolutions": 2, "padding": "same", "batch_norm": True},
                ],
                "dropout": 0.3,
            },
            "optimizer": {"name": "adamw", "learning_rate": 0.003},
            "schedule": {"name": "one_cycle"},
            "data": {"validation_fraction": 0.0},
            "augmentation": {"shift": 2.0, "rotate": 10.0, "zoom": 0.1, "shear": 5.0},
            "training": {"epochs": 16, "batch_size": 128, "label_smoothing": 0.1},
        }
    ),
    costly=True,
)

FLAGSHIP = Recipe(
    "flagship",
    "Flagship: anybody's handwriting",
    "The network that comes with MNIST Lab. It has seen other pens, shaky hands and poor scans, and what is no digit.",
    RunConfig.parse(
        {
            "architecture": {
                "name": "cnn",
                "blocks": [
                    # On maps of 28 x 28 batch normalisation takes as long as the rest of the network.
                    {"filters": 32, "kernel": 5, "padding": "same"},
                    {"filters": 64, "convolutions": 2, "padding": "same", "batch_norm": True},
                    {"filters": 160, "convolutions": 2, "padding": "same", "batch_norm": True},
                ],
                "dropout": 0.2,
            },
            "optimizer": {"name": "adamw", "learning_rate": 0.003},
            "schedule": {"name": "one_cycle"},
            "data": {"split": "stratified", "not_digits": 30_000, "written": 24_000},
            "augmentation": {
                "untouched": 0.35,
                "shift": 3.5, "rotate": 16.0, "zoom": 0.2, "shear": 14.0, "stretch": 0.2,
                "shaky": 1.0, "pens": 2.0, "outlines": 0.12, "scans": 0.65, "clutter": 0.45,
            },
            "training": {"epochs": 40, "batch_size": 128},
        }
    ),
    costly=True,
)  # fmt: skip
