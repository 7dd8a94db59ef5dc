"""The curves of a comparison, one for each run or for all seeds of a setting, and what seeds make of each setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_core.explore import compare, seeds
from mnist_core.explore.losses import not_one_measure, not_one_measure_in_training
from mnist_core.store.run import Run
from mnist_core.ui import comparing
from mnist_core.ui.lab import Lab
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.reading import history
from mnist_core.ui.spread import say_unlike, show_spread
from mnist_core.ui.take import take_along, tensorboard_button
from mnist_core.ui.words import escaped

Histories = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows of epochs by run id."""


def curves(lab: Lab, runs: Sequence[Run]) -> None:
    st.subheader("Curves", anchor=False)
    called = compare.names(runs)
    histories = {run.id: history(lab.settings.database_url, run.id, run.epoch, run.ended) for run in runs}
    offered = comparing.known(histories.values())
    with st.container(horizontal=True):
        metric = st.selectbox(
            "What", offered, index=offered.index(comparing.first_metric(histories.values())),
            format_func=comparing.METRICS.get, key="metric",
        )  # fmt: skip
        groups = seeds.by_all_but_seed(runs)
        several = any(len(group) > 1 for _, group in groups)
        together = several and st.session_state.get("together", True)
        across = st.segmented_control(
            "By", list(comparing.ACROSS), default="epoch", key="across", disabled=together,
            help="Mean and band go epoch by epoch; switch them off to see steps or seconds." if together else None,
        ) or "epoch"  # fmt: skip
        if several:
            st.toggle(
                "Mean and band over seeds", True, key="together",
                help="Runs that differ by their seed alone are one line.",
            )  # fmt: skip
    named = {called[run_id]: rows for run_id, rows in histories.items()}
    if together:
        drawn = {label: seeds.band([histories[run.id] for run in group], metric) for label, group in groups}
        figure = comparing.bands(drawn, metric)
    else:
        figure = comparing.curves(named, metric, across)
    live_chart(figure, "compare-curves", f"{comparing.METRICS[metric]} of {len(runs)} runs.", height=400)
    if together and comparing.broken(figure):
        st.caption(comparing.FEWER)
    if without := [name for name, rows in named.items() if not any(row.get(metric) is not None for row in rows)]:
        st.caption(escaped(f"Without this curve: {', '.join(without)}."))
    if metric.endswith("loss"):
        say_unlike(not_one_measure(run.settings for run in runs))
    if metric == "loss":
        say_unlike(not_one_measure_in_training(run.settings for run in runs))
    with take_along("curves", [{"run": name} | dict(row) for name, rows in named.items() for row in rows], figure):
        tensorboard_button(lab.store, runs)
    if together:
        _spread(groups, histories)


def _spread(groups: Sequence[tuple[str, Sequence[Run]]], histories: Histories) -> None:
    """What seeds make of each setting, by the runs that have come to their end."""
    ends = seeds.ends(groups, lambda run: histories[run.id])
    show_spread(ends.values, ends.fates, "spread", ends.measure)
    if short := sum(run.status not in ("finished", "failed") for _, group in groups for run in group):
        words = "1 run has not finished and is" if short == 1 else f"{short} runs have not finished and are"
        st.caption(f"{words} left out of these numbers: a run that was broken off says nothing about its setting.")
