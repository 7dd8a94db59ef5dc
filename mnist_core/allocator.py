"""How the C library keeps the memory that is let go of; it gives back to the system less than it could.

Only glibc is asked to do otherwise (mallopt(3), malloc_trim(3)); where memory is another library's, nothing changes.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

LARGE_BYTES, M_MMAP_THRESHOLD = 1_000_000, -3
"""Memory for arrays as large as this is the system's again when nobody needs them. Left to itself, glibc takes one that
is let go as a sign that more will come, and from then on keeps up to 64 MB for them."""

ARENAS, M_ARENA_MAX = 1, -8
"""Of memory, which otherwise are up to eight for each core, so that threads need not wait for one another. Those that
draw pages wait for Python's lock anyhow; each would leave gaps in another arena, which none of the others can fill."""

NOT_GLIBC = (AttributeError, OSError, TypeError)
"""Without such a function, or a way to it."""


def be_sparing() -> None:
    """From now on, for the whole process. Arenas that threads have already are still used."""
    with suppress(NOT_GLIBC):
        for option, value in ((M_MMAP_THRESHOLD, LARGE_BYTES), (M_ARENA_MAX, ARENAS)):
            ctypes.CDLL(None).mallopt(option, value)


def give_back_what_is_free() -> None:
    """Now, once: every page of memory on which nothing stands any more is the system's again."""
    with suppress(NOT_GLIBC):
        ctypes.CDLL(None).malloc_trim(0)
