"""Runs: everything that has been trained here."""

import streamlit as st

from mnist_core.explore import compare
from mnist_core.store.run import Run
from mnist_core.store.runs import NAME_LENGTH, NOTE_LENGTH
from mnist_core.ui import comparing
from mnist_core.ui.choose import train_quickly
from mnist_core.ui.files import downloads, upload_form
from mnist_core.ui.frame import errors_in_words, page
from mnist_core.ui.lab import Lab
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.menu import way_button
from mnist_core.ui.queue import watch_queue
from mnist_core.ui.run_table import matching, table
from mnist_core.ui.take import figure_button
from mnist_core.ui.visitor import acting, visitor, whose
from mnist_core.ui.words import badge, escaped


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
        link = {"run": run.id}
        way_button("Open", "Train", link, icon=":material/arrow_forward:", key="open")
        if run.usable:
            way_button("Evaluate", "Evaluate", link, icon=":material/grid_on:", key="evaluate")
            # One of another version has the file of its network in the store all the same.
            if run.architecture is None or run.architecture.family == "network":
                downloads(lab, run)
        if visitor(lab).may_change(run.owner):
            with st.popover("Delete", icon=":material/delete:"):
                st.markdown("The run, its curves and its model go for good.")
                st.button("Yes, delete it", type="primary", key=f"delete-{run.id}", on_click=delete, args=(lab, run.id))
    if not visitor(lab).may_change(run.owner):
        st.markdown(escaped(run.note))
        st.caption(escaped(visitor(lab).who_may(run.owner, whose(lab, [run.owner])[run.owner])))
        return
    with st.form(f"edit-{run.id}"):
        st.text_input("Name", run.name, max_chars=NAME_LENGTH, key=f"name-{run.id}")
        st.text_area("Note", run.note, max_chars=NOTE_LENGTH, key=f"note-{run.id}")
        st.form_submit_button("Save", icon=":material/save:", on_click=save, args=(lab, run.id))


def several(lab: Lab, runs: list[Run]) -> None:
    """What may be done with several runs: they are compared, at a glance here."""
    st.subheader(f"{len(runs):,} runs chosen", anchor=False)
    called = compare.names(runs[: compare.MOST])
    st.markdown(" · ".join(map(escaped, called.values())))
    if len(runs) > compare.MOST:
        st.info(f"Up to {compare.MOST} runs can be compared at a time. Take some out.", icon=":material/filter_list:")
        return
    label, link = f"Compare these {len(runs)}", {"runs": ",".join(called)}
    way_button(label, "Compare", link, icon=":material/compare_arrows:", key="compare-these", kind="primary")
    curves(lab, called)


def curves(lab: Lab, called: dict[str, str]) -> None:
    """The curves of runs, by id and name, as far as they have any; of held-out images if all of these have some."""
    histories = {run_id: lab.store.epochs(run_id) for run_id in called}
    drawn = {called[run_id]: rows for run_id, rows in histories.items() if rows}
    if drawn:
        metric = comparing.first_metric(drawn.values())
        words = comparing.METRICS[metric].capitalize()
        st.markdown(f"**{words}**")
        # Another choice is another chart, with no zoom and no hidden line of the last.
        figure = comparing.curves(drawn, metric)
        live_chart(figure, "-".join(["chosen", *called]), f"{words}.", height=280)
        figure_button(figure, "curves")
        if without := [name for run_id, name in called.items() if not histories[run_id]]:
            st.caption(escaped(f"Without a curve: {', '.join(without)}."))


with page("Runs", "Everything that has been trained or brought in here: yours first, then newest first.") as lab:
    runs = lab.store.list(first=visitor(lab).id)
    if not runs:
        train_quickly(lab)
    else:
        watch_queue()
        shown = matching(lab, runs)
        if not shown:
            st.info("No run matches. Take a word out, or show trials too.", icon=":material/filter_alt_off:")
        elif len(chosen := table(lab, shown)) == 1:
            details(lab, chosen[0])
        elif chosen:
            several(lab, chosen)
    upload_form(lab)
