"""Who looks at this page: found by a proxy's header, a sign-in or a cookie. All of it stays in the session."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

from mnist_core.acting import Acting
from mnist_core.errors import OverLimit, StoreError
from mnist_core.store.visitors import HERE_SECONDS, VisitorStore
from mnist_core.ui.lab import Lab, lab
from mnist_core.visitors import NAME_LENGTH, Visitor, given_name, is_secret, new_secret, visitor_id

COOKIE = "mnist_lab_visitor"

WHO, SECRET, SIGN_OF_LIFE = "visitor", "visitor-secret", "visitor-here"
"""Keys of the session: the visitor, the browser's secret, and when we last said that they are here."""


def visitor(here: Lab | None = None) -> Visitor:
    """The visitor of this session."""
    if WHO not in st.session_state:
        here = here or lab()
        found, called = _identity(here)
        st.session_state[WHO] = VisitorStore(here.store.database).get(found, here.settings.teacher_pin, called)
    return st.session_state[WHO]


def acting(here: Lab) -> Acting:
    """What this visitor does; whatever changes runs and sweeps on a page, or keeps drawings, goes through it.

    They are looked up anew, since the teacher's role may have been left in another tab.
    """
    forget()
    return Acting(here.settings, here.store, visitor(here))


def whose(here: Lab, owners: Iterable[str]) -> dict[str, str]:
    """What owners are called on this visitor's pages: the visitor is *you*."""
    names = VisitorStore(here.store.database).names(owners)
    return {owner: "you" if owner == visitor(here).id else name for owner, name in names.items()}


def say_here(here: Lab) -> None:
    """Says that this visitor is here. ``OverLimit`` if as many are as may be."""
    now = time.monotonic()
    if now - st.session_state.get(SIGN_OF_LIFE, float("-inf")) < HERE_SECONDS / 3:
        return
    st.session_state[SIGN_OF_LIFE] = now  # also if it cannot be kept: a locked database holds nobody up at every click
    most, welcome, me = here.settings.most_visitors, True, visitor(here)
    with suppress(StoreError):  # a full disk keeps nobody from looking; what needs room says so itself
        welcome = VisitorStore(here.store.database).enter(me.id, most, "" if me.name == given_name(me.id) else me.name)
    if not welcome:
        del st.session_state[SIGN_OF_LIFE]
        raise OverLimit(
            f"{most:,} visitors are here, and more is not allowed (MNIST_LAB_VISITORS). Reload the page in a while."
        )


def become(known: str) -> None:
    """Makes this session that of the visitor whose secret is ``known``."""
    st.session_state[SECRET] = known
    forget()


def forget() -> None:
    """Has the visitor looked up anew, after something about them has changed."""
    st.session_state.pop(WHO, None)


def secret() -> str:
    """This browser's secret: its cookie, or a new one that becomes its cookie."""
    if SECRET not in st.session_state:
        kept = st.context.cookies.get(COOKIE)
        st.session_state[SECRET] = kept if is_secret(kept) else new_secret()
    return st.session_state[SECRET]


def _identity(here: Lab) -> tuple[str, str]:
    """A visitor's id, and what others say they are called."""
    header = here.settings.user_header
    if header and (said := st.context.headers.get(header, "").strip()):
        return visitor_id("proxy", said), _short_name(said)
    user = signed_in()
    if user.get("is_logged_in") is True:
        subject = f"{user.get('iss', '')} {user.get('sub') or user.get('email', '')}"
        return visitor_id("sign-in", subject), _short_name(str(user.get("name") or user.get("email") or ""))
    return visitor_id("cookie", secret()), ""


def signed_in() -> Mapping[str, Any]:
    """What the sign-in says of who is here; empty where none is set up, or the file that does it is no text."""
    try:
        return st.user.to_dict()
    except ValueError:
        return {}


def _short_name(said: str) -> str:
    """Of an address, only what stands before its @: others see it."""
    return said.partition("@")[0][:NAME_LENGTH]
