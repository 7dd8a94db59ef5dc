"""Train: choose a network and its hyperparameters, then watch it learn."""

from pathlib import Path

import numpy as np
import streamlit as st

import mnist_core.training
from mnist_core.config import SECTIONS, RunConfig
from mnist_core.explore.lesson import Lesson
from mnist_core.recipes import RECIPES, recipe
from mnist_core.training.estimate import expected_seconds
from mnist_core.ui import charts
from mnist_core.ui.draft import begin_with, draft_of_link
from mnist_core.ui.explained import ask_expectation, remember, show_explanation
from mnist_core.ui.fine_tuned import is_fine_tuning, repeat_button
from mnist_core.ui.forms import config_form
from mnist_core.ui.frame import page
from mnist_core.ui.lab import Lab
from mnist_core.ui.live import diary, watch
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.network import graph, layer_table
from mnist_core.ui.queue import pace
from mnist_core.ui.share import kept_lesson, share, show_task
from mnist_core.ui.take import figure_button, tensorboard_button
from mnist_core.ui.trials import to_its_search
from mnist_core.ui.visitor import acting
from mnist_core.ui.weights import untrained
from mnist_core.ui.words import duration, percent

LOOP = Path(mnist_core.training.__file__).with_name("tape.py")


def choose_recipe() -> None:
    name = st.session_state["recipe-choice"]
    begin_with(recipe(name).config, name)


def show_schedule(config: RunConfig) -> None:
    """The learning rate from first to last step, as far as it is known before training."""
    per_epoch, total = config.steps_per_epoch, config.total_steps
    steps = np.unique(np.linspace(0, total - 1, 300).astype(int))
    rates = config.optimizer.learning_rate * config.schedule.factors(steps, total, per_epoch)
    st.markdown("**Learning rate by step**")
    figure = charts.line((steps / per_epoch).tolist(), rates.tolist(), "epoch", "learning rate")
    live_chart(figure, "schedule", f"Learning rate, {config.schedule.label}.", height=200)
    figure_button(figure, "schedule")


def describe(name: str) -> None:
    """The recipe to start from, and what its author reported."""
    if name not in RECIPES:
        st.caption("The settings of a link or an earlier run.")
        return
    found = RECIPES[name]
    st.caption(f"{found.sentence} {found.note}")
    if found.published:
        st.caption(f"{found.source}; {found.measure_in_words} as published: {percent(found.published[found.measure])}.")


def show_loop(config: RunConfig) -> None:
    """The explicit loops of training, validation and test, to be read: the very file that runs."""
    if config.training.loop == "tape" and config.architecture.family == "network":
        with st.expander("The loops of training and testing, as they are run"):
            st.code(LOOP.read_text(encoding="utf-8"), language="python")


def set_up(lab: Lab, lesson: Lesson) -> None:
    names = list(RECIPES)
    chosen = st.session_state["recipe"]
    form, preview = st.columns([5, 4], gap="large")
    with form:
        if not lesson.restricts:
            st.selectbox(
                "Recipe to start from",
                names,
                index=names.index(chosen) if chosen in names else 0,
                format_func=lambda name: RECIPES[name].title,
                key="recipe-choice",
                on_change=choose_recipe,
                help="Fills in all settings below; change what you like.",
            )
            describe(chosen)
        start_here = st.container()
        with start_here:
            guess = ask_expectation()
        config = config_form(st.session_state["draft"], str(st.session_state["version"]), lesson)
    st.session_state["draft"] = config or st.session_state["draft"]
    controls = [*SECTIONS, *st.session_state["draft"].flat()]
    if config is None:
        start_here.button("Train", type="primary", disabled=True, key="train", width="stretch")
        with preview:
            share(None, controls)
        return
    seconds = expected_seconds(config, pace(lab.settings.database_url))
    with start_here:
        if st.button("Train", type="primary", icon=":material/play_arrow:", key="train", width="stretch"):
            same = chosen in names and config == RECIPES[chosen].config
            st.query_params["run"] = remember(lab, acting(lab).train(config, chosen if same else ""), guess)
            st.rerun()
        parameters = f"{config.parameters:,} parameters · " if config.parameters else ""
        st.caption(f"{config.summary()} · {parameters}about {duration(seconds)}")
    with preview:
        st.markdown("**The network**")
        graph(config)
        with st.expander("Layers and parameters", expanded=True):
            layer_table(config)
            if config.architecture.family == "network":
                untrained(config)
        if config.architecture.family == "network":
            show_schedule(config)
        show_loop(config)
        share(Lesson(config), controls)


with page("Train", "Choose a network and how it learns, and watch it get better.") as lab:
    run_id = st.query_params.get("run", "")
    lesson = kept_lesson("Train") if run_id else draft_of_link()
    show_task(lesson)
    if not run_id:
        set_up(lab, lesson)
    else:
        with st.container(horizontal=True):
            back = st.button("Set up another run", icon=":material/add:", key="another")
            to_its_search(lab, run_id)
        run = None if back else lab.store.get(run_id)
        if back:
            del st.query_params["run"]
            st.rerun()
        watch(lab, run_id)
        show_explanation(lab, run)
        with st.expander("Settings of this run"):
            if run.uploaded:
                st.caption("How it was trained is not in its file, so it cannot be trained again here.")
            elif st.button("Change and train again", icon=":material/edit:", key="again"):
                begin_with(run.settings, run.recipe)
                del st.query_params["run"]
                st.rerun()
            if is_fine_tuning(run):
                repeat_button(lab, run)
            st.json(run.settings.flat(), expanded=True)
            layer_table(run.settings)
        show_loop(run.settings)
        with st.expander("What happened to it"):
            diary(lab, run_id)
            if run.epoch and not run.active:
                tensorboard_button(lab.store, [run])
