"""The size of a network as what a search varies: how many hidden layers or blocks, and how wide they are.

These are no settings of a configuration, where each layer and block stands by itself: lists are made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mnist_core.models.architecture import Architecture
from mnist_core.models.architectures import CNN, ConvBlock
from mnist_core.parts import FieldSpec

LAYERS, UNITS = "architecture.layers", "architecture.units"
"""How many hidden layers, and the units of each: together they make ``architecture.hidden_units``."""

BLOCKS, FILTERS = "architecture.block_count", "architecture.filters"
"""How many blocks of convolutions, and the filters of each: together they make ``architecture.blocks``."""

SIZES = {
    LAYERS: FieldSpec("layers", "Hidden layers", "How many, all of the same width.", "integer", 1, 1, 6),
    UNITS: FieldSpec("units", "Units of a hidden layer", "The width of each.", "integer", 128, 4, 2048, log=True),
    BLOCKS: FieldSpec("block_count", "Blocks", "How many, all like the first.", "integer", 2, 1, 4),
    FILTERS: FieldSpec(
        "filters", "Filters of a block", "How many patterns each looks for.", "integer", 32, 4, 256, log=True
    ),
}


def lists_of(architecture: Architecture, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, as settings of a configuration: each size among them in the list that it makes.

    Hidden layers and blocks whose number is given are all like the first one. Where the filters alone are given, each
    block keeps what else it has.
    """
    settings = {key: value for key, value in values.items() if key not in SIZES}
    layers, units, count, filters = (values.get(key) for key in (LAYERS, UNITS, BLOCKS, FILTERS))
    if layers is not None or units is not None:
        hidden = getattr(architecture, "hidden_units", ()) or (SIZES[UNITS].default,)
        settings["architecture.hidden_units"] = [int(units or hidden[0])] * int(layers or len(hidden))
    if count is not None or filters is not None:
        blocks = getattr(architecture, "blocks", ()) or CNN.model_fields["blocks"].default
        blocks = [block.model_dump(mode="json") for block in (blocks[:1] * int(count) if count else blocks)]
        settings["architecture.blocks"] = [block | ({"filters": int(filters)} if filters else {}) for block in blocks]
    return settings


def never_the_start(architecture: Architecture, varied: Iterable[str]) -> list[str]:
    """A sentence where its blocks, and one where its hidden layers are not alike and become so by what is varied."""
    varied, found = set(varied), []
    blocks, units = getattr(architecture, "blocks", ()), getattr(architecture, "hidden_units", ())
    unlike = [spec for spec in ConvBlock.specs() if len({getattr(block, spec.name) for block in blocks}) > 1]
    filters = "-".join(str(block.filters) for block in blocks)
    if BLOCKS in varied and unlike:
        found.append(("All blocks become like the first", ", ".join(spec.title.lower().rstrip(".") for spec in unlike)))
    elif FILTERS in varied and "filters" in {spec.name for spec in unlike}:
        found.append(("All blocks get the same number of filters", filters))
    if {LAYERS, UNITS} & varied and len(set(units)) > 1:
        words = "become like the first" if UNITS not in varied else "get the same number of units"
        found.append((f"All hidden layers {words}", "-".join(map(str, units))))
    return [
        f"{words}. Those of the start are not alike ({how}), so more than what varies differs from it, and no trial is "
        "the network of the start."
        for words, how in found
    ]
