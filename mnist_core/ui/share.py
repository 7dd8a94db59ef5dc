"""Links that carry a set-up: reading the one that the reader came by, and making one for others."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from mnist_core.errors import ConfigError
from mnist_core.explore.lesson import EVERYTHING, PARAMETERS, TASK_LENGTH, Lesson
from mnist_core.ui.errors import errors_in_words
from mnist_core.ui.words import escaped

CARRIED = (*PARAMETERS, "sweep", "runs")
"""What comes back with a lesson: also the sweep or the runs that it is about."""

STAYS = {"task", "lock", "hide"}


def lesson_of_link(page: str) -> tuple[Lesson, bool]:
    """What the link says, and whether it is news to this session; what cannot be used is said in a sentence.

    A task or a lock stays for as long as the reader does: who comes back to the page by the menu finds it again.
    """
    known = st.session_state.get(f"lesson-{page}", {})
    found = {name: st.query_params[name] for name in CARRIED if st.query_params.get(name)}
    if known.keys() & STAYS and not found.keys() & STAYS:
        found = known | found
        st.query_params.update(found)
    st.session_state[f"lesson-{page}"] = found
    try:
        return Lesson.of_link(found), bool(found) and found != known
    except ConfigError as error:
        st.error(escaped(str(error)), icon=":material/link_off:")
        return Lesson(), False


def kept_lesson(page: str) -> Lesson:
    """The lesson of the link or of this session, where something else is looked at: nothing is changed or said."""
    found = {name: st.query_params[name] for name in CARRIED if st.query_params.get(name)}
    with suppress(ConfigError):
        return Lesson.of_link(found or st.session_state.get(f"lesson-{page}", {}))
    return Lesson()


def keep_lesson(page: str, lesson: Lesson) -> Lesson:
    """Writes into the address what the link left open, so that it stays in force; gives the lesson back."""
    st.session_state[f"lesson-{page}"] |= lesson.parameters()
    st.query_params.update(lesson.parameters())
    return lesson


def show_task(lesson: Lesson) -> None:
    if lesson.task:
        st.info(f"**Your task.** {escaped(lesson.task)}", icon=":material/assignment:")


@st.fragment
def share(lesson: Lesson | None, controls: Iterable[str], opened: Iterable[str] = (), **others: str) -> None:
    """A link to what is here; with a task and locked controls for a class. Until it is opened it costs nothing.

    Args:
        lesson: what is shared; ``None`` as long as a form is not right, so that what has been written here stays.
        controls: what can be locked or hidden here.
        opened: which of them stay open unless the teacher says otherwise.
        others: what else the address holds, such as the runs of a comparison.
    """
    box = st.expander("Give this to others", key="share", on_change="rerun")
    if not box.open and "share-task" not in st.session_state:  # what has been written stays, also when it is closed
        return
    with box, errors_in_words():
        task = st.text_area("A task to show with it", max_chars=TASK_LENGTH, key="share-task")
        options = [EVERYTHING, *controls]
        with st.container(horizontal=True):
            names = {
                "lock": st.multiselect("Locked", options, key="share-lock", help="Shown, but not to be changed."),
                "hide": st.multiselect("Hidden", options, key="share-hide", help="Not shown at all."),
                "open": st.multiselect("Open all the same", options[1:], list(opened), key="share-open"),
            }
        if lesson is None:
            st.caption("The link comes when the settings are right again.")
            return
        if not names["lock"] and not names["hide"]:
            names["open"] = []
        made = replace(lesson, task=task, **{name: frozenset(keys) for name, keys in names.items()})
        st.caption("Put this behind the address of this page, up to its question mark:")
        st.code(made.link(**others), language=None, wrap_lines=True)
        st.caption("Locks guide a class. Whoever edits the address can undo them.")
