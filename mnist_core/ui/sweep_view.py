"""A sweep as it happens: progress, the best so far, pictures that keep their zoom, and what to do next."""

from __future__ import annotations

import streamlit as st

from mnist_core.errors import UnknownRun
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.questions import QUESTIONS
from mnist_core.explore.results import (
    OBJECTIVE_WORDS,
    best_setting,
    best_trial,
    by_seed,
    fates,
    groups,
    rows_of,
    seconds_left,
)  # fmt: skip
from mnist_core.explore.space import shown
from mnist_core.store.run import Run
from mnist_core.store.sweep import Sweep, Trial, room
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.design_form import say_incomplete
from mnist_core.ui.explained import show_foretold
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.menu import go
from mnist_core.ui.spread import say_unlike, show_spread
from mnist_core.ui.sweep_pictures import show_picture
from mnist_core.ui.trials import in_words, trial_table
from mnist_core.ui.turns import refreshing
from mnist_core.ui.visitor import acting, visitor, whose
from mnist_core.ui.words import STATUS, duration, escaped, percent

REFRESH_SECONDS = 1.0
MOST_MORE = 500
"""Trials that one click on *Continue* may add."""

COMPARED = 6
"""Of the best trials, when the reader goes on to the Compare page."""


def watch(lab: Lab, sweep_id: str, lesson: Lesson) -> None:
    """Draws a sweep and, while it is searching, draws it anew every second; what the lesson locks cannot be done."""
    sweep = SweepStore(lab.store.database).get(sweep_id)
    moving = _moving(lab, sweep)
    refreshing(REFRESH_SECONDS if moving else None)(_watch)(lab, sweep_id, (sweep.status, moving), lesson)


def _moving(lab: Lab, sweep: Sweep) -> bool:
    if sweep.active:
        return True
    run = _chosen(lab, sweep)
    return run is not None and run.active


def _chosen(lab: Lab, sweep: Sweep) -> Run | None:
    """The run that may see the test set; ``None`` as long as there is none, or when it was deleted."""
    try:
        return lab.store.get(sweep.chosen) if sweep.chosen else None
    except UnknownRun:
        return None


def _watch(lab: Lab, sweep_id: str, state: tuple[str, bool], lesson: Lesson) -> None:
    """``state``: the sweep's status, and whether anything of it moved, when the page was drawn as a whole."""
    with errors_in_words():
        sweeps = SweepStore(lab.store.database)
        sweep, trials = sweeps.get(sweep_id), sweeps.trials(sweep_id)
        paused = _paused(lab, sweep, trials)
        _headline(sweep, trials, all_paused=len(paused) == sum(trial.open for trial in trials) > 0)
        _say_paused(paused)
        _buttons(lab, sweep, trials, lesson)
        figure = show_picture(sweeps, sweep, trials)
        show_foretold(lab, sweep, trials)
        _spread(sweep, trials)
        _test_set(lab, sweeps, sweep, trials, lesson)
        trial_table(sweep, trials, figure)
        if (sweep.status, _moving(lab, sweep)) != state:
            st.rerun()


def _headline(sweep: Sweep, trials: list[Trial], all_paused: bool) -> None:
    done, best = sum(not trial.open for trial in trials), best_trial(sweep, trials)
    design = sweep.design
    ranges = ", ".join(dimension.text() for dimension in design.space)
    st.subheader(escaped(sweep.name), anchor=False)
    st.caption(escaped(f"{design.base.summary()} · varies {ranges} · {design.search.sampler}"))
    if sweep.question in QUESTIONS:
        st.info(f"**What to look for.** {QUESTIONS[sweep.question].look}", icon=":material/visibility:")
    words = f"{done} of {sweep.trials} trials"
    if sweep.active and sweep.wish:
        words += " · is being stopped"
    elif sweep.active and all_paused:
        words += " · waits for what is paused"
    elif sweep.active and done:
        words += f" · about {duration(seconds_left(sweep, trials))} left"
    elif sweep.active:
        words += " · the first one is on its way"
    else:
        words += f" · {sweep.status} after {duration(sweep.seconds)}"
    st.progress(min(1.0, done / max(1, sweep.trials)), text=words)
    if sweep.message and sweep.status in ("running", "finished"):
        st.info(escaped(sweep.message), icon=":material/timer_off:")
    elif sweep.message:
        st.error(escaped(sweep.message), icon=":material/error:")
    with st.container(horizontal=True):
        for state in ("pruned", "failed", "stopped", "running"):
            if count := sum(trial.state == state for trial in trials):
                st.metric("In training" if state == "running" else state.capitalize(), count, width="content")
        if best:
            metric, setting = sweep.objectives[0][0], best_setting(sweep, trials)
            words = OBJECTIVE_WORDS[metric]
            if setting:
                st.metric(f"Best mean {words} over seeds", in_words(metric, setting.mean), width="content")
            of = " of a single run" if setting else ""
            st.metric(f"Best {words}{of}", in_words(metric, best.value), width="content")
    if best:  # in lines that a phone wraps: in a metric it would cut off what is best
        if setting:
            st.markdown(f"Best mean of {setting.seeds} seeds with **{escaped(setting.name)}**")
        st.markdown(f"Best{of} with **{escaped(shown(best.params))}**")
    # What was stopped comes again, if more trials follow.
    tried = (sweep.trials if sweep.active else len(trials)) - sum(trial.state == "stopped" for trial in trials)
    say_incomplete(design, tried)
    if sweep.objectives[0][0] == "val_loss":
        say_unlike(design.unlike_losses)


