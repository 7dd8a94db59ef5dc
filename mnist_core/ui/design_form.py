"""Designing a sweep by hand: what varies, over which range, and how good settings are sought."""

from __future__ import annotations

import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import MOST_DIMENSIONS, Design, Search, make_search
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.questions import HELD_OUT, SMALL
from mnist_core.explore.size import FILTERS, UNITS
from mnist_core.explore.space import Dimension, keys
from mnist_core.parts import FieldSpec
from mnist_core.recipes import RECIPES
from mnist_core.ui.carried import carried, carry, new_visit
from mnist_core.ui.forms import part_form
from mnist_core.ui.words import escaped

RANGE_HELP = (
    "A range: 0..0.5, or log:1e-5..1 to go by factors; log:1e-5..1:11 gives a grid its 11 points. "
    "Choices: relu|tanh, or 16|32|64."
)
MOST_SEEDS = 20
RATE = "optimizer.learning_rate"


def base_config(key: str, lesson: Lesson) -> tuple[str, RunConfig]:
    """What all trials have in common: the name of the choice, and the configuration."""
    new_visit(key, f"{key}-base")
    linked, draft = lesson.design and lesson.design.base, st.session_state.get("draft")
    starts = {"small": ("A small network on 10,000 images: about a second a trial", RunConfig.parse(SMALL))}
    if linked is not None:
        starts = {"link": ("The settings of the link", linked)} | starts
    if draft is not None:
        starts["draft"] = ("The settings that stand on the Train page", draft)
    starts |= {name: (recipe.title, recipe.config) for name, recipe in RECIPES.items()}
    fixed = lesson.base_stays
    if fixed and lesson.hides("design.base"):
        return "link", linked
    names = ["link"] if fixed else list(starts)
    chosen = st.selectbox(
        "Start from", names, format_func=lambda name: starts[name][0], disabled=fixed,
        key=f"{key}-locked" if fixed else f"{key}-base",
    )  # fmt: skip
    config, added = starts[chosen][1], ""
    if not config.data.validation_fraction and chosen != "link":
        config = config.replace({"data.validation_fraction": HELD_OUT})
        added = f"; {HELD_OUT:.0%} held out to compare by"
    st.caption(f"{config.summary()}{added}")
    return chosen, config


def free_design(lesson: Lesson) -> Design | None:
    """The whole form; shows what is wrong and gives ``None`` if it does not fit together.

    Args:
        lesson: the design to begin with, if there is one, and what of it is locked or hidden.
    """
    start = lesson.design
    name, base = base_config("design", lesson)
    known = keys(base)
    begin = {dimension.key: dimension.text().partition("=")[2] for dimension in start.space} if start else {}
    begin = {key: text for key, text in begin.items() if key in known}
    usual = {key: begin.get(key) or suggested(key, spec) for key, spec in known.items()}
    began = carried("design", name, base, start)
    texts = {
        key: _range(key, known[key], usual[key], began.get(key), name, lesson.fixes(key) and key in begin, lesson)
        for key in _varied(known, begin, began, name, lesson)
    }
    typed = {key: "" if text == usual[key] else text for key, text in texts.items()}
    carry("design", name, began, typed, start)
    search = start.search if start else Search()
    values = search.model_dump(mode="json")
    if not lesson.hides("search"):
        with st.expander("How it searches", expanded=False):
            values = part_form(Search, search, "search", lesson)
    try:
        space = tuple(Dimension.parse(f"{key}={text}") for key, text in texts.items())
        return _told(Design(base, space, make_search(values)).check())
    except ConfigError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return None


