"""Ready-made questions: each a small sweep that answers it within half a minute on two cores, and what to look for."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.size import LAYERS, UNITS
from mnist_core.explore.space import Dimension

SMALL = {
    "architecture": {"hidden_units": [64]},
    "data": {"subset": 10_000, "validation_fraction": 0.05},
    "training": {"epochs": 3, "batch_size": 128},
}
"""A small MLP on 10,000 images: a trial takes about a second."""

HELD_OUT = 0.1
"""Of a start that holds nothing out, as some published recipes do: trials are compared by held-out images."""


@dataclass(frozen=True)
class Question:
    """``look``: what to look for; ``picture``: which picture shows it (``explore.pictures.PICTURES``)."""

    name: str
    title: str
    sentence: str
    look: str
    picture: str
    design: Design


def _ask(name: str, title: str, sentence: str, look: str, picture: str, *over: str, base=None, **search) -> Question:
    config = RunConfig.parse(SMALL).replace(base or {})
    design = Design(config, tuple(map(Dimension.parse, over)), make_search({"sampler": "grid", "trials": 50} | search))
    return Question(name, title, sentence, look, picture, design)


QUESTIONS: dict[str, Question] = {
    question.name: question
    for question in (
        _ask(
            "learning-rate", "What does the learning rate do?",
            "The same network, trained eleven times with rates from 0.00001 to 1.",
            "A hill: too small hardly learns in the time there is, too large jumps about or never learns at all. "
            "The top is broad, so a good rate is found by factors of ten, not by decimals.",
            "slice", "optimizer.learning_rate=log:1e-5..1:11",
        ),
        _ask(
            "width-depth", "Wide or deep?",
            "One to three hidden layers of 16, 64 or 256 units.",
            "Wider helps more than deeper here, and depth is of no use to a network as narrow as 16 units. Look at "
            "the number of parameters that each gain costs.",
            "front", f"{UNITS}=16|64|256", f"{LAYERS}=1|2|3", objective="accuracy and parameters",
        ),
        _ask(
            "batch-epochs", "Which batch size, at the same epochs?",
            "Batches of 16 to 1,024 images, three times through the images each.",
            "Small batches win, but not because they are small: they take many more steps in the same epochs. "
            "Now ask the next question.",
            "slice", "training.batch_size=16|32|64|128|256|512|1024",
        ),
        _ask(
            "batch-steps", "Which batch size, at the same number of steps?",
            "Batches of 32 to 512 images, about 313 steps each, so large batches see more images.",
            "The order turns round: with equal steps large batches are at least as good, since each step averages "
            "more images. They pay for it in time.",
            "slice", "training.batch_size=32|64|128|256|512", steps=313,
        ),
        _ask(
            "optimizers", "Which optimizer, each at its best rate?",
            "Four optimizers at five learning rates each.",
            "Compare the best of each row, not one rate for all: SGD needs a rate a hundred times larger than Adam. "
            "At their best they are much closer than at any one rate.",
            "contour", "optimizer.name=sgd|rmsprop|adam|adamw", "optimizer.learning_rate=log:1e-4..1:5",
        ),
        _ask(
            "data", "How much data is enough?",
            "From 500 to 40,000 images, with about as many steps each.",
            "Every doubling helps, but less each time. Then choose *Curves by setting* and *accuracy in training*: "
            "with few images that is perfect and held-out accuracy is not, so the network knows them by heart.",
            "slice", "data.subset=500|1000|2000|5000|10000|20000|40000", steps=600,
        ),
        _ask(
            "dropout", "Does dropout help against over-fitting?",
            "A network with room to spare on only 1,000 images, with dropout from 0 to 0.8.",
            "Without dropout the held-out loss turns upwards while the other one (choose *loss in training*) goes to "
            "zero. Some dropout holds it down; too much keeps the network from learning.",
            "curves", "architecture.dropout=0.0|0.2|0.4|0.6|0.8",
            base={"architecture.hidden_units": [128], "data.subset": 1000, "training.epochs": 12,
                  "training.batch_size": 32, "optimizer.learning_rate": 0.003}, objective="loss",
        ),
    )
}  # fmt: skip


def question(name: str) -> Question:
    """``ConfigError`` for a name that does not exist, with those that do."""
    if name not in QUESTIONS:
        raise ConfigError(f"There is no question {name[:40]!r}. There are {', '.join(QUESTIONS)}.")
    return QUESTIONS[name]
