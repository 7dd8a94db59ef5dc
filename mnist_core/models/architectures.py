"""The registry of architectures. One class is one entry: its fields are the form, ``layers`` is the network.

To add an architecture, write a ``Network`` with a ``name``, a ``label``, a ``sentence`` and ``layers``, and list
it in ``ARCHITECTURES``. The form, the command line, the layer table and the documents pick it up.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mnist_core.models.architecture import Architecture
from mnist_core.models.classical import RandomForest, SGDClassifier
from mnist_core.models.plan import CLASSES, Layer
from mnist_core.parts import Part, number, option, several

Activation = Literal["relu", "tanh", "sigmoid", "elu", "gelu", "selu"]
Units = Annotated[int, Field(ge=4, le=2048)]

_ACTIVATION_HELP = (
    "The bend put after every hidden layer; without one, many layers would be no stronger than a single one. "
    "relu is the usual first choice."
)
_DROPOUT_HELP = (
    "The share of values set to zero at random in every training step, so that the network does not lean on "
    "a few of them. Fights over-fitting; 0 is off."
)
_BATCH_NORM_HELP = (
    "Rescales what each layer passes on to mean 0 and spread 1 over the batch: often quicker and steadier."
)
_L2_HELP = "Adds this much of the squared weights to the loss, which keeps weights small; 0 is off."


def hidden_layers(units: tuple[int, ...], activation: str, batch_norm: bool, dropout: float, l2: float):
    """Fully connected hidden layers, each with its activation, normalisation and dropout."""
    for count in units:
        yield from _activated("Dense", {"units": count, "l2": l2}, activation, batch_norm)
        if dropout:
            yield Layer("Dropout", {"rate": dropout})


def output_layer(l2: float = 0.0, output: str = "softmax", **more) -> Layer:
    """Ten probabilities that sum to one, or their logits. Always float32: a softmax in 16 bits loses digits."""
    activation = {"softmax": "softmax", "logits": "linear"}[output]
    return Layer("Dense", {"units": CLASSES, "activation": activation, "l2": l2, "dtype": "float32", **more})


def _activated(kind: str, arguments: dict, activation: str, batch_norm: bool):
    """The layer with its activation; normalisation goes between the two (Ioffe and Szegedy 2015, sec. 3.2)."""
    if not batch_norm:
        yield Layer(kind, arguments | {"activation": activation})
        return
    yield Layer(kind, arguments)
    yield Layer("BatchNormalization")
    yield Layer("Activation", {"activation": activation})


class Network(Architecture):
    """Base of all that Keras builds. ``api`` and ``output`` change how, not what: the numbers are the same."""

    api: Literal["sequential", "functional", "subclassed"] = option(
        "sequential", "Keras API",
        "How the same layers are put together: a Sequential list; the functional API, by calling one layer on the "
        "other; or a subclass of keras.Model with a call method of its own. All three learn the same. A subclass is "
        "code, which no file can hold: what is kept of it and can be taken home is a Sequential of the same layers.",
        rare=True,
    )  # fmt: skip
    output: Literal["softmax", "logits"] = option(
        "softmax", "Last layer gives",
        "Probabilities (softmax), or the ten numbers before the softmax (logits), of which the loss is then computed. "
        "Predictions are probabilities either way.",
        rare=True,
    )  # fmt: skip


class Softmax(Network):
    label: ClassVar[str] = "Softmax regression"
    sentence: ClassVar[str] = "One weighted sum of all pixels per digit: the simplest network, with no hidden layer."

    name: Literal["softmax"] = "softmax"
    l2: float = number(0.0, 0.0, 0.1, "L2 penalty", _L2_HELP)
    start: Literal["glorot", "normal"] = option(
        "glorot", "First weights",
        "Small random weights and a bias of 0, as Keras begins (glorot); or weights and bias from the standard normal "
        "distribution, as tutorials with raw variables do: far too large, so that it begins sure of wrong answers and "
        "spends most of its time in unlearning them.",
        rare=True,
    )  # fmt: skip
    api: Literal["sequential", "functional", "subclassed", "variables"] = option(
        "sequential", "Keras API",
        "A Sequential list of layers, the functional API, or a subclass of keras.Model; or a subclass with two raw "
        "variables and no layer at all: softmax(xW + b) written out. All learn the same. A subclass is code, which no "
        "file can hold: what is kept of it and can be taken home is a Sequential of the same numbers.",
        rare=True,
    )  # fmt: skip

    def layers(self):
        yield Layer("Flatten")
        start = {"kernel_initializer": "standard_normal", "bias_initializer": "standard_normal"}
        yield output_layer(self.l2, self.output, **(start if self.start == "normal" else {}))


class MLP(Network):
    label: ClassVar[str] = "Multilayer perceptron (MLP)"
    sentence: ClassVar[str] = "Layers in which every value sees every value before it; quick to train, blind to place."

    name: Literal["mlp"] = "mlp"
    hidden_units: tuple[Units, ...] = several(
        (128,), 1, 6, "Units of the hidden layers", "How many values each hidden layer computes, first to last.",
        counted="Hidden layers",
    )  # fmt: skip
    activation: Activation = option("relu", "Activation", _ACTIVATION_HELP)
    dropout: float = number(0.0, 0.0, 0.9, "Dropout", _DROPOUT_HELP)
    batch_norm: bool = option(False, "Batch normalisation", _BATCH_NORM_HELP)
    l2: float = number(0.0, 0.0, 0.1, "L2 penalty", _L2_HELP)
    flatten_again: bool = option(
        False, "Flatten before the output",
        "A second Flatten layer, as some tutorials have it. Values are in one row by then, so it changes nothing.",
        rare=True,
    )  # fmt: skip

    def layers(self):
        yield Layer("Flatten")
        yield from hidden_layers(self.hidden_units, self.activation, self.batch_norm, self.dropout, self.l2)
        if self.flatten_again:
            yield Layer("Flatten")
        yield output_layer(self.l2, self.output)


class ConvBlock(Part):
    label: ClassVar[str] = "Block"
    sentence: ClassVar[str] = "A convolution or several, and pooling after them."

    filters: int = number(32, 4, 256, "Filters", "How many small patterns this block looks for.")
    kernel: Literal[1, 3, 5, 7] = option(3, "Kernel", "Side of the window that slides over the picture, in pixels.")
    convolutions: int = number(
        1, 1, 3, "Convolutions",
        "How many of these follow one another before the pooling: two small windows see as far as a large one.",
    )  # fmt: skip
    padding: Literal["valid", "same"] = option(
        "valid", "Padding", "'same' adds a rim of zeros so that the picture keeps its size; 'valid' adds none."
    )
    pooling: Literal["max", "average", "none"] = option(
        "max", "Pooling", "Halves the picture: keeps the largest or the average of every 2 x 2 square, or nothing."
    )
    batch_norm: bool = option(False, "Batch norm.", _BATCH_NORM_HELP)
    dropout: float = number(0.0, 0.0, 0.9, "Dropout", _DROPOUT_HELP)

    def layers(self, activation: str, l2: float):
        arguments = {"filters": self.filters, "kernel_size": self.kernel, "padding": self.padding, "l2": l2}
        for _ in range(self.convolutions):
            yield from _activated("Conv2D", arguments, activation, self.batch_norm)
        if self.pooling != "none":
            kinds = {"max": "MaxPooling2D", "average": "AveragePooling2D"}
            yield Layer(kinds[self.pooling], {"pool_size": 2})
        if self.dropout:
            yield Layer("Dropout", {"rate": self.dropout})


class CNN(Network):
    label: ClassVar[str] = "Convolutional network (CNN)"
    sentence: ClassVar[str] = "Slides small windows over the picture: a stroke counts wherever it is. Best for images."
    convolutional: ClassVar[bool] = True

    name: Literal["cnn"] = "cnn"
    blocks: tuple[ConvBlock, ...] = several(
        (ConvBlock(filters=16), ConvBlock(filters=32)), 1, 4, "Blocks", "Convolution and pooling, first to last.",
        counted="Blocks",
    )  # fmt: skip
    activation: Activation = option("relu", "Activation", _ACTIVATION_HELP)
    head: Literal["flatten", "global_average", "global_max"] = option(
        "flatten", "From pictures to values", "Keep every value (flatten), or one average or maximum per filter."
    )
    hidden_units: tuple[Units, ...] = several(
        (), 0, 3, "Units of dense layers", "Fully connected layers after the convolutions; none is fine.",
        counted="Hidden layers",
    )  # fmt: skip
    dropout: float = number(0.0, 0.0, 0.9, "Dropout before the output", _DROPOUT_HELP)
    l2: float = number(0.0, 0.0, 0.1, "L2 penalty", _L2_HELP)

    def layers(self):
        for block in self.blocks:
            yield from block.layers(self.activation, self.l2)
        head = {"flatten": "Flatten", "global_average": "GlobalAveragePooling2D", "global_max": "GlobalMaxPooling2D"}
        yield Layer(head[self.head])
        yield from hidden_layers(self.hidden_units, self.activation, False, self.dropout, self.l2)
        if self.dropout and not self.hidden_units:
            yield Layer("Dropout", {"rate": self.dropout})
        yield output_layer(self.l2, self.output)


ARCHITECTURES: tuple[type[Architecture], ...] = (Softmax, MLP, CNN, RandomForest, SGDClassifier)
