"""Published convolutional networks."""

from __future__ import annotations

from mnist_core.config import RunConfig
from mnist_core.recipes.keras_networks import CONVERGED
from mnist_core.recipes.recipe import Recipe

CNN_32_64_64 = Recipe(
    "cnn-32-64-64",
    "CNN with three convolutions",
    "A convolutional network on all 60,000 images: 99 of 100 digits right, in minutes.",
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
    "Tutorial on MNIST with Keras: softmax, MLP and CNN",
    {"test_accuracy": 0.9912, "test_loss": 0.0607, "parameters": 61_514},
    tolerance=0.004,
    reason=CONVERGED,
    costly=True,
)

CNN_LAYERS = Recipe(
    "cnn-layers",
    "CNN with 5 x 5 windows, for 20,000 steps",
    "Two wide convolutions, 1,024 dense units with dropout, and a loss from logits; slow SGD, counted by steps and "
    "recorded every 50.",
    RunConfig.parse(
        {
            "architecture": {
                "name": "cnn",
                "blocks": [
                    {"filters": 32, "kernel": 5, "padding": "same"},
                    {"filters": 64, "kernel": 5, "padding": "same"},
                ],
                "hidden_units": [1024],
                "dropout": 0.4,
                "output": "logits",
            },
            "optimizer": {"name": "sgd", "learning_rate": 0.001},
            "data": {"validation_fraction": 0.0},
            "training": {"steps": 20_000, "batch_size": 100, "history": 50},
        }
    ),
    "Tutorial on a CNN with TensorFlow's layers and estimators",
    {"test_accuracy": 0.973},
    tolerance=0.010,
    reason="Stopped while it still learns; dropout and the order of images draw other numbers than the author's.",
    note="Its author logs the class probabilities of a batch every 50 steps; here the mean loss and accuracy of the "
    "batches stand at the same steps, because a curve can show these, and the probabilities of all 10,000 test images "
    "are kept at the end.",
    costly=True,
)
