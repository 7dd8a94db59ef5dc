"""Parts of pages take turns: all pages share one interpreter, and so many at once would each be ready with the last.

Twenty that begin together would end together and so begin together the next time. In turns half of them are ready after
half of that time, their moments drift apart, and hardly anybody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import streamlit as st

Draw = Callable[..., Any]

PATIENCE_SECONDS = 1.0
"""A turn that has not come by then, as when the store keeps those before waiting, is not waited for any longer."""

ANSWERS_AT_ONCE = 3
"""Drawings that are read at the same time: most of an answer's time is waiting for the engine."""

_refreshing = threading.RLock()
_answering = threading.BoundedSemaphore(ANSWERS_AT_ONCE)


def refreshing(seconds: float | None) -> Callable[[Draw], Draw]:
    """A fragment that Streamlit runs again after so many seconds, and again; with ``None`` once. One at a time, so that
    whoever draws a digit meanwhile shares the interpreter with one of them."""
    return lambda draw: st.fragment(_in_turn(draw, _refreshing), run_every=seconds)


def answering(draw: Draw) -> Draw:
    """A fragment that runs when a reader does something, of which a few run at the same time."""
    return st.fragment(_in_turn(draw, _answering))


def _in_turn(draw: Draw, turns: threading.RLock | threading.BoundedSemaphore) -> Draw:
    @wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        with _turn(turns):
            return draw(*args, **kwargs)

    return drawn


@contextmanager
def _turn(turns: threading.RLock | threading.BoundedSemaphore) -> Iterator[None]:
    came = turns.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if came:
            turns.release()
