"""Explore: what does a setting do? Many small runs answer, compared fairly."""

import streamlit as st

from mnist_core.errors import LabError
from mnist_core.explore.design import Design
from mnist_core.explore.questions import QUESTIONS, question
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.design_form import free_design, one_change
from mnist_core.ui.frame import page
from mnist_core.ui.lab import Lab
from mnist_core.ui.sweep_view import watch
from mnist_core.ui.words import ago, escaped

LISTED = 30


def open_sweep(sweep_id: str) -> None:
    st.query_params.clear()
    st.query_params["sweep"] = sweep_id
    st.rerun()


def questions(lab: Lab) -> None:
    """Cards, each one click from its answer; a link to one puts it first."""
    wanted = st.query_params.get("question", "")
    order = list(QUESTIONS)
    if wanted:
        order.insert(0, order.pop(order.index(question(wanted).name)))
    columns = st.columns(2)
    for i, name in enumerate(order):
        card = QUESTIONS[name]
        with columns[i % 2].container(border=True):
            st.markdown(f"**{card.title}**  \n{card.sentence}")
            if st.button("Find out", key=f"ask-{name}", icon=":material/play_arrow:", type="primary"):
                open_sweep(SweepStore(lab.store.database).create(card.design, card.title, name))
    st.caption("Each takes about a minute on two cores, and says what to look for.")


def fair(lab: Lab) -> None:
    st.markdown(
        "One setting changes, everything else stays: the same first weights wherever layers agree, and the same "
        "order of images. Several seeds show how much is luck."
    )
    design = one_change()
    if st.button("Start the experiment", type="primary", disabled=design is None, key="start-fair"):
        name = f"{design.space[0].spec.title}, {len(design.space[1].grid())} seeds"
        open_sweep(SweepStore(lab.store.database).create(design, name))
    if design is not None:
        st.caption(f"{design.trials} runs.")


def own(lab: Lab) -> None:
    start = None
    if text := st.query_params.get("design"):
        try:
            start = Design.parse(text)
        except LabError as error:
            st.warning(escaped(f"The design in the link cannot be used. {error}"), icon=":material/link_off:")
    design = free_design(start)
    if st.button("Start the sweep", type="primary", disabled=design is None, key="start-sweep"):
        open_sweep(SweepStore(lab.store.database).create(design))
    if design is not None:
        st.caption(f"{design.trials} trials. This design as a link's end, to give to others:")
        st.code(f"?design={design.to_json()}", language=None)


def earlier(lab: Lab) -> None:
    found = SweepStore(lab.store.database).list(limit=LISTED)
    if not found:
        st.caption("None yet. Begin with a question.")
    for sweep in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(sweep.name)}**  \n{sweep.trials} trials · {sweep.status} · {ago(sweep.created)}")
            if st.button("Open", key=f"open-{sweep.id}", icon=":material/arrow_forward:"):
                open_sweep(sweep.id)
            if not sweep.active:
                with st.popover("Delete", icon=":material/delete:"):
                    st.markdown("The sweep and all its runs go for good.")
                    if st.button("Yes, delete it", type="primary", key=f"delete-{sweep.id}"):
                        SweepStore(lab.store.database).delete(sweep.id)
                        st.rerun()


with page("Explore", "What does a setting do? Many small runs answer, and the comparison is fair.") as lab:
    if sweep_id := st.query_params.get("sweep", ""):
        if st.button("Other questions", icon=":material/arrow_back:", key="back"):
            st.query_params.clear()
            st.rerun()
        watch(lab, sweep_id)
    else:
        parts = {"Questions": questions, "One change": fair, "Own design": own, "Earlier": earlier}
        names = list(parts)
        linked = "Own design" if "design" in st.query_params else "Questions"
        chosen = st.segmented_control("Part", names, default=linked, key="part", label_visibility="collapsed")
        parts[chosen or linked](lab)
