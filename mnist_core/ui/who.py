"""A visitor's small place at the foot of the sidebar: name and colour, the teacher's PIN, the sign-in."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAuthError

from mnist_core import sign_in
from mnist_core.errors import LabError, NotAllowed
from mnist_core.store.visitors import VisitorStore
from mnist_core.ui.components import component
from mnist_core.ui.errors import errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.visitor import become, forget, secret, signed_in, visitor
from mnist_core.ui.words import escaped
from mnist_core.visitors import NAME_LENGTH, is_pin, is_secret


def who_is_here(here: Lab) -> None:
    """The visitor's name; behind it what they may do about it. Keeps the browser's cookie."""
    who = visitor(here)
    _keep_cookie()
    words = f":{who.colour}[●] {escaped(who.name)}{' · teacher' if who.teacher else ''}"
    with st.popover(words, type="tertiary", key="who", help="This is you. Your runs carry this name."):
        with st.form("who-name", border=False):
            st.text_input("Your name here", who.name, max_chars=NAME_LENGTH, key="visitor-name")
            st.form_submit_button("Keep this name", on_click=_rename, args=(here,))
        if who.teacher:
            st.button("Leave the teacher's role", on_click=_leave, args=(here,), key="leave-teacher")
        elif who.classroom:
            with st.form("who-pin", border=False):
                st.text_input("The teacher's PIN", type="password", key="teacher-pin", autocomplete="off")
                st.form_submit_button("I am the teacher", on_click=_enter_pin, args=(here,))
        user = signed_in()
        if user.get("is_logged_in"):
            st.button("Sign out", on_click=st.logout, key="sign-out")
        elif wrong := sign_in.problem():  # of which Streamlit itself mostly says nothing, as if none were set up
            st.warning(escaped(f"Nobody can sign in: {wrong}"))
        elif "is_logged_in" in user:
            st.button("Sign in", on_click=_sign_in, key="sign-in", help="Then you are you on every computer.")
        st.caption("Others see your runs and your name. Only you can stop or delete what is yours.")


def _keep_cookie() -> None:
    mount = component("visitor", html="")
    said = mount(key="visitor-cookie", data={"secret": secret()}, on_secret_change=lambda: None, height=1)
    if is_secret(said.get("secret")) and said["secret"] != secret():
        become(said["secret"])
        st.rerun()


def _sign_in() -> None:
    with errors_in_words():
        if wrong := sign_in.problem() or sign_in.silence():
            raise LabError(f"Nobody can sign in: {wrong}")
        try:
            st.login()
        except StreamlitAuthError as error:  # Streamlit would show it in place of the page
            words = " ".join(str(error).replace("`", "").split())  # which are indented in Streamlit's source
            raise LabError(f"Nobody can sign in: {words}") from None


def _rename(here: Lab) -> None:
    with errors_in_words():
        VisitorStore(here.store.database).rename(visitor(here).id, st.session_state["visitor-name"])
        forget()


def _enter_pin(here: Lab) -> None:
    with errors_in_words():
        here.pins.take(visitor(here).id)
        here.all_pins.take("")  # with ever new cookies there are ever new visitors
        if not is_pin(here.settings.teacher_pin, st.session_state["teacher-pin"]):
            raise NotAllowed("That is not the teacher's PIN. It was set by MNIST_LAB_TEACHER_PIN at the start.")
        VisitorStore(here.store.database).set_teacher(visitor(here).id, here.settings.teacher_pin)
        forget()


def _leave(here: Lab) -> None:
    with errors_in_words():
        VisitorStore(here.store.database).set_teacher(visitor(here).id, "")
        forget()
