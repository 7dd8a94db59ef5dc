"""The memory of those who have left is given back, also when nobody comes or leaves after them.

Streamlit keeps the session of a browser that is away for two minutes, so that it finds everything again after a broken
connection. What is older it lets go of only when the next visitor leaves (``runtime/memory_session_storage.py``), and
as a session refers to itself, its memory then waits for a garbage collection. After a class has left neither comes by
itself for hours, and the next class would need its memory beside that of the first.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress

import streamlit as st
from streamlit import runtime

from mnist_core.allocator import give_back_what_is_free

LOOK_SECONDS = 20.0
"""Between two looks at the sessions that are kept. Only where one has become too old all of Python's objects are looked
through: 0.1 s, and while a class of 40 is there 0.25 s."""


class Reclaim:
    """Looks at the sessions of those who have left, from the first who leaves until none is kept any more."""

    def __init__(self) -> None:
        self._looks = False

    def begin(self) -> None:
        """From any thread: a session whose page was still drawn when its browser left may end in whichever collects."""
        with suppress(RuntimeError):  # no server, or one that has ended
            runtime.get_instance()._get_async_objs().eventloop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looks = False
        kept = runtime.get_instance()._session_mgr._session_storage._cache
        ended = bool(kept.expire())
        some = bool(kept)
        if ended or not some:  # once more in the end: some become too old during a look, or their page is still drawn
            gc.collect()
            give_back_what_is_free()
        if ended or some:
            self._begin()


@st.cache_resource(max_entries=1, show_spinner=False)
def _reclaim() -> Reclaim:
    return Reclaim()


@st.cache_resource(max_entries=1, show_spinner=False, scope="session", on_release=Reclaim.begin)
def reclaim() -> Reclaim:
    """Has this session's memory given back after its end. Streamlit lets go of the result when the browser leaves."""
    return _reclaim()
