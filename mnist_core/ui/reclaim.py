"""The web process gives memory back: large arrays at once, and what a visitor needed soon after they have left.

Streamlit keeps the session of a browser that is away for two minutes, so that it finds everything again after a broken
connection. What is older it lets go of only when the next visitor leaves (``runtime/memory_session_storage.py``), and
as a session refers to itself, its memory then waits for a garbage collection. After a class has left neither comes by
itself for hours, and the next class would need its memory beside that of the first.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from contextlib import suppress

import streamlit as st
from streamlit import runtime

LARGE_BYTES, M_MMAP_THRESHOLD = 1_000_000, -3
"""Memory for arrays as large as this is the system's again when nobody needs them (mallopt(3)). Left to itself, glibc
takes one that is let go as a sign that more will come, and from then on keeps up to 64 MB for them."""

ARENAS, M_ARENA_MAX = 1, -8
"""Of glibc's memory, which otherwise has eight for each core, so that threads need not wait for one another. Those of
pages wait for Python's lock anyhow; each would leave gaps in another arena, which none of the others can fill."""

LOOK_SECONDS = 20.0
"""Between two looks at the sessions that are kept. Only where one has become too old all of Python's objects are looked
through: 0.1 s, and while a class of 40 is there 0.25 s."""


def give_back_large_arrays() -> None:
    """From now on, for the whole process; where memory is not glibc's, nothing changes."""
    with suppress(AttributeError, OSError, TypeError):  # no mallopt, or no way to it
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def give_back_free_pages() -> None:
    """Now, once; where memory is not glibc's, nothing happens."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


class Reclaim:
    """Looks at the sessions of those who have left, from the first who leaves until none is kept any more."""

    def __init__(self) -> None:
        self._looks = False

    def begin(self) -> None:
        """To be called in Streamlit's event loop; without a server there is none, and nothing to do."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if not self._looks:
            self._looks = True
            loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looks = False
        kept = runtime.get_instance()._session_mgr._session_storage._cache
        if kept.expire():
            gc.collect()
            give_back_free_pages()
        if kept:
            self.begin()


@st.cache_resource(max_entries=1, show_spinner=False)
def _reclaim() -> Reclaim:
    return Reclaim()


@st.cache_resource(max_entries=1, show_spinner=False, scope="session", on_release=Reclaim.begin)
def reclaim() -> Reclaim:
    """Has this session's memory given back after its end. Streamlit lets go of the result when the browser leaves."""
    return _reclaim()
