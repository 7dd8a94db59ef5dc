"""Parts of a page that are drawn anew by themselves, and take turns at that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import streamlit as st

Draw = Callable[..., Any]

PATIENCE_SECONDS = 1.0
"""A turn that has not come by then, as when the store keeps the one before waiting, is not waited for any longer."""

_one_at_a_time = threading.RLock()


def refreshing(seconds: float | None) -> Callable[[Draw], Draw]:
    """A fragment that Streamlit runs again after so many seconds, and again; with ``None`` once.

    All pages share one interpreter. Were twenty drawn at once, each would be ready when the last one is, all would
    begin together a second later, and a digit drawn meanwhile would wait among them. One after the other they are ready
    after half of that time, their moments drift apart, and a drawing shares the interpreter with one of them.
    """

    def decorate(draw: Draw) -> Draw:
        @wraps(draw)
        def in_turn(*args: Any, **kwargs: Any) -> Any:
            with _turn():
                return draw(*args, **kwargs)

        return st.fragment(in_turn, run_every=seconds)

    return decorate


@contextmanager
def _turn() -> Iterator[None]:
    came = _one_at_a_time.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if came:
            _one_at_a_time.release()
