"""The picture of a search: drawn once for what is known, and said in words where there is nothing to draw yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_core.explore import pictures, seeds
from mnist_core.explore.questions import QUESTIONS
from mnist_core.explore.results import groups
from mnist_core.store.sweep import Sweep, Trial
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui import comparing
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.spread import say_unlike

TOGETHER = 10
"""Trials whose picture epoch by epoch is drawn anew with every epoch; of more it waits for the more epochs."""

CONTOURED = 3
"""Trials that make a surface; Optuna draws fewer as nothing, or as a line."""


def show_picture(sweeps: SweepStore, sweep: Sweep, trials: list[Trial]) -> dict[str, Any] | None:
    """The picture that the reader chooses; gives it, or ``None`` while there is nothing to draw, and says so."""
    kinds = pictures.available(sweep)
    # Before the first trial too: the choice of the picture keeps what it began with.
    kinds += ["curves"] if len(groups(sweep, trials)) <= len(comparing.COLOURS) else []
    first = QUESTIONS[sweep.question].picture if sweep.question in QUESTIONS else "history"
    kind = st.selectbox(
        "Picture", kinds, index=kinds.index(first) if first in kinds else 0, format_func=pictures.PICTURES.get,
        key="picture",
    )  # fmt: skip
    by_epoch = kind in ("intermediate", "curves")
    epochs = sweeps.epochs_done(sweep.id) if by_epoch else 0
    live = epochs and any(trial.state == "running" for trial in trials)
    drawn = ("complete", "pruned") if by_epoch else ("complete",)
    if not live and not any(trial.state in drawn for trial in trials):
        none = "No trial was completed, so there is nothing to draw."
        first = "epoch" if by_epoch else "completed trial"
        st.caption(f"The picture begins with the first {first}." if sweep.active else none)
        return None
    if awaited := _awaited(kind, sweep, trials):
        st.caption(awaited)
        return None
    draw = _curves if kind == "curves" else _drawn
    figure = draw(sweeps, sweep, trials, kind, epochs)
    left_out = pictures.left_out(kind, trials)
    words = f"{pictures.PICTURES[kind]} of {len(trials)} trials. {left_out}".strip()
    live_chart(figure, f"{kind}-{sweep.id}", words, height=420)
    if kind == "intermediate" and any(trial.state == "pruned" for trial in trials):
        left_out = f"Dashed lines and crosses are trials that the pruner gave up. {left_out}"
    if kind == "curves" and comparing.broken(figure):
        left_out = comparing.FEWER
    if left_out:
        st.caption(left_out)
    return figure


def _awaited(kind: str, sweep: Sweep, trials: list[Trial]) -> str:
    """What a picture still waits for that would have nothing in it, or what it lacked; else nothing."""
    done = [trial for trial in trials if trial.state == "complete"]
    if kind == "importances" and len({trial.value for trial in done}) < 2:
        needed = "two completed trials at least that did not do alike"
    elif kind == "importances" and not sweep.importances:
        return "They are being weighed." if sweep.active else "Of these trials no importances could be found."
    elif kind == "contour" and (len(done) < CONTOURED or any(_alike(done, key) for key in _of_contour(sweep))):
        needed = f"{CONTOURED} completed trials at least, among which both settings differ"
    else:
        return ""
    return f"This picture {'waits for' if sweep.active else 'has nothing to show: it takes'} {needed}."


def _of_contour(sweep: Sweep) -> list[str]:
    """The settings that a contour shows."""
    keys = {title: key for key, title in pictures.named(sweep).items()}
    return [keys[title] for title in pictures.most_important(sweep)]


def _alike(trials: list[Trial], key: str) -> bool:
    return len({str(trial.params[key]) for trial in trials}) < 2


def _once(state: tuple, draw: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The picture of this state; drawn once, however often the page looks. The last one alone is kept."""
    if st.session_state.get("sweep-picture", (None,))[0] != state:
        st.session_state["sweep-picture"] = state, draw()
    return st.session_state["sweep-picture"][1]


def _drawn(sweeps: SweepStore, sweep: Sweep, trials: list[Trial], kind: str, epochs: int) -> dict[str, Any]:
    """``epochs``: how many epochs its trials have, where the picture shows them; else 0."""

    def draw() -> dict[str, Any]:
        return pictures.draw(kind, sweep, trials, sweeps.epochs(sweep.id) if kind == "intermediate" else {})

    # Of many trials there is an epoch in no time, and many lines to draw: these wait for some epochs more.
    seen = epochs // max(1, len(trials) // TOGETHER)
    return _once((sweep.id, kind, sum(not t.open for t in trials), seen, tuple(sweep.importances.items())), draw)


def _curves(sweeps: SweepStore, sweep: Sweep, trials: list[Trial], kind: str, epochs: int) -> dict[str, Any]:
    metrics = list(comparing.METRICS)
    metric = st.selectbox(
        "What", metrics, index=metrics.index(sweep.objectives[0][0]), format_func=comparing.METRICS.get, key="what"
    )
    if metric.endswith("loss") and sweep.objectives[0][0] != "val_loss":  # else it stands above
        say_unlike(sweep.design.unlike_losses)
    if metric == "loss":
        say_unlike(sweep.design.unlike_training_losses)

    def draw() -> dict[str, Any]:
        rows = sweeps.epochs(sweep.id)
        found = {
            label: seeds.band([rows.get(trial.number, []) for trial in group], metric)
            for label, group in groups(sweep, trials).items()
        }
        return comparing.bands(found, metric)

    return _once((sweep.id, kind, metric, len(trials), epochs), draw)
