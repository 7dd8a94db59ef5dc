"""What every run gives a compiled program anew, and what is compiled into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from mnist_core.config import RunConfig

ARGUMENTS = (
    "seed",
    "optimizer.learning_rate",
    "schedule.",
    "data.validation_fraction",
    "data.split",
    "data.subset",
    "training.epochs",
    "training.steps",
    "training.history",
    "training.batch_size",
    "training.shuffle",
    "training.reshuffle",
    "training.early_stopping",
    "training.precision",
    "training.device",
)
"""How the keys of those settings begin that a compiled program is given anew by every run. All others are part of
it, a setting that we do not know of too. What batch size, precision and device came to is part of it as well."""

NUMBERS = ("dropout", "l2", "weight_decay")
"""Settings of which only whether they are 0 is compiled in, where ``Numbers`` hold them."""


def compiled_in(config: RunConfig) -> dict[str, Any]:
    """The settings in which two runs must agree to share a program."""
    settings = {key: value for key, value in config.flat().items() if not key.startswith(ARGUMENTS)}
    held = config.training.loop == "fit" and getattr(config.architecture, "api", "sequential") == "sequential"
    return _without_numbers(settings) if held else settings


def _without_numbers(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _without_numbers(part, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_numbers(part) for part in value]
    return bool(value) if key.rpartition(".")[2] in NUMBERS else value


class Numbers:
    """Dropout rates, L2 penalties and the weight decay of ``model``, as variables of its compiled functions.

    They are those of a ``keras.Sequential``, which ``forward`` runs; of other models, or of none, there are none, and
    their numbers are compiled in.
    """

    def __init__(self, model: keras.Model | None = None):
        self._places = list(_places(model))
        self._variables = [tf.Variable(getattr(*place), dtype=tf.float32, trainable=False) for place in self._places]

    def take(self, model: keras.Model) -> None:
        """The numbers of another model of the same shape, for what is compiled and for what is saved."""
        for (owner, name), other, variable in zip(self._places, _places(model), self._variables, strict=True):
            setattr(owner, name, getattr(*other))
            variable.assign(getattr(*other))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """While a function is traced, the variables' values stand where Keras looks for the numbers."""
        before = [getattr(*place) for place in self._places]
        try:
            for place, variable in zip(self._places, self._variables, strict=True):
                setattr(*place, tf.convert_to_tensor(variable))
            yield
        finally:
            for place, number in zip(self._places, before, strict=True):
                setattr(*place, number)


def _places(model: keras.Model | None) -> Iterator[tuple[Any, str]]:
    """Where the numbers of a model are: each an object and the name of an attribute."""
    if not isinstance(model, keras.Sequential):
        return
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate:
            yield layer, "rate"
        penalty = getattr(layer, "kernel_regularizer", None)
        if isinstance(penalty, keras.regularizers.L2):
            yield penalty, "l2"
    if isinstance(model.optimizer, keras.optimizers.AdamW):
        yield model.optimizer, "weight_decay"
