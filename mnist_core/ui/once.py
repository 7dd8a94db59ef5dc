"""What need not be computed again while nothing has changed: the session keeps the last results."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st


def once(room: str, key: Hashable, make: Callable[[], Any], most: int = 1) -> Any:
    """What ``make`` gives, made once for a key; of an error nothing is kept.

    Args:
        room: a name for results of one kind, of which the session keeps the last ``most``.
    """
    kept = st.session_state.setdefault(f"once-{room}", {})
    # Taken out and put in again, so that the one that was asked for the longest ago comes first, and goes first.
    value = kept.pop(key) if key in kept else make()
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
    return value
