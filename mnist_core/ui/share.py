"""Links that carry a set-up: reading the one that the reader came by, and making one for others."""

from __future__ import annotations

import streamlit as st

from mnist_core.config import SECTIONS, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.lesson import EVERYTHING, PARAMETERS, TASK_LENGTH, Lesson
from mnist_core.ui.words import escaped


def lesson_of_link() -> tuple[Lesson, bool]:
    """What the link says, and whether it is news to this session; what cannot be used is said in a sentence."""
    parameters = {name: st.query_params.get(name, "") for name in PARAMETERS}
    news = st.session_state.get("lesson-link") != parameters and any(parameters.values())
    st.session_state["lesson-link"] = parameters
    try:
        return Lesson.of_link(parameters), news
    except ConfigError as error:
        st.error(escaped(str(error)), icon=":material/link_off:")
        return Lesson(), False


def show_task(lesson: Lesson) -> None:
    if lesson.task:
        st.info(f"**Your task.** {escaped(lesson.task)}", icon=":material/assignment:")


def share(config: RunConfig) -> None:
    """A link to these settings; with a task and locked controls for a class."""
    with st.expander("Give this set-up to others"):
        task = st.text_area("A task to show with it", max_chars=TASK_LENGTH, key="share-task")
        options = [EVERYTHING, *SECTIONS, *config.flat()]
        with st.container(horizontal=True):
            names = {
                "lock": st.multiselect("Locked", options, key="share-lock", help="Shown, but not to be changed."),
                "hide": st.multiselect("Hidden", options, key="share-hide", help="Not shown at all."),
                "open": st.multiselect("Open all the same", options[1:], key="share-open"),
            }
        lesson = Lesson(config, task, **{name: frozenset(keys) for name, keys in names.items()})
        st.caption("Put this behind the address of this page, up to its question mark:")
        st.code(lesson.link(), language=None, wrap_lines=True)
