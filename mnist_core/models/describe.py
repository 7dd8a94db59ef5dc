"""What a restored model is made of, as a run's configuration: layer by layer, for tables and pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import keras

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError, ModelFileError
from mnist_core.models.upload import Upload


def describe(model: keras.Model, upload: Upload) -> RunConfig:
    """The configuration of an uploaded model's run. A model inside the model is one layer of it.

    Raises:
        ModelFileError: if there is nothing to describe.
    """
    names = {model.inputs[0]._keras_history[0].name: "image"}
    table = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            names[layer.name] = "image"
            continue
        names[layer.name] = _unique(safe_name(layer.name), set(names.values()))
        table.append(_row(layer, names))
    file = "".join(c if c.isprintable() else " " for c in upload.name)[:200]
    try:
        return RunConfig.parse(
            {
                "architecture": {"name": "uploaded", "file": file, "digest": upload.digest, "table": table},
                "data": {"scaled": upload.scaled},
            }
        )
    except ConfigError:
        raise ModelFileError("The model's layers cannot be described; it has none, or sizes that change.") from None


def _row(layer: keras.layers.Layer, names: dict[str, str]) -> dict[str, Any]:
    node = layer._inbound_nodes[-1]
    trainable = sum(math.prod(v.shape) for v in layer.trainable_variables)
    weights = [v for v in layer.variables if "seed_generator" not in v.path]
    shapes = ["×".join(map(str, v.shape)) for v in weights]
    count = sum(math.prod(v.shape) for v in weights)
    sources = [tensor._keras_history[0].name for tensor in node.input_tensors]
    return {
        "name": names[layer.name],
        "kind": type(layer).__name__,
        "arguments": dict(_arguments(layer)),
        "input_shape": _sizes(node.input_tensors[0]),
        "output_shape": _sizes(outputs(layer)[0]),
        "trainable": trainable,
        "frozen": count - trainable,
        "arithmetic": f"{' + '.join(shapes)} = {count:,}" if 0 < len(shapes) <= 12 else f"{count:,}" if count else "",
        "inputs": [names[source] for source in sources if source in names],
    }


def _arguments(layer: keras.layers.Layer) -> Iterator[tuple[str, Any]]:
    """Those settings that the picture of the network shows."""
    for key in ("units", "rate"):
        if isinstance(value := getattr(layer, key, None), int | float):
            yield key, value
    kernel = getattr(layer, "kernel_size", None)
    if isinstance(layer, keras.layers.Conv2D) and kernel[0] == kernel[1]:
        yield from (("filters", layer.filters), ("kernel_size", kernel[0]))
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if name != "linear":
        yield "activation", name


def outputs(layer: keras.layers.Layer) -> list:
    """The symbolic tensors that a layer gives, at each of its places in the model."""
    return [tensor for node in layer._inbound_nodes for tensor in node.output_tensors]


def _sizes(tensor) -> list[int]:
    return [size or 0 for size in tensor.shape[1:]]


def safe_name(text: str) -> str:
    """A layer's name from the file as pages and messages may show it."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)[:50] or "layer"


def _unique(name: str, taken: set[str]) -> str:
    return name if name not in taken else next(n for i in range(2, 999) if (n := f"{name}_{i}") not in taken)
