"""The pages, and the ways from one to another."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from streamlit.errors import StreamlitAPIException

PAGES = {
    "Home": ("streamlit_app.py", ":material/home:"),
    "Data": ("pages/1_Data.py", ":material/image_search:"),
    "Train": ("pages/2_Train.py", ":material/model_training:"),
    "Evaluate": ("pages/3_Evaluate.py", ":material/grid_on:"),
    "Draw": ("pages/4_Draw.py", ":material/draw:"),
    "Runs": ("pages/5_Runs.py", ":material/table_rows:"),
    "Compare": ("pages/6_Compare.py", ":material/compare_arrows:"),
    "Explore": ("pages/7_Explore.py", ":material/science:"),
    "Robustness": ("pages/8_Robustness.py", ":material/shield:"),
    "Health": ("pages/9_Health.py", ":material/monitor_heart:"),
}
"""Each page's file and icon, by the name that the menu calls it."""

GOING = "going"
"""Key of the session: the page that a button leads to, and its link, until that page has begun."""


def menu() -> None:
    """Links to all pages. Streamlit's own menu would call the first one after its file, "streamlit app"."""
    for label, (target, icon) in PAGES.items():
        try:
            st.page_link(target, label=label, icon=icon, width="stretch")
        except StreamlitAPIException:
            # A page that is run alone, as tests do, knows no other pages.
            return


def way_button(label: str, name: str, link: dict[str, str], *, icon: str, key: str, kind: str = "secondary") -> None:
    """A button that leads to a page as ``go`` does; a page is left before it would be drawn once more.

    Args:
        link: what the page's link carries.
        kind: Streamlit's type of button.
    """
    click = {"on_click": st.session_state.__setitem__, "args": (GOING, (name, link))}
    if st.button(label, icon=icon, key=key, type=kind, **click):
        go(name, **link)  # in a fragment, which is drawn without its page's beginning


def go(name: str, **link: str) -> NoReturn:
    """Leads to a page, by the name that the menu calls it, with what its link carries."""
    st.session_state[GOING] = name, link
    st.switch_page(PAGES[name][0], query_params=link or None)


def go_on(title: str) -> None:
    """Every page calls this as it begins: goes on to where a button leads, if that is another page.

    When a fragment's turn comes while ``go`` waits for Streamlit, Streamlit takes the two for one request and draws
    the old page again: the button seems dead.
    """
    here = title if title in PAGES else "Home"  # which has the name of the lab as its title
    going, link = st.session_state.pop(GOING, (here, {}))
    if going != here:
        go(going, **link)