def _varied(
    known: dict[str, FieldSpec], begin: dict[str, str], began: dict[str, str], name: str, lesson: Lesson
) -> list[str]:
    """What varies, at first what did under another start. A locked one varies if it does so in the link's design."""
    fixed = lesson.fixes("design.varies")
    if fixed and lesson.hides("design.varies"):
        return list(begin)
    held = list(begin) if fixed else [key for key in begin if lesson.fixes(key)]
    free = [key for key in known if not lesson.fixes(key)]
    first = [key for key in began or begin if key in free]
    first = first or ([RATE if RATE in free else free[0]] if free and not held else [])
    chosen = st.multiselect(
        "What varies", held if fixed else free, default=held if fixed else first, disabled=fixed or not free,
        max_selections=MOST_DIMENSIONS, format_func=lambda key: f"{known[key].title} ({key})",
        key=f"varies-{name}{'-locked' * fixed}",
    )  # fmt: skip
    return held + [key for key in chosen if key not in held]


def _range(
    key: str, spec: FieldSpec, usual: str, before: str | None, name: str, fixed: bool, lesson: Lesson
) -> str:
    """The range of a setting as it is typed, at first as ``before``; the link's where that is locked or hidden."""
    if fixed and lesson.hides(key):
        return usual
    text = st.text_input(
        f"{spec.title}, {spec.allowed}", usual if fixed else before or usual, help=RANGE_HELP, disabled=fixed,
        key=f"over-{name}-{key}{'-locked' * fixed}",
    )  # fmt: skip
    return usual if fixed else text


def usual_design() -> Design:
    """What the form begins with when no link says otherwise."""
    base = RunConfig.parse(SMALL)
    return Design(base, (Dimension.parse(f"{RATE}={suggested(RATE, keys(base)[RATE])}"),))


def one_change() -> Design | None:
    """A fair experiment: one setting changes, everything else stays, the start and the order of images too."""
    name, base = base_config("fair", Lesson())
    known = {key: spec for key, spec in keys(base).items() if key != "seed"}
    options, began = list(known), carried("fair", name, base)
    first = next((key for key in (*began, RATE) if key in known), options[0])
    key = st.selectbox(
        "The one thing that changes", options, index=options.index(first),
        format_func=lambda key: f"{known[key].title} ({key})", key=f"fair-key-{name}",
    )  # fmt: skip
    spec = known[key]
    usual = suggested(key, spec, few=True)
    text = st.text_input(
        f"Its values, {spec.allowed}", began.get(key) or usual, help=RANGE_HELP, key=f"fair-{name}-{key}"
    )
    carry("fair", name, began, {key: "" if text == usual else text})
    seeds = st.slider("Repeat over so many seeds", 1, MOST_SEEDS, 3, key="fair-seeds")
    try:
        varied = Dimension.parse(f"{key}={text}")
        repeated = Dimension("seed", choices=tuple(range(1, seeds + 1)))
        search = make_search({"sampler": "grid", "trials": len(varied.grid()) * seeds})
        return _told(Design(base, (varied, repeated), search).check())
    except ConfigError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return None


def _told(design: Design) -> Design:
    """Itself, when its reader has been told what to beware of."""
    for sentence in design.cautions:
        st.info(sentence, icon=":material/info:")
    say_incomplete(design, design.trials, " Allow more trials, or give fewer points.")
    return design


def say_incomplete(design: Design, tried: int, mend: str = "") -> None:
    """That a grid is not visited as a whole, if it is one of which only so many points are tried."""
    points = design.combinations
    if design.search.sampler == "grid" and tried < points:
        words = f"This grid is incomplete: {tried:,} of its {points:,} points are tried.{mend}"
        st.info(words, icon=":material/grid_4x4:")


def suggested(key: str, spec: FieldSpec, few: bool = False) -> str:
    """A range to begin with."""
    usual = {"optimizer.learning_rate": "log:1e-4..0.1", UNITS: "log:16..256", "training.batch_size": "log:32..512"}
    usual |= {"data.validation_fraction": "0.05..0.3", FILTERS: "log:8..64"}
    if few and spec.kind in ("number", "integer"):
        usual |= {"optimizer.learning_rate": "0.001|0.01", UNITS: "32|128", "training.batch_size": "32|256"}
        usual |= {FILTERS: "8|32"}
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
