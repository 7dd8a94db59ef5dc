"""The registry of optimizers. One class is one entry: its fields are the arguments of the Keras optimizer.

Defaults are those of Keras, so that a recipe which says only "RMSprop" means what its source meant.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from mnist_core.parts import Part, number, option

_RATE_HELP = (
    "How far each step moves the weights. Too small learns slowly, too large never settles: "
    "the first thing to try is ten times more or less."
)
_BETA_1_HELP = "How much of the running average of gradients is kept from step to step."
_BETA_2_HELP = "How much of the running average of squared gradients is kept from step to step."


def _learning_rate(default: float):
    return number(default, 1e-6, 10.0, "Learning rate", _RATE_HELP, log=True)


class Optimizer(Part):
    """Base: ``keras_class`` names a class of ``keras.optimizers`` that takes this part's fields."""

    keras_class: ClassVar[str]

    fresh: bool = option(
        False, "A new optimizer at every step",
        "A slip that tutorials make: the optimizer is created inside the loop, so it forgets its moving averages "
        "after every step. Adam's first step moves every weight by just the learning rate, up or down, whatever "
        "the gradient's size: so it is plain steps by sign. Compare it with SGD and with the switch off.",
        rare=True,
    )  # fmt: skip

    def arguments(self) -> dict[str, float | bool]:
        """Keyword arguments for the Keras class."""
        return self.model_dump(exclude={"name", "fresh"})


class SGD(Optimizer):
    label: ClassVar[str] = "SGD"
    sentence: ClassVar[str] = "Plain steps downhill, with momentum if you like; the classic."
    keras_class: ClassVar[str] = "SGD"

    name: Literal["sgd"] = "sgd"
    learning_rate: float = _learning_rate(0.01)
    momentum: float = number(0.0, 0.0, 0.999, "Momentum", "How much of the last step is carried on; 0.9 is usual.")
    nesterov: bool = option(False, "Nesterov", "Looks one step ahead before it corrects the course.")


class RMSprop(Optimizer):
    label: ClassVar[str] = "RMSprop"
    sentence: ClassVar[str] = "Scales each weight's step by how large its gradients have lately been."
    keras_class: ClassVar[str] = "RMSprop"

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = _learning_rate(0.001)
    rho: float = number(0.9, 0.0, 0.9999, "Decay", "How much of the running average is kept from step to step.")
    momentum: float = number(0.0, 0.0, 0.999, "Momentum", "How much of the last step is carried on.")


class Adam(Optimizer):
    label: ClassVar[str] = "Adam"
    sentence: ClassVar[str] = "Momentum and a step size of its own for every weight; a good first choice."
    keras_class: ClassVar[str] = "Adam"

    name: Literal["adam"] = "adam"
    learning_rate: float = _learning_rate(0.001)
    beta_1: float = number(0.9, 0.0, 0.999, "Beta 1", _BETA_1_HELP)
    beta_2: float = number(0.999, 0.0, 0.99999, "Beta 2", _BETA_2_HELP)


class AdamW(Optimizer):
    label: ClassVar[str] = "AdamW"
    sentence: ClassVar[str] = "Adam that also shrinks all weights a little in every step."
    keras_class: ClassVar[str] = "AdamW"

    name: Literal["adamw"] = "adamw"
    learning_rate: float = _learning_rate(0.001)
    weight_decay: float = number(0.004, 0.0, 0.5, "Weight decay", "How strongly weights are pulled to zero.")
    beta_1: float = number(0.9, 0.0, 0.999, "Beta 1", _BETA_1_HELP)
    beta_2: float = number(0.999, 0.0, 0.99999, "Beta 2", _BETA_2_HELP)


class Nadam(Optimizer):
    label: ClassVar[str] = "Nadam"
    sentence: ClassVar[str] = "Adam with Nesterov's look ahead."
    keras_class: ClassVar[str] = "Nadam"

    name: Literal["nadam"] = "nadam"
    learning_rate: float = _learning_rate(0.001)
    beta_1: float = number(0.9, 0.0, 0.999, "Beta 1", _BETA_1_HELP)
    beta_2: float = number(0.999, 0.0, 0.99999, "Beta 2", _BETA_2_HELP)


class Adagrad(Optimizer):
    label: ClassVar[str] = "Adagrad"
    sentence: ClassVar[str] = "Steps that only ever get smaller; wants a larger learning rate than the others."
    keras_class: ClassVar[str] = "Adagrad"

    name: Literal["adagrad"] = "adagrad"
    learning_rate: float = _learning_rate(0.001)
    initial_accumulator_value: float = number(
        0.1, 0.0, 10.0, "Start value", "What the sum of squared gradients begins with."
    )


OPTIMIZERS: tuple[type[Optimizer], ...] = (SGD, RMSprop, Adam, AdamW, Nadam, Adagrad)
