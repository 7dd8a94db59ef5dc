"""The first layer's weights as small pictures, before and after training."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.store.run import Run
from mnist_core.ui.digits import picture
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.heat import coloured, limit, scale
from mnist_core.ui.lab import Lab, lab
from mnist_core.ui.network import graph, layer_table
from mnist_core.ui.visitor import visitor


def inside(here: Lab, run: Run) -> None:
    """What a finished run's network is made of, and what its first layer has learned."""
    try:
        settings = run.settings
    except ConfigError:  # made by another version
        return
    if not settings.layers:
        return
    st.subheader("Inside the network")
    columns = st.columns([2, 3])
    with columns[0]:
        graph(settings)
    with columns[1]:
        layer_table(settings)
    if settings.architecture.family == "classical":
        return
    st.markdown("**What the first layer looks for**")
    st.caption("One small picture for each unit or filter: the weights with which it looks at the pixels.")
    key = f"first-layer-{run.id}"
    if key not in st.session_state:  # on, if somebody has asked for them before
        st.session_state[key] = here.store.load_blob(run.id, "first_layer") is not None
    if st.toggle("Show the weights", key=key):
        with errors_in_words(), st.spinner("A worker is looking them up …", show_time=True):
            tiles = _trained(here.settings.database_url, run.id, run.ended)
            show_tiles(tiles, ["Before training", "After training"] if len(tiles) == 2 else ["As uploaded"])


@st.cache_data(max_entries=8, show_spinner=False)
def _trained(database_url: str, run_id: str, ended: float | None) -> np.ndarray:
    """Of one run; another may have the id of one that was deleted, but not its end.

    From the store, or as it came from the worker: of the shipped run, to which nothing is written, it keeps none.
    """
    if (stored := lab().store.load_array(run_id, "first_layer")) is not None:
        return stored
    lab().predictions.take(visitor().id)
    return lab().engine.first_layer(run_id)


def untrained(config: RunConfig) -> None:
    """The weights with which a configuration would begin: random ones, fixed by the seed."""
    if not config.layers:
        return
    key = f"untrained-{config.architecture.name}"
    if st.toggle("Show the first layer before training", key=key, help="Random weights, drawn by the seed."):
        with errors_in_words(), st.spinner("A worker is building the network …", show_time=True):
            show_tiles(_untrained(config.to_json()), ["Before training"])


@st.cache_data(max_entries=8, show_spinner=False)
def _untrained(config: str) -> np.ndarray:
    lab().predictions.take(visitor().id)
    return lab().engine.untrained_first_layer(RunConfig.parse(config))


def show_tiles(states: np.ndarray, names: list[str]) -> None:
    """Tiles of one or two states, ``(states, tiles, rows, columns)``, all on one scale."""
    if not states.size:
        st.info("The first layer with weights does not look at the pixels themselves, so its weights are no pictures.")
        return
    most = limit(states)
    for column, tiles, name in zip(st.columns(len(names), gap="large"), states, names, strict=True):
        with column:
            st.markdown(name)
            figures = (
                f"<figure>{picture(coloured(tile, most), f'Weights of no. {n}, {name.lower()}')}"
                f"<figcaption>{n}</figcaption></figure>"
                for n, tile in enumerate(tiles)
            )
            st.html(f'<div class="digits">{"".join(figures)}</div>')
    scale(most)
    st.caption(
        f"Blue ({-most:.2g} and below): ink there speaks against what the unit looks for. Orange ({most:.2g} and "
        f"above): it speaks for it. White: no matter. The scale is the same for all pictures."
    )
