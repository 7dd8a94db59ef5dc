"""Published perceptrons: a subclassed model with loops of its own, and three trained by Keras."""

from __future__ import annotations

from dataclasses import replace

from mnist_core.config import RunConfig
from mnist_core.recipes.recipe import Recipe, table

CONVERGED = (
    "Trained until little changes any more: other seeds end within 0.2 points of each other, and the author's seed "
    "gives other numbers with another version of TensorFlow."
)

SUBCLASSED_MLP = Recipe(
    "subclassed-mlp",
    "Subclassed model with loops of its own",
    "A subclass of keras.Model with 64 hidden units, trained by explicit GradientTape loops and slow SGD: its curves "
    "are still falling when it ends.",
    RunConfig.parse(
        {
            "architecture": {"name": "mlp", "hidden_units": [64], "api": "subclassed"},
            "optimizer": {"name": "sgd", "learning_rate": 0.001},
            "data": {"validation_fraction": 0.2, "split": "first"},
            "training": {"epochs": 10, "batch_size": 16, "loop": "tape", "reshuffle": False},
            "seed": 7777,
        }
    ),
    "Tutorial on model subclassing and custom training loops in TensorFlow 2",
    {"test_accuracy": 0.9122, "test_loss": 0.3192},
    table(
        "epoch loss accuracy val_loss val_accuracy",
        """
        1 1.5341 0.5979 0.9643 0.7912
        2 0.7588 0.8284 0.6286 0.8513
        3 0.5610 0.8609 0.5120 0.8740
        4 0.4777 0.8753 0.4530 0.8827
        5 0.4308 0.8843 0.4168 0.8896
        6 0.4002 0.8909 0.3920 0.8945
        7 0.3782 0.8952 0.3736 0.8985
        8 0.3612 0.8992 0.3593 0.9016
        9 0.3476 0.9025 0.3476 0.9047
        10 0.3362 0.9054 0.3377 0.9064
        """,
    ),
    tolerance=0.010,
    reason="Stopped while it still learns, so where it stands depends on its first weights. (The author's losses are "
    "means of batches of 32, of which the last is smaller; ours are means of images: a difference of 0.0002.)",
)

MLP_100_64_32 = Recipe(
    "mlp-100-64-32",
    "MLP with three hidden layers",
    "Trained slowly and evenly over 50 epochs with plain SGD.",
    RunConfig.parse(
        {
            "architecture": {"name": "mlp", "hidden_units": [100, 64, 32]},
            "optimizer": {"name": "sgd", "learning_rate": 0.01},
            "data": {"validation_fraction": 0.3, "split": "random", "split_seed": 111},
            "training": {"epochs": 50, "batch_size": 128},
            "seed": 111,
        }
    ),
    "Tutorial on MNIST with Keras, Sequential and functional",
    {"test_accuracy": 0.9639, "test_loss": 0.1210, "parameters": 87_374},
    (
        {"epoch": 1, "val_accuracy": 0.7944},
        {"epoch": 10, "val_accuracy": 0.9238},
        {"epoch": 50, "val_accuracy": 0.9629, "val_loss": 0.1238},
    ),
    (
        (0.97, 0.98, 0.98, 980),
        (0.98, 0.99, 0.98, 1135),
        (0.97, 0.96, 0.97, 1032),
        (0.94, 0.97, 0.96, 1010),
        (0.95, 0.97, 0.96, 982),
        (0.96, 0.94, 0.95, 892),
        (0.97, 0.96, 0.96, 958),
        (0.95, 0.97, 0.96, 1028),
        (0.97, 0.94, 0.96, 974),
        (0.96, 0.95, 0.96, 1009),
    ),
    tolerance=0.004,
    reason=CONVERGED + " Plain SGD still jumps, though: after one epoch in ten it is a point worse than before and "
    "after, and a run that ends in such a dip is outside.",
    note="Published as Sequential and as functional model: this is the first, mlp-100-64-32-functional the other. They "
    "learn the same numbers to the last bit, so the table has them once.",
)

MLP_100_64_32_FUNCTIONAL = replace(
    MLP_100_64_32,
    name="mlp-100-64-32-functional",
    title="MLP with three hidden layers, functional",
    sentence="The network of mlp-100-64-32, put together by Keras' functional API: other code, and the same numbers "
    "to the last bit.",
    config=MLP_100_64_32.config.replace({"architecture.api": "functional"}),
    note="",
)
"""The same system, with the figures of the same tutorial, put together otherwise."""

SOFTMAX_KERAS = Recipe(
    "softmax-keras",
    "Softmax regression in Keras",
    "One layer of ten units on all 60,000 images. Its few parameters cannot over-fit much, nor do better.",
    RunConfig.parse(
        {
            "architecture": {"name": "softmax"},
            "optimizer": {"name": "rmsprop"},
            "data": {"validation_fraction": 0.0},
            "training": {"epochs": 30, "batch_size": 128},
        }
    ),
    "Tutorial on MNIST with Keras: softmax, MLP and CNN",
    {"test_accuracy": 0.9275, "test_loss": 0.2729, "parameters": 7_850},
    ({"epoch": 30, "loss": 0.2482, "accuracy": 0.9336},),
    tolerance=0.004,
    reason=CONVERGED,
)

MLP_100_100 = Recipe(
    "mlp-100-100",
    "MLP with two hidden layers",
    "Two hidden layers of 100 units. In the end it knows its training images nearly by heart, and its test loss is "
    "far above its training loss: over-fitting to look at.",
    RunConfig.parse(
        {
            "architecture": {"name": "mlp", "hidden_units": [100, 100], "flatten_again": True},
            "optimizer": {"name": "rmsprop"},
            "data": {"validation_fraction": 0.0},
            "training": {"epochs": 30, "batch_size": 200},
        }
    ),
    "Tutorial on MNIST with Keras: softmax, MLP and CNN",
    {"test_accuracy": 0.9789, "test_loss": 0.1246, "parameters": 89_610},
    ({"epoch": 30, "accuracy": 0.9993},),
    tolerance=0.004,
    reason=CONVERGED,
)
