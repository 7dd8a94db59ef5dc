"""The ways of asking why, as data: what they are called, how to read what they show, and for which models they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mnist_core.config import RunConfig

Kind = Literal["network", "linear", "forest"]

ALL: tuple[Kind, ...] = ("network", "linear", "forest")


@dataclass(frozen=True)
class Method:
    """One way of asking.

    Attributes:
        label: on the page, a word or two.
        how: how to read what it shows, in a sentence.
        kinds: of models that it applies to.
        asks_for: what the digit that one chooses means: ``"explained"`` for the answer that is explained, ``"wanted"``
            for the one that the drawing should become, nothing if there is none to choose.
    """

    label: str
    how: str
    kinds: tuple[Kind, ...] = ALL
    asks_for: Literal["", "explained", "wanted"] = ""


METHODS = {
    "gradients": Method(
        "Saliency",
        "Orange: this ink made the network surer of the digit. Blue: it made it less sure. All pixels together add up "
        "to the whole way from blank paper to the answer (integrated gradients).",
        kinds=("network",),
        asks_for="explained",
    ),
    "weights": Method(
        "Weights",
        "A linear model multiplies every pixel by a weight and adds all of them up. Orange: what this ink adds to the "
        "digit's score. Blue: what it takes away.",
        kinds=("linear",),
        asks_for="explained",
    ),
    "questions": Method(
        "Questions",
        "Every tree asks about one pixel after the other. Orange: the answer to a question about this pixel, ink or "
        "none, made the digit likelier. Blue: less likely. White: hardly any tree asked.",
        kinds=("forest",),
        asks_for="explained",
    ),
    "occlusion": Method(
        "Covering",
        "A small piece of blank paper is laid over every place in turn. Orange: with the ink there covered, the digit "
        "becomes less likely, so that ink matters. Blue: it becomes likelier.",
        asks_for="explained",
    ),
    "activations": Method(
        "Layers",
        "What every layer makes of this drawing, from the first to the last. Orange: a unit or filter that found what "
        "it looks for. Blue: values below zero. White: zero.",
        kinds=("network",),
    ),
    "neighbours": Method(
        "Similar images",
        "MNIST's training images that are most like your drawing, whether or not this model learned from them. Do they "
        "carry the label that was answered?",
    ),
    "change": Method(
        "Change it",
        "The smallest change of ink that was found to change the answer. Orange: ink to add. Blue: ink to take away. "
        "A few scattered dots show that the model looks at other things than you do.",
        asks_for="wanted",
    ),
}


def kind_of(config: RunConfig) -> Kind:
    """Which kind of model a configuration makes."""
    if config.architecture.family != "classical":
        return "network"
    return "forest" if config.architecture.name == "random_forest" else "linear"


def methods_for(kind: Kind) -> list[str]:
    """Names of the methods that apply to such models, in the order of pages."""
    return [name for name, method in METHODS.items() if kind in method.kinds]
