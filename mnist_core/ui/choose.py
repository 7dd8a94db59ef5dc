"""Choosing runs on pages: by link first, else by hand, and remembered in the link."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import streamlit as st

from mnist_core.recipes import recipe
from mnist_core.store.run import USABLE, Run
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui.lab import Lab
from mnist_core.ui.menu import go
from mnist_core.ui.visitor import acting, visitor
from mnist_core.ui.words import STATUS, escaped, percent


def choose_run(lab: Lab) -> Run | None:
    """One finished or stopped run, that of ``?run=`` if there is one in the link.

    ``None`` if there is no such run yet; what to do then is said on the page.
    """
    runs = {run.id: run for run in lab.store.usable(first=visitor(lab).id)}
    wanted = st.query_params.get("run", "")
    if wanted and wanted not in runs:
        run = lab.store.get(wanted)
        if run.status in USABLE:
            say_unscored(run)
            return None
        st.info(f"The run {escaped(run.name)} is {STATUS[run.status][1]}: it has no model to look at.")
        if st.button("Show that run", icon=":material/arrow_forward:", key="show-run"):
            go("Train", run=wanted)
        return None
    invite(lab, runs)
    if not runs:
        return None
    ids = list(runs)
    chosen = st.selectbox(
        "Run",
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        format_func=lambda run_id: label(runs[run_id]),
        key="run-choice",
    )
    st.query_params["run"] = chosen
    return runs[chosen]


def say_unscored(run: Run) -> None:
    st.info(
        f"The run {escaped(run.name)} is a trial of a sweep. Trials are compared by held-out images; only the "
        "one that is chosen sees the test set, once, and has a model then.",
        icon=":material/science:",
    )


def label(run: Run) -> str:
    return f"{run.name} · {percent(run.test_accuracy)} · {run.id}"


def invite(lab: Lab, runs: Collection[str]) -> None:
    """What to do while nobody has trained a network here: the shipped one may read, or there is none."""
    if not runs:
        train_quickly(lab)
    elif list(runs) == [FLAGSHIP]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("No network has been trained here yet. The one that comes with MNIST Lab reads meanwhile.")
            _quick_button(lab, "tertiary")


def train_quickly(lab: Lab) -> None:
    """What to do when there is no model yet: one click trains the quick recipe."""
    st.info("No network has been trained yet. The quick recipe takes a few seconds.", icon=":material/lightbulb:")
    _quick_button(lab, "primary")


def _quick_button(lab: Lab, kind: Literal["primary", "tertiary"]) -> None:
    if st.button("Train the quick recipe", type=kind, icon=":material/play_arrow:", key="train-quick"):
        go("Train", run=acting(lab).train(recipe("quick").config, "quick"))
