"""Explore: what does a setting do? Many small runs answer, compared fairly."""

from dataclasses import replace

import streamlit as st

from mnist_core.explore.design import Design
from mnist_core.explore.lesson import DESIGN, PARTS, SWEEP, Lesson
from mnist_core.explore.questions import QUESTIONS
from mnist_core.explore.space import keys
from mnist_core.store.sweep import Sweep
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.design_form import free_design, one_change, usual_design
from mnist_core.ui.explained import ask_expectation_of_best
from mnist_core.ui.frame import page
from mnist_core.ui.lab import Lab
from mnist_core.ui.share import keep_lesson, lesson_of_link, share, show_task
from mnist_core.ui.sweep_view import watch
from mnist_core.ui.visitor import acting, visitor, whose
from mnist_core.ui.words import ago, escaped

LISTED = 30


def open_sweep(sweep_id: str) -> None:
    st.query_params["sweep"] = sweep_id
    st.rerun()


def leave_sweep() -> None:
    del st.query_params["sweep"]
    st.rerun()


def other_questions(lesson: Lesson) -> None:
    """To the questions, also from a design that stands in the address: *Change this design* leads back to it."""
    if not lesson.restricts:
        st.query_params.pop("design", None)
        st.session_state["lesson-Explore"].pop("design", None)
    leave_sweep()


def change_button(sweep: Sweep, lesson: Lesson) -> None:
    """Back to the form, filled with the design of this sweep."""
    if lesson.allows(sweep.design) and st.button("Change this design", icon=":material/edit:", key="change"):
        keep_lesson("Explore", replace(lesson, design=sweep.design))
        leave_sweep()


def questions(lab: Lab, lesson: Lesson) -> None:
    """Cards, each one click from its answer; a link to one puts it first, and a locked one shows it alone."""
    order = sorted(QUESTIONS, key=lambda name: name != lesson.question)
    if lesson.question and lesson.alone:
        order = order[:1]
    guess = ask_expectation_of_best()
    columns = st.columns(2)
    for i, name in enumerate(order):
        card = QUESTIONS[name]
        with columns[i % 2].container(border=True):
            st.markdown(f"**{card.title}**  \n{card.sentence}")
            if st.button("Find out", key=f"ask-{name}", icon=":material/play_arrow:", type="primary"):
                open_sweep(acting(lab).search(card.design, card.title, name, guess))
    st.caption("Each takes some seconds to half a minute on two cores, and says what to look for.")


def fair(lab: Lab, lesson: Lesson) -> None:
    st.markdown(
        "One setting changes, everything else stays: the same first weights wherever layers agree, and the same "
        "order of images. Several seeds show how much is luck."
    )
    design = one_change()
    guess = ask_expectation_of_best()
    if st.button("Start the experiment", type="primary", disabled=design is None, key="start-fair"):
        name = f"{design.space[0].spec.title}, {len(design.space[1].grid())} seeds"
        open_sweep(acting(lab).search(design, name, expected=guess))
    if design is not None:
        st.caption(f"{design.trials} runs.")
    give(design)


def own(lab: Lab, lesson: Lesson) -> None:
    if lesson.restricts and lesson.design is None:
        lesson = keep_lesson("Explore", replace(lesson, design=usual_design()))
    design = free_design(lesson)
    guess = ask_expectation_of_best()
    if st.button("Start the sweep", type="primary", disabled=design is None, key="start-sweep"):
        sweep_id = acting(lab).search(design, expected=guess)
        if lesson.design:
            keep_lesson("Explore", replace(lesson, design=design))
        open_sweep(sweep_id)
    if design is not None:
        st.caption(f"{design.trials} trials.")
    give(design)


def give(design: Design | None) -> None:
    """A link to a design. While its form is not right, what was written to go with it stays, with what it can lock."""
    if design is not None:
        st.session_state["base-given"] = design.base
    if base := st.session_state.get("base-given"):
        share(design and Lesson(design=design), [*DESIGN, *keys(base), *SWEEP, PARTS], opened=SWEEP)


def earlier(lab: Lab, lesson: Lesson) -> None:
    me = visitor(lab)
    found = SweepStore(lab.store.database).list(limit=LISTED, first=me.id)
    names = whose(lab, {sweep.owner for sweep in found})
    if not found:
        st.caption("None yet. Begin with a question.")
    for sweep in found:
        words = f"{sweep.trials} trials · {sweep.status} · {ago(sweep.created)}"
        words += "" if sweep.owner == me.id else f" · {escaped(names[sweep.owner])}"
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(sweep.name)}**  \n{words}")
            if st.button("Open", key=f"open-{sweep.id}", icon=":material/arrow_forward:"):
                open_sweep(sweep.id)
            if not sweep.active and me.may_change(sweep.owner):
                with st.popover("Delete", icon=":material/delete:"):
                    st.markdown("The sweep and all its runs go for good.")
                    if st.button("Yes, delete it", type="primary", key=f"delete-{sweep.id}"):
                        acting(lab).delete_sweep(sweep.id)
                        st.rerun()


HERE = {"Questions": questions, "One change": fair, "Own design": own, "Earlier": earlier}


def choose_part(lesson: Lesson) -> str:
    linked = "Own design" if lesson.design or (lesson.alone and not lesson.question) else "Questions"
    if lesson.alone:
        return linked
    chosen = st.segmented_control("Part", list(HERE), default=linked, key="part", label_visibility="collapsed")
    return chosen or linked


with page("Explore", "What does a setting do? Many small runs answer, and the comparison is fair.") as lab:
    lesson, _ = lesson_of_link("Explore")
    show_task(lesson)
    if sweep_id := st.query_params.get("sweep", ""):
        nothing_else = lesson.alone and not (lesson.design or lesson.question)
        with st.container(horizontal=True):
            if not nothing_else and st.button("Other questions", icon=":material/arrow_back:", key="back"):
                other_questions(lesson)
            change_button(SweepStore(lab.store.database).get(sweep_id), lesson)
        watch(lab, sweep_id, lesson)
        share(Lesson(), [*SWEEP, PARTS], sweep=sweep_id)
    else:
        HERE[choose_part(lesson)](lab, lesson)
