"""Ranges that were typed for one start and hold for another, where they apply."""

from __future__ import annotations

import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import Design
from mnist_core.explore.space import Dimension, keys


def carried(form: str, start: str, base: RunConfig, linked: Design | None = None) -> dict[str, str]:
    """What varied under the start before, with the ranges that were typed, as far as they apply to this base.

    The text is empty where the suggested range stood or the typed one does not apply. As long as the start stays, so
    does the answer: Streamlit makes a field anew when what it begins with changes.

    Args:
        form: which form it is; each has its own.
        linked: the design that the form begins with; with another one nothing is carried on.
    """
    of, before, began, now = st.session_state.get(f"{form}-ranges", (linked, start, {}, {}))
    if of != linked:
        return {}
    if before == start:
        return began
    known = keys(base)
    return {key: text if _applies(base, key, text) else "" for key, text in now.items() if key in known}


def carry(form: str, start: str, began: dict[str, str], typed: dict[str, str], linked: Design | None = None) -> None:
    """Remembers for another start what varies, each with the range that was typed or an empty text.

    Args:
        began: what ``carried`` gave.
    """
    st.session_state[f"{form}-ranges"] = linked, start, began, typed


def new_visit(form: str, box: str) -> None:
    """Forgets what was typed in an earlier visit to the form; called before its choice of a start is drawn.

    Args:
        box: the key of that choice, which Streamlit forgets as soon as the form is not shown.
    """
    if box not in st.session_state:
        st.session_state.pop(f"{form}-ranges", None)


def _applies(base: RunConfig, key: str, text: str) -> bool:
    try:
        Design(base, (Dimension.parse(f"{key}={text}"),)).check()
    except ConfigError:
        return False
    return True
