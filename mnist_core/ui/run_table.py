"""The table of all runs: what is shown of each, which are shown, and which are chosen."""

from __future__ import annotations

from datetime import datetime, timezone

import streamlit as st

from mnist_core.errors import ConfigError
from mnist_core.store.run import Run
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.data_table import data_table
from mnist_core.ui.lab import Lab
from mnist_core.ui.published import beside_published
from mnist_core.ui.take import take_along
from mnist_core.ui.visitor import whose
from mnist_core.ui.words import STATUS

SHOWN_SETTINGS = ("architecture.name", "architecture.hidden_units", "optimizer.name", "optimizer.learning_rate")


def _settings(run: Run) -> dict:
    try:
        return run.settings.flat()
    except ConfigError:
        return {}  # made by another version


def _row(run: Run, every_setting: bool, compared: dict[str, float | None], owner: dict[str, str]) -> dict:
    settings = _settings(run)
    shown = settings if every_setting else {key: settings.get(key) for key in SHOWN_SETTINGS}
    return {
        "name": run.name,
        "status": STATUS[run.status][1],
        **owner,
        "origin": run.origin,
        "test accuracy": run.test_accuracy,
        **compared,
        "test loss": run.test_loss,
        "epochs": run.epoch,
        "seconds": round(run.train_seconds, 1),
        "parameters": run.parameters or None,
        "images/s": round(run.images_trained / run.train_seconds) if run.images_trained and run.train_seconds else None,
        "created": datetime.fromtimestamp(run.created, timezone.utc),
        "note": run.note,
        **{key: str(value) if isinstance(value, list) else value for key, value in shown.items()},
        "id": run.id,
    }


def matching(lab: Lab, runs: list[Run]) -> list[Run]:
    trials = SweepStore(lab.store.database).run_ids()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Filter", placeholder="words in name, note or settings", key="filter").lower().split()
        statuses = st.multiselect("Status", list(STATUS), key="statuses", format_func=lambda s: STATUS[s][1])
        if trials and not st.toggle(f"Trials of sweeps too ({len(trials):,})", key="trials"):
            runs = [run for run in runs if run.id not in trials or run.usable]
    return [run for run in runs if (not statuses or run.status in statuses) and _has(run, text)]


def _has(run: Run, words: list[str]) -> bool:
    """Whether a run has all the words, in lower case; of settings in their values, since every run has every key."""
    if not words:
        return True
    values = " ".join(str(value) for value in _settings(run).values() if not isinstance(value, bool | None))
    text = f"{run.name} {run.note} {run.id} {run.origin} {run.summary} {values}".lower()
    return all(word in text for word in words)


def table(lab: Lab, runs: list[Run]) -> list[Run]:
    """The table; gives the runs whose rows are chosen."""
    every_setting = st.toggle("Show every setting", key="every")
    names = whose(lab, {run.owner for run in runs})
    owners = [{"whose": names[run.owner]} if len(names) > 1 else {} for run in runs]
    compared = beside_published(lab, runs)
    rows = [_row(run, every_setting, *more) for run, *more in zip(runs, compared, owners, strict=True)]
    event = data_table(
        rows,
        on_select="rerun",
        selection_mode="multi-row",
        key="table",
        column_config={
            "test accuracy": st.column_config.NumberColumn(format="percent"),
            "published": st.column_config.NumberColumn(format="percent", help="By the author of the recipe."),
            "difference": st.column_config.NumberColumn(
                format="%+.2f",
                help="Here less published, in percentage points; of held-out accuracy where that was given.",
            ),
            "test loss": st.column_config.NumberColumn(format="%.4f"),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "images/s": st.column_config.NumberColumn(format="localized"),
            "created": st.column_config.DatetimeColumn(format="distance"),
        },
    )
    st.caption("Click a heading to sort, and the box at the left of a row to choose a run, or several to compare them.")
    take_along("runs", rows)
    ids = [run.id for run in runs]
    if event.selection.rows != st.session_state.get("chosen-rows"):
        # Rows are chosen by their numbers in the table that the reader saw, and rows move when runs come and go.
        seen = st.session_state.get("seen-runs", ids)
        chosen = st.session_state["chosen-rows"] = event.selection.rows
        st.session_state["chosen-runs"] = [seen[row] for row in chosen if row < len(seen)]
    st.session_state["seen-runs"] = ids
    chosen = st.session_state.get("chosen-runs", ())
    return [run for run in runs if run.id in chosen]
