"""Designing a sweep by hand: what varies, over which range, and how good settings are sought."""

from __future__ import annotations

import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import MOST_DIMENSIONS, Design, Search, make_search
from mnist_core.explore.questions import SMALL
from mnist_core.explore.space import UNITS, Dimension, keys
from mnist_core.parts import FieldSpec
from mnist_core.recipes import RECIPES
from mnist_core.ui.forms import part_form
from mnist_core.ui.words import escaped

RANGE_HELP = (
    "A range: 0..0.5, or log:1e-5..1 to go by factors; log:1e-5..1:11 gives a grid its 11 points. "
    "Choices: relu|tanh, or 16|32|64."
)
MOST_SEEDS = 20
HELD_OUT = 0.1
"""Of a start that holds nothing out, as some published recipes do: trials are compared by held-out images."""
RATE = "optimizer.learning_rate"


def base_config(key: str, linked: RunConfig | None = None) -> tuple[str, RunConfig]:
    """What all trials have in common: the name of the choice, and the configuration."""
    draft = st.session_state.get("draft")
    starts = {"small": ("A small network on 10,000 images: about a second a trial", RunConfig.parse(SMALL))}
    if linked is not None:
        starts = {"link": ("The settings of the link", linked)} | starts
    if draft is not None:
        starts["draft"] = ("The settings that stand on the Train page", draft)
    starts |= {name: (recipe.title, recipe.config) for name, recipe in RECIPES.items()}
    chosen = st.selectbox("Start from", list(starts), format_func=lambda name: starts[name][0], key=f"{key}-base")
    config, added = starts[chosen][1], ""
    if not config.data.validation_fraction:
        config = config.replace({"data.validation_fraction": HELD_OUT})
        added = f"; {HELD_OUT:.0%} held out to compare by"
    st.caption(f"{config.summary()}{added}")
    return chosen, config


def free_design(start: Design | None = None) -> Design | None:
    """The whole form; shows what is wrong and gives ``None`` if it does not fit together.

    Args:
        start: a design to begin with, such as a link's.
    """
    name, base = base_config("design", start and start.base)
    known = keys(base)
    begin = {dimension.key: dimension.text().partition("=")[2] for dimension in start.space} if start else {}
    first = [key for key in begin if key in known] or [RATE if RATE in known else next(iter(known))]
    chosen = st.multiselect(
        "What varies", list(known), default=first, max_selections=MOST_DIMENSIONS, key=f"varies-{name}",
        format_func=lambda key: f"{known[key].title} ({key})",
    )  # fmt: skip
    texts = {
        key: st.text_input(
            f"{known[key].title}, {known[key].allowed}", begin.get(key, suggested(key, known[key])),
            help=RANGE_HELP, key=f"over-{name}-{key}",
        )
        for key in chosen
    }  # fmt: skip
    with st.expander("How it searches", expanded=False):
        values = part_form(Search, start.search if start else Search(), "search")
    try:
        space = tuple(Dimension.parse(f"{key}={text}") for key, text in texts.items())
        return Design(base, space, make_search(values)).check()
    except ConfigError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return None


def one_change() -> Design | None:
    """A fair experiment: one setting changes, everything else stays, the start and the order of images too."""
    name, base = base_config("fair")
    known = {key: spec for key, spec in keys(base).items() if key != "seed"}
    options = list(known)
    key = st.selectbox(
        "The one thing that changes", options, index=options.index(RATE) if RATE in options else 0,
        format_func=lambda key: f"{known[key].title} ({key})", key=f"fair-key-{name}",
    )  # fmt: skip
    spec = known[key]
    text = st.text_input(
        f"Its values, {spec.allowed}", suggested(key, spec, few=True), help=RANGE_HELP, key=f"fair-{name}-{key}"
    )
    seeds = st.slider("Repeat over so many seeds", 1, MOST_SEEDS, 3, key="fair-seeds")
    try:
        varied = Dimension.parse(f"{key}={text}")
        repeated = Dimension("seed", choices=tuple(range(1, seeds + 1)))
        search = make_search({"sampler": "grid", "trials": len(varied.grid()) * seeds})
        return Design(base, (varied, repeated), search).check()
    except ConfigError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return None


def suggested(key: str, spec: FieldSpec, few: bool = False) -> str:
    """A range to begin with."""
    usual = {"optimizer.learning_rate": "log:1e-4..0.1", UNITS: "log:16..256", "training.batch_size": "log:32..512"}
    if few and spec.kind in ("number", "integer"):
        usual |= {"optimizer.learning_rate": "0.001|0.01", UNITS: "32|128", "training.batch_size": "32|256"}
        whole, usually = spec.kind == "integer", spec.default or 0
        other = min(spec.high, 2 * usually) if usually else spec.low + max(int(whole), (spec.high - spec.low) / 4)
        other = other if other != usually else usually / 2
        return usual.get(key, f"{usually:.6g}|{round(other) if whole else other:.6g}")
    if spec.kind == "choice":
        return "|".join(map(str, spec.choices[:4]))
    if spec.kind == "switch":
        return "true|false"
    if spec.kind == "integers":
        return "64|128,64"
    return usual.get(key, f"{spec.low:g}..{min(spec.high, 100 * (spec.default or 1)):g}")
