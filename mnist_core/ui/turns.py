"""Parts of pages take turns: all pages share one interpreter, and twenty that are drawn at once are all ready only when
the last one is.

So they would begin together the next time, too, and every stroke that is drawn meanwhile would be among them. In turns
half of them are ready after half of that time, their moments drift apart, and hardly anybody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Draw = Callable[..., Any]

PATIENCE_SECONDS = 0.5
"""A turn that has not come by then, as when the store or the engine keeps those before waiting, is not waited for any
longer."""

ANSWERS_AT_ONCE = 3
"""Drawings that are read at the same time: most of an answer's time is waiting for the engine."""

_refreshing = threading.RLock()
_answering = threading.BoundedSemaphore(ANSWERS_AT_ONCE)


def refreshing(seconds: float | None) -> Callable[[Draw], Draw]:
    """A fragment that Streamlit runs again every so many seconds, or with ``None`` never.

    Of those that are run again one is drawn at a time.
    """

    def decorate(draw: Draw) -> Draw:
        @wraps(draw)
        def drawn(*args: Any, **kwargs: Any) -> Any:
            with _turn(_refreshing):
                return draw(*args, **kwargs)

        return st.fragment(drawn, run_every=seconds)

    return decorate


def answering(draw: Draw) -> Draw:
    """A fragment that answers a drawing; of those that a stroke has run again a few are drawn at a time."""

    @wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        with _turn(_answering):
            return draw(*args, **kwargs)

    return st.fragment(drawn)


def _runs_alone() -> bool:
    """Whether a fragment is run without the rest of its page."""
    context = get_script_run_ctx(suppress_warning=True)
    return bool(context and context.fragment_ids_this_run)


@contextmanager
def _turn(turns: Any) -> Iterator[None]:
    """With a page that is drawn as a whole its parts wait for nobody."""
    came = _runs_alone() and turns.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if came:
            turns.release()
