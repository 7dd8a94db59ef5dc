"""A network before and after training: a picture of its layers, and a table of shapes and parameter counts."""

from __future__ import annotations

import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.models.plan import INPUT_SHAPE, PlannedLayer

KINDS = {
    "Flatten": "all values in one row",
    "Dense": "fully connected",
    "Conv2D": "convolution",
    "MaxPooling2D": "largest of 2 × 2",
    "AveragePooling2D": "average of 2 × 2",
    "GlobalAveragePooling2D": "average per filter",
    "GlobalMaxPooling2D": "maximum per filter",
    "BatchNormalization": "normalisation",
    "Dropout": "drops values at random",
    "Activation": "activation",
    "LinearClassifier": "one digit against the rest",
    "Forest": "decision trees that vote",
}


def shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def layer_table(config: RunConfig) -> None:
    """Layer by layer: the shape that comes out, how many parameters it has, and how that number comes about."""
    rows = ["| layer | output | parameters |", "| --- | --- | --- |", f"| image | {shape_text(INPUT_SHAPE)} | 0 |"]
    for layer in config.layers:
        rows.append(f"| {layer.name} | {shape_text(layer.output_shape)} | {layer.arithmetic or 0} |")
    st.markdown("\n".join(rows))
    origin = "that training adjusts, beginning from random values" if config.architecture.trainable else "from its file"
    if config.parameters:
        st.markdown(f"**{config.parameters:,} parameters** {origin}.")
    else:
        st.markdown("How many questions its trees ask is found out by growing them.")


def graph(config: RunConfig) -> None:
    """The layers as a chain of boxes with the shapes that pass between them, drawn in the browser."""
    st.graphviz_chart(dot(config), width="stretch")


def dot(config: RunConfig) -> str:
    """The same in Graphviz' language. Colours work on light and on dark pages."""
    # A space before the name of the end, so that no layer of an uploaded network can be called so.
    nodes = ['image [label="image\\n28 × 28", fillcolor="#e3e8ef"]']
    edges, before, shapes = [], "image", {"image": INPUT_SHAPE}
    for layer in config.layers:
        colour = {"Conv2D": "#b9dcf4", "Dense": "#ffdfb3"}.get(layer.kind, "#e3e8ef")
        count = f"\\n{layer.parameters:,} parameters" if layer.parameters else ""
        nodes.append(f'"{layer.name}" [label="{layer.name}\\n{_what(layer)}{count}", fillcolor="{colour}"]')
        for source in layer.inputs or (before,):
            edges.append(f'"{source}" -> "{layer.name}" [label=" {shape_text(shapes[source])}"]')
        before, shapes[layer.name] = layer.name, layer.output_shape
    nodes.append('" digits" [label="ten probabilities", fillcolor="#e3e8ef"]')
    edges.append(f'"{before}" -> " digits" [label=" {shape_text(shapes[before])}"]')
    style = (
        'bgcolor="transparent"; rankdir=TB; nodesep=0.2; ranksep=0.3; '
        'node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=12, color="#7b8794", '
        'fontcolor="#1b2430"]; edge [fontname="sans-serif", fontsize=10, color="#7b8794", fontcolor="#7b8794"];'
    )
    return f"digraph network {{ {style} {'; '.join(nodes + edges)} }}"


def _what(layer: PlannedLayer) -> str:
    words, given = KINDS.get(layer.kind, layer.kind), layer.arguments
    details = [
        f"{given['trees']} trees" if "trees" in given else "",
        f"{given['units']} units" if "units" in given else "",
        f"{given['filters']} filters of {given['kernel_size']} × {given['kernel_size']}" if "filters" in given else "",
        given.get("activation", ""),
        f"{given['rate']:.0%}" if "rate" in given else "",
    ]
    return ", ".join([words, *filter(None, details)])
