"""Published softmax regressions on raw variables, with a cross-entropy and a GradientTape written out."""

from __future__ import annotations

from typing import Any

from mnist_core.config import RunConfig
from mnist_core.recipes.recipe import Recipe

SHORT = (
    "Weights begin as large random numbers and are far from settled when it ends, so the result depends on where "
    "they began: other seeds end up to a point apart."
)


def _config(optimizer: dict[str, Any] | None = None, **training: Any) -> RunConfig:
    return RunConfig.parse(
        {
            "architecture": {"name": "softmax", "api": "variables", "start": "normal"},
            "optimizer": {"name": "adam", "learning_rate": 0.01} | (optimizer or {}),
            "data": {"validation_fraction": 0.0},
            "training": {"loop": "tape", "loss": "clipped", "shuffle_buffer": 5000, "history": 50, **training},
        }
    )


LOGREG_STEPS = Recipe(
    "logreg-steps",
    "Softmax regression on raw variables, 4,000 steps",
    "Weights and bias as plain variables, cross-entropy by hand. Its large first weights make it sure of wrong "
    "answers for long: compare with softmax-keras.",
    _config(steps=4000, batch_size=32),
    "Example of logistic regression in TensorFlow 2",
    {"test_accuracy": 0.9031},
    tolerance=0.015,
    reason=SHORT,
)

LOGREG_EPOCHS = Recipe(
    "logreg-epochs",
    "Softmax regression, a new Adam at every step",
    "As published, the optimizer is created anew at every step, so Adam never gathers its averages and moves every "
    "weight by 0.01, up or down. Its author suggests comparing with SGD; switch it off under More settings.",
    _config({"fresh": True}, epochs=10, batch_size=32),
    "Tutorial on softmax regression with GradientTape, by epochs",
    {"test_accuracy": 0.9149},
    tolerance=0.015,
    reason=SHORT,
)

LOGREG_FUNCTIONS = Recipe(
    "logreg-functions",
    "Softmax regression on raw variables, 10 epochs",
    "The same as functions, with one Adam for the whole training and batches of 300.",
    _config(epochs=10, batch_size=300),
    "Tutorial on softmax regression with GradientTape, by functions",
    {"test_accuracy": 0.9103},
    tolerance=0.015,
    reason=SHORT,
)
