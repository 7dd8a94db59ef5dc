"""The trials of a search as a table, with the ways from a trial to its run and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from mnist_core.explore.results import FRONT, table
from mnist_core.store.sweep import Sweep, Trial
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.data_table import data_table
from mnist_core.ui.lab import Lab
from mnist_core.ui.menu import go
from mnist_core.ui.take import take_along
from mnist_core.ui.words import percent

FRONT_HELP = "No other trial is better in one of the two objectives and at least as good in the other."
RUN_PAGE = "Train?run="
"""The page of a run, as seen from any other page; what follows is its id."""


def trial_table(sweep: Sweep, trials: Sequence[Trial], figure: dict[str, Any] | None) -> None:
    rows = table(sweep, trials)
    with st.expander(f"All {len(rows)} trials, best first"):
        data_table(
            [row | {"run": row["run"] and f"{RUN_PAGE}{row['run']}"} for row in rows],
            column_config={
                "run": st.column_config.LinkColumn(display_text=r"run=(.*)", help="Opens the run in another tab."),
                FRONT: st.column_config.CheckboxColumn(help=FRONT_HELP),
            },
        )
    take_along(f"sweep-{sweep.id}", rows, figure)


def in_words(metric: str, value: float) -> str:
    """A trial's first objective."""
    return percent(value) if metric == "val_accuracy" else f"{value:.4f}"


def to_its_search(lab: Lab, run_id: str) -> None:
    """A button to the search that a run is a trial of, if it is one."""
    sweep_id = SweepStore(lab.store.database).sweep_of(run_id)
    if sweep_id and st.button("Its search", icon=":material/science:", key="its-search"):
        go("Explore", sweep=sweep_id)
