"""Runs: everything that has been trained here."""

from datetime import datetime, timezone

import streamlit as st

from mnist_core.errors import ConfigError
from mnist_core.store.run import Run
from mnist_core.store.runs import NAME_LENGTH, NOTE_LENGTH
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.choose import train_quickly
from mnist_core.ui.files import downloads, upload_form
from mnist_core.ui.frame import errors_in_words, page
from mnist_core.ui.lab import Lab
from mnist_core.ui.published import beside_published
from mnist_core.ui.queue import watch_queue
from mnist_core.ui.visitor import acting, visitor, whose
from mnist_core.ui.words import STATUS, badge, escaped

SHOWN_SETTINGS = ("architecture.name", "architecture.hidden_units", "optimizer.name", "optimizer.learning_rate")


def row(run: Run, every_setting: bool, compared: dict[str, float | None], owner: dict[str, str]) -> dict:
    try:
        settings = run.settings.flat()
    except ConfigError:
        settings = {}  # made by another version
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
        "images/s": run.images_per_second,
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
    return [
        run
        for run in runs
        if (not statuses or run.status in statuses)
        and all(word in f"{run.name} {run.note} {run.id} {run.origin} {run.summary}".lower() for word in text)
    ]


def table(lab: Lab, runs: list[Run]) -> Run | None:
    """The table; gives the run whose row is chosen."""
    every_setting = st.toggle("Show every setting", key="every")
    names = whose(lab, {run.owner for run in runs})
    owners = [{"whose": names[run.owner]} if len(names) > 1 else {} for run in runs]
    event = st.dataframe(
        [row(run, every_setting, *more) for run, *more in zip(runs, beside_published(lab, runs), owners, strict=True)],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="table",
        column_config={
            "test accuracy": st.column_config.NumberColumn(format="percent"),
            "published": st.column_config.NumberColumn(format="percent", help="By the author of the recipe."),
            "difference": st.column_config.NumberColumn(
                format="%+.2f",
                help="Here less published, in percentage points; of held-out accuracy where that was given.",
            ),
            "test loss": st.column_config.NumberColumn(format="%.4f"),
            "images/s": st.column_config.NumberColumn(format="localized"),
            "created": st.column_config.DatetimeColumn(format="distance"),
        },
    )
    st.caption("Click a heading to sort, and the box at the left of a row to choose a run.")
    ids = [run.id for run in runs]
    if event.selection.rows != st.session_state.get("chosen-rows"):
        # A row is chosen by its number in the table that the reader saw, and rows move when runs come and go.
        seen = st.session_state.get("seen-runs", ids)
        rows = st.session_state["chosen-rows"] = event.selection.rows
        st.session_state["chosen-run"] = seen[rows[0]] if rows and rows[0] < len(seen) else ""
    st.session_state["seen-runs"] = ids
    return next((run for run in runs if run.id == st.session_state.get("chosen-run")), None)


def delete(lab: Lab, run_id: str) -> None:
    """A callback: it gets the id of the run that was shown, whatever the table shows by then."""
    with errors_in_words():
        acting(lab).delete(run_id)
        st.toast("The run is deleted.")


def save(lab: Lab, run_id: str) -> None:
    """The same for name and note."""
    with errors_in_words():
        acting(lab).describe(run_id, st.session_state[f"name-{run_id}"], st.session_state[f"note-{run_id}"])


def details(lab: Lab, run: Run) -> None:
    st.subheader(escaped(run.name), anchor=False)
    st.markdown(f"{badge(run.status)} `{run.id}` {escaped(run.message)}")
    with st.container(horizontal=True):
        if st.button("Open", icon=":material/arrow_forward:", key="open"):
            st.switch_page("pages/2_Train.py", query_params={"run": run.id})
        if run.usable:
            if st.button("Evaluate", icon=":material/grid_on:", key="evaluate"):
                st.switch_page("pages/3_Evaluate.py", query_params={"run": run.id})
            # One of another version has the file of its network in the store all the same.
            if run.architecture is None or run.architecture.family == "network":
                downloads(lab, run)
        if mine := visitor(lab).may_change(run.owner):
            with st.popover("Delete", icon=":material/delete:"):
                st.markdown("The run, its curves and its model go for good.")
                st.button("Yes, delete it", type="primary", key=f"delete-{run.id}", on_click=delete, args=(lab, run.id))
    if not mine:
        st.markdown(escaped(run.note))
        st.caption(f"It belongs to {escaped(whose(lab, [run.owner])[run.owner])}, who may rename, note and delete it.")
        return
    with st.form(f"edit-{run.id}"):
        st.text_input("Name", run.name, max_chars=NAME_LENGTH, key=f"name-{run.id}")
        st.text_area("Note", run.note, max_chars=NOTE_LENGTH, key=f"note-{run.id}")
        st.form_submit_button("Save", icon=":material/save:", on_click=save, args=(lab, run.id))


with page("Runs", "Everything that has been trained or brought in here: yours first, then newest first.") as lab:
    runs = lab.store.list(first=visitor(lab).id)
    if not runs:
        train_quickly(lab)
    else:
        watch_queue()
        shown = matching(lab, runs)
        if not shown:
            st.info("No run matches. Take a word out, or show trials too.", icon=":material/filter_alt_off:")
        elif chosen := table(lab, shown):
            details(lab, chosen)
    upload_form(lab)