def _paused(lab: Lab, sweep: Sweep, trials: list[Trial]) -> list[Trial]:
    """Trials that somebody has paused."""
    training = [trial for trial in trials if trial.open] if sweep.active else []
    paused = {run.id for run in lab.store.list(statuses=("paused",))} if training else set()
    return [trial for trial in training if trial.run_id in paused]


def _say_paused(paused: list[Trial]) -> None:
    """A search waits for a trial that is paused; nothing else would tell why it stands still."""
    for trial in paused:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"Trial {trial.number} is paused, and the search waits for it: resume or stop it.")
            if st.button("Show its run", icon=":material/arrow_forward:", key=f"paused-{trial.run_id}"):
                go("Train", run=trial.run_id)


def _buttons(lab: Lab, sweep: Sweep, trials: list[Trial], lesson: Lesson) -> None:
    mine = visitor(lab).may_change(sweep.owner)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not mine:
            st.caption(f"This sweep belongs to {escaped(whose(lab, [sweep.owner])[sweep.owner])}.")
        if sweep.active and sweep.wish:
            st.caption("Asked to stop …")
        elif sweep.active and mine and not lesson.hides("sweep.stop"):
            locked, words = lesson.locks("sweep.stop"), "What was found is kept."
            if st.button("Stop", icon=":material/stop:", key="stop-sweep", help=words, disabled=locked):
                acting(lab).stop_search(sweep.id)
                st.rerun(scope="app")
        left = 0 if sweep.active or not mine or lesson.hides("sweep.continue") else min(MOST_MORE, room(sweep, trials))
        if left:
            locked = lesson.locks("sweep.continue")
            usual = left if sweep.design.search.sampler == "grid" else min(10, left)
            more = st.number_input("More trials", 1, left, usual, key="more", width=140, disabled=locked)
            if st.button("Continue", icon=":material/play_arrow:", key="continue", disabled=locked):
                acting(lab).go_on(sweep.id, int(more))
                st.rerun(scope="app")
        done = [trial for trial in rows_of(sweep, trials) if trial.state == "complete" and trial.run_id]
        if len(done) >= 2 and st.button("Compare the best", icon=":material/compare_arrows:", key="compare-best"):
            go("Compare", runs=",".join(trial.run_id for trial in done[:COMPARED]))


def _spread(sweep: Sweep, trials: list[Trial]) -> None:
    """Where seeds were repeated: their spread, and whether a difference is more than that."""
    if not any(dimension.key == "seed" for dimension in sweep.design.space):
        return
    (metric, direction), together = sweep.objectives[0], groups(sweep, trials)
    values = {label: by_seed(group) for label, group in together.items()}
    ends = {label: fates(group) for label, group in together.items()}
    words, higher = OBJECTIVE_WORDS[metric], direction == "maximize"
    show_spread(values, ends, f"spread-{sweep.id}", words, higher, metric == "val_accuracy")


def _test_set(lab: Lab, sweeps: SweepStore, sweep: Sweep, trials: list[Trial], lesson: Lesson) -> None:
    with st.expander("The test set, once", expanded=bool(sweep.chosen)):
        st.caption(
            "Trials are compared by held-out images alone. Who picks the best of many by the test set has begun to "
            "learn the test set by heart, and its mark then promises too much. So it is used once, for one chosen run."
        )
        if sweep.chosen and sweeps.unscored(sweep):
            word = STATUS[lab.store.get(sweep.chosen).status][1]
            st.warning(
                f"Run {sweep.chosen} is {word} and was not scored, so nobody has seen the test set. Choose again.",
                icon=":material/replay:",
            )
        elif sweep.chosen:
            run = _chosen(lab, sweep)
            if run is None:
                st.info("The run that was chosen has been deleted since. The test set is used once.")
            elif run.usable:
                st.metric(f"Test accuracy of run {run.id}", percent(run.test_accuracy), width="content")
                if st.button("See where it errs", icon=":material/grid_on:", key="evaluate-chosen"):
                    go("Evaluate", run=run.id)
            else:
                st.caption(f"Run {run.id} is being scored …")
            return
        done = [trial for trial in rows_of(sweep, trials) if trial.state == "complete" and trial.run_id]
        if sweep.active or not done:
            none = "No trial that was completed is left, so there is none to choose."
            st.caption("Wait for the end of the search, then choose." if sweep.active else none)
            return
        if lesson.hides("sweep.score") or not visitor(lab).may_change(sweep.owner):
            return
        locked = lesson.locks("sweep.score")
        ids, metric = {trial.run_id: trial for trial in done}, sweep.objectives[0][0]

        def label(run_id: str) -> str:
            trial = ids[run_id]
            value = f"{OBJECTIVE_WORDS[metric]} {in_words(metric, trial.value)}"
            return f"no. {trial.number}: {value}, with {shown(trial.params)}"

        run_id = st.selectbox("Run", list(ids), key="to-score", disabled=locked, format_func=label)
        if st.button("Score this run on the test set", icon=":material/verified:", key="score", disabled=locked):
            acting(lab).choose(sweep.id, run_id)
            st.rerun(scope="app")
