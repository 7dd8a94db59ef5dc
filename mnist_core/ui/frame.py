"""The frame around every page: title, style, engine status, and errors in words instead of tracebacks."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from mnist_core.errors import StoreError
from mnist_core.store.lease import EngineStatus
from mnist_core.ui.components import component
from mnist_core.ui.errors import errors_in_words
from mnist_core.ui.lab import Lab, lab
from mnist_core.ui.menu import go_on, menu
from mnist_core.ui.reclaim import reclaim
from mnist_core.ui.stale import keep_ends
from mnist_core.ui.visitor import say_here
from mnist_core.ui.who import who_is_here

STATUS_SECONDS = 3.0

STYLE = """
<style>
.stMainBlockContainer { padding-top: 3rem; }
/* Streamlit's captions are too pale to be read by everybody (4.2 : 1; WCAG asks for 4.5). */
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: inherit; opacity: .93; }
/* The accent colour is dark enough for white letters on it, and so too dark for letters on a dark page. */
[data-testid="stButtonGroup"] button, [data-testid="stButtonGroup"] button *,
[data-testid="stButtonGroup"] label, [data-testid="stButtonGroup"] label *,
[data-testid="stSliderThumbValue"] { color: inherit !important; }
/* Where fingers draw there is no keyboard whose shortcuts could be told. */
@media (hover: none) { button [aria-label^="Shortcut"] { display: none; } }
.digits { display: grid; grid-template-columns: repeat(auto-fill, minmax(64px, 1fr)); gap: .6rem .5rem; }
.digits figure { margin: 0; text-align: center; font-size: .75rem; line-height: 1.25; }
.digits img, img.pixels { image-rendering: pixelated; width: 100%; aspect-ratio: 1; border-radius: .35rem; }
.digits figcaption { margin-top: .35rem; }
.digits figure.wrong img { outline: 2px solid #d55e00; outline-offset: 1px; }
.status { display: flex; gap: .5rem; align-items: baseline; font-size: .85rem; }
.status i { width: .6rem; height: .6rem; border-radius: 50%; flex: none; }
</style>
"""


@contextmanager
def page(title: str, sentence: str = "") -> Iterator[Lab]:
    """Draws the frame, gives the lab, and turns every error of the body into a sentence.

    Use it once per page: ``with page("Data", "…") as lab:``.
    """
    keep_ends()
    go_on(title)
    st.set_page_config(page_title=f"{title} · MNIST Lab", page_icon="✏️", layout="wide")
    st.html(STYLE)
    st.title(title)
    if sentence:
        st.markdown(sentence)
    with st.sidebar:
        menu()
    # Without a store, or a place, there is nothing to show; the body of the page must not begin.
    with errors_in_words(then=st.stop):
        here = lab()
        reclaim()
        say_here(here)
        with st.sidebar:
            engine_line()
            who_is_here(here)
            component("never_blank", html="")(key="never-blank", height=1)
    with errors_in_words():
        yield here


@st.fragment(run_every=STATUS_SECONDS)
def engine_line() -> None:
    """Keeps the engine alive and says how it is, in the sidebar of every page."""
    with errors_in_words():
        here = lab()
        say_here(here)
        colour, words = describe(here.engine.ensure(), by_hand=bool(here.settings.scheduler))
        counts = here.store.statistics()
        busy = [f"{counts[s]} {word}" for s, word in (("running", "training"), ("queued", "waiting")) if counts.get(s)]
        st.html(
            f'<div class="status" role="status"><i style="background:{colour}" aria-hidden="true"></i>'
            f"<span>{' · '.join([words, *busy])}</span></div>"
        )
        if here.engine.cannot_write:
            raise StoreError(here.engine.cannot_write)


def describe(status: EngineStatus, by_hand: bool = False) -> tuple[str, str]:
    """A colour and a few words for the engine's state, such as which device trains.

    Args:
        by_hand: whether somebody has to start the workers.
    """
    trainers, problems, missing = status.of("train"), status.problems, status.missing if by_hand else ""
    if status.crippled:
        besides = f" Besides, {missing}." if missing else ""
        return "#d55e00", html.escape(f"The engine cannot work: {problems[0]}{besides}")
    if missing:
        return "#d55e00", html.escape(f"The engine waits: {missing}.")
    if status.out_of_reach:
        return "#d55e00", html.escape(status.out_of_reach)
    if status.ready and trainers and all(worker["ready"] for worker in trainers):
        devices = "Ready: " + ", ".join(sorted({worker["device"] for worker in trainers}))
        if problems:
            return "#e69f00", html.escape(f"{devices}; of {len(status.workers)} workers, {len(problems)} cannot work")
        return "#009e73", html.escape(devices)
    if status.ready or status.state in ("starting", "ending"):  # the next one follows
        return "#e69f00", "Engine is warming up"
    return "#d55e00", "Engine is away; starting it again"
