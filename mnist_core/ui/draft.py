"""The draft: the settings that stand in the form on the Train page, and where they come from."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.explore.lesson import Lesson
from mnist_core.recipes import recipe
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.share import keep_lesson, lesson_of_link


def begin_with(config: RunConfig, name: str) -> None:
    """Fills the form anew; ``name`` is that of the recipe, if it is one. What is trained here begins from its seed."""
    st.session_state["draft"], st.session_state["recipe"] = config.model_copy(update={"fine_tuning": None}), name
    st.session_state["version"] = st.session_state.get("version", 0) + 1


def draft_of_link() -> Lesson:
    """Fills the form from the link, if that is news or its locked values were left; gives the link's lesson."""
    lesson, news = lesson_of_link("Train")
    if news and (lesson.config or lesson.restricts):
        begin_with(lesson.config or recipe("quick").config, "")
    if wanted := st.query_params.get("recipe"):
        del st.query_params["recipe"]
        with errors_in_words():
            begin_with(recipe(wanted).config, wanted)
    if "draft" not in st.session_state:
        begin_with(recipe("quick").config, "quick")
    if lesson.restricts and lesson.config is None:
        lesson = keep_lesson("Train", replace(lesson, config=st.session_state["draft"]))
    if not lesson.kept_by(st.session_state["draft"]):
        begin_with(lesson.config, "")
    return lesson
