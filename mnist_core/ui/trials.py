"""The trials of a search as a table, with the ways from a trial to its run and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from mnist_core.explore.pictures import OBJECTIVE_WORDS
from mnist_core.explore.results import rows_of
from mnist_core.store.sweep import Sweep, Trial
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.data_table import data_table
from mnist_core.ui.lab import Lab
from mnist_core.ui.menu import go
from mnist_core.ui.take import take_along
from mnist_core.ui.words import percent

FRONT = "Pareto front"
FRONT_HELP = "No other trial is better in one of the two objectives and at least as good in the other."
RUN_PAGE = "Train?run="
"""The page of a run, as seen from any other page; what follows is its id."""


def trial_table(sweep: Sweep, trials: Sequence[Trial], figure: dict[str, Any] | None) -> None:
    first, *second = [OBJECTIVE_WORDS[metric] for metric, _ in sweep.objectives]
    front = pareto_front(sweep, trials) if second else set()
    rows = [
        {"no.": trial.number, "state": trial.state, first: trial.value}
        | (dict.fromkeys(second, trial.second) | {FRONT: trial.number in front} if second else {})
        | {key: str(value) if isinstance(value, list) else value for key, value in trial.params.items()}
        | {"seconds": trial.seconds and round(trial.seconds, 2), "run": trial.run_id, "message": trial.message}
        for trial in rows_of(sweep, trials)
    ]
    with st.expander(f"All {len(rows)} trials, best first"):
        data_table(
            [row | {"run": row["run"] and f"{RUN_PAGE}{row['run']}"} for row in rows],
            column_config={
                "run": st.column_config.LinkColumn(display_text=r"run=(.*)", help="Opens the run in another tab."),
                FRONT: st.column_config.CheckboxColumn(help=FRONT_HELP),
            },
        )
    take_along(f"sweep-{sweep.id}", rows, figure)


def pareto_front(sweep: Sweep, trials: Sequence[Trial]) -> set[int]:
    """The numbers of the completed trials that no other one beats, of a search with two objectives."""
    signs = [1 if direction == "minimize" else -1 for _, direction in sweep.objectives]
    done = sorted(
        (tuple(sign * value for sign, value in zip(signs, trial.values, strict=True)), trial.number)
        for trial in trials
        if trial.state == "complete" and len(trial.values) == len(signs)
    )
    front, last = set(), (-math.inf, math.inf)
    for merits, number in done:  # from the best in the first objective on, each must be better in the second
        if merits[1] < last[1] or merits == last:
            front.add(number)
            last = merits
    return front


def in_words(metric: str, value: float) -> str:
    """A trial's first objective."""
    return percent(value) if metric == "val_accuracy" else f"{value:.4f}"


def to_its_search(lab: Lab, run_id: str) -> None:
    """A button to the search that a run is a trial of, if it is one."""
    sweep_id = SweepStore(lab.store.database).sweep_of(run_id)
    if sweep_id and st.button("Its search", icon=":material/science:", key="its-search"):
        go("Explore", sweep=sweep_id)
