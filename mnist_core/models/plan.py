"""What a network will look like before it is built: layers, output shapes, parameters and how they come about.

This is arithmetic only, so pages can show it without TensorFlow. ``models.build`` makes the very same
layers with Keras, and a test holds both to the same shapes and counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mnist_core.errors import ConfigError

INPUT_SHAPE = (28, 28, 1)
CLASSES = 10


@dataclass(frozen=True)
class Layer:
    """A layer to be: a class name of ``keras.layers`` and the arguments it will be given."""

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedLayer:
    """A layer in its place.

    Attributes:
        name: unique in the network, such as ``conv2d_2``.
        output_shape: without the batch axis.
        trainable, frozen: numbers of parameters that training changes, and that it does not (the moving
            averages of batch normalisation).
        inputs: names of the layers whose output it takes; empty means that of the layer before.
        arithmetic: how the count comes about, such as ``3×3×1×32 + 32 = 320``; empty without parameters.
    """

    name: str
    kind: str
    arguments: dict[str, Any]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    trainable: int = 0
    frozen: int = 0
    arithmetic: str = ""
    inputs: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        return self.trainable + self.frozen


def plan(layers: Iterable[Layer], shape: tuple[int, ...] = INPUT_SHAPE) -> list[PlannedLayer]:
    """Walks the layers from the 28 x 28 input and works out every shape and count.

    Raises:
        ConfigError: naming the layer at which the picture has shrunk to nothing.
    """
    planned: list[PlannedLayer] = []
    seen: dict[str, int] = {}
    for layer in layers:
        stem = _SHORT.get(layer.kind, layer.kind.lower())
        seen[stem] = seen.get(stem, 0) + 1
        place = PlannedLayer(f"{stem}_{seen[stem]}", layer.kind, layer.arguments, shape, shape)
        planned.append(_RULES.get(layer.kind, _unchanged)(place))
        shape = planned[-1].output_shape
    return planned


def count_parameters(planned: Iterable[PlannedLayer]) -> int:
    """All parameters of the network, trainable or not."""
    return sum(layer.parameters for layer in planned)


def count_operations(planned: Iterable[PlannedLayer]) -> int:
    """Multiplications that one image costs in the forward pass, for estimating time."""
    total = 0
    for layer in planned:
        if layer.kind == "Conv2D":
            total += math.prod(layer.output_shape) * math.prod(_window(layer)) * layer.input_shape[-1]
        elif layer.kind in ("Dense", "LinearClassifier"):
            total += layer.input_shape[-1] * layer.output_shape[-1]
    return total


_SHORT = {
    "BatchNormalization": "batch_norm",
    "MaxPooling2D": "max_pool",
    "AveragePooling2D": "average_pool",
    "GlobalAveragePooling2D": "global_average",
    "GlobalMaxPooling2D": "global_max",
    "LinearClassifier": "linear",
}


def _unchanged(layer: PlannedLayer) -> PlannedLayer:
    return layer


def _flatten(layer: PlannedLayer) -> PlannedLayer:
    return _with(layer, (math.prod(layer.input_shape),))


def _dense(layer: PlannedLayer) -> PlannedLayer:
    inputs, units = layer.input_shape[-1], layer.arguments["units"]
    count = inputs * units + units
    return _with(layer, (units,), count, arithmetic=f"{inputs}×{units} + {units} = {count:,}")


def _conv2d(layer: PlannedLayer) -> PlannedLayer:
    rows, columns, channels = layer.input_shape
    kernel, filters = layer.arguments["kernel_size"], layer.arguments["filters"]
    if layer.arguments["padding"] == "valid":
        rows, columns = rows - kernel + 1, columns - kernel + 1
        if rows < 1:
            raise ConfigError(
                f"Layer {layer.name} cannot be built: its {kernel} x {kernel} kernel does not fit into the "
                f"{layer.input_shape[0]} x {layer.input_shape[1]} picture that reaches it. Use padding "
                f"'same', a smaller kernel, or less pooling before it."
            )
    count = kernel * kernel * channels * filters + filters
    arithmetic = f"{kernel}×{kernel}×{channels}×{filters} + {filters} = {count:,}"
    return _with(layer, (rows, columns, filters), count, arithmetic=arithmetic)


def _pool(layer: PlannedLayer) -> PlannedLayer:
    rows, columns, channels = layer.input_shape
    if rows < 2 or columns < 2:
        raise ConfigError(
            f"Layer {layer.name} cannot be built: the picture that reaches it is only {rows} x {columns}, so "
            f"there is nothing left to pool. Take out a pooling layer or use padding 'same' before it."
        )
    return _with(layer, (rows // 2, columns // 2, channels))


def _global_pool(layer: PlannedLayer) -> PlannedLayer:
    return _with(layer, layer.input_shape[-1:])


def _batch_normalization(layer: PlannedLayer) -> PlannedLayer:
    channels = layer.input_shape[-1]
    arithmetic = f"2×{channels} learned + 2×{channels} averages = {4 * channels:,}"
    return _with(layer, layer.input_shape, 2 * channels, 2 * channels, arithmetic)


def _forest(layer: PlannedLayer) -> PlannedLayer:
    """How many questions the trees ask shows only when they are grown."""
    return _with(layer, (CLASSES,))


def _with(
    layer: PlannedLayer, shape: tuple[int, ...], trainable: int = 0, frozen: int = 0, arithmetic: str = ""
) -> PlannedLayer:
    return PlannedLayer(
        layer.name, layer.kind, layer.arguments, layer.input_shape, shape, trainable, frozen, arithmetic
    )


def _window(layer: PlannedLayer) -> tuple[int, int]:
    return (layer.arguments["kernel_size"],) * 2


_RULES: dict[str, Callable[[PlannedLayer], PlannedLayer]] = {
    "Flatten": _flatten,
    "Dense": _dense,
    "LinearClassifier": _dense,
    "Forest": _forest,
    "Conv2D": _conv2d,
    "MaxPooling2D": _pool,
    "AveragePooling2D": _pool,
    "GlobalAveragePooling2D": _global_pool,
    "GlobalMaxPooling2D": _global_pool,
    "BatchNormalization": _batch_normalization,
}
