"""A run as it happens: progress, buttons and curves, carried from the store into the session once a second."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from mnist_core.diagnosis import judged_by
from mnist_core.store.run import RESUMABLE, USABLE, Run
from mnist_core.ui import charts, published
from mnist_core.ui.fine_tuned import before_and_after, is_fine_tuning
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.menu import go
from mnist_core.ui.queue import waiting
from mnist_core.ui.take import figure_button
from mnist_core.ui.turns import refreshing
from mnist_core.ui.visitor import acting, visitor, whose
from mnist_core.ui.words import ago, badge, duration, escaped, percent

REFRESH_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 3.0
"""For a run that waits for somebody, who may sit at another computer."""
NO_REASON = "Nothing is known of the reason; the engine's log may tell it."
BEGINNINGS = ("Starts on", "Goes on")
HISTORIES_KEPT = 4
"""Runs whose points a session remembers; older ones are read from the store again."""


def watch(lab: Lab, run_id: str) -> None:
    """Draws a run and, while it is not at its end, draws it anew every moment."""
    run = lab.store.get(run_id)
    seconds = REFRESH_SECONDS if run.active else LOOK_AGAIN_SECONDS if run.status in RESUMABLE else None
    refreshing(seconds)(_watch)(lab, run_id, run.status)


def history(lab: Lab, run_id: str) -> dict[str, list[dict[str, Any]]]:
    """Epochs and batches of a run in ``st.session_state``, with those added that are new in the store."""
    histories = st.session_state.setdefault("histories", {})
    rows = histories.pop(run_id, {"epochs": [], "batches": []})
    last_epoch = rows["epochs"][-1]["epoch"] if rows["epochs"] else 0
    last_step = rows["batches"][-1]["step"] if rows["batches"] else 0
    rows["epochs"] += lab.store.epochs(run_id, after=last_epoch)
    rows["batches"] += lab.store.batches(run_id, after=last_step)
    if len(rows["batches"]) > 2 * charts.MOST_POINTS:
        # A session keeps no more than can be drawn; the store keeps all.
        rows["batches"] = list(charts.thin(rows["batches"], charts.MOST_POINTS))
    histories[run_id] = rows
    while len(histories) > HISTORIES_KEPT:
        del histories[next(iter(histories))]
    return rows


def _watch(lab: Lab, run_id: str, status: str) -> None:
    with errors_in_words():
        run, rows = lab.store.get(run_id), history(lab, run_id)
        last = rows["epochs"][-1] if rows["epochs"] else None
        _headline(lab, run, rows["epochs"])
        _buttons(lab, run)
        st.caption(escaped(_how(lab, run)))
        if run.usable:
            published.comparison(run, last)
        if is_fine_tuning(run):
            before_and_after(lab, run)
        if not run.uploaded:
            _curves(run, rows)
        if run.status != status:
            st.rerun()


def _headline(lab: Lab, run: Run, rows: list[dict[str, Any]]) -> None:
    st.markdown(f"### {escaped(run.name)} {badge(run.status)}")
    if run.message and run.status in ("running", "stopped"):
        st.info(escaped(run.message), icon=":material/timer_off:")
    if run.status == "queued":
        st.progress(0.0, text=waiting(lab, run))
    elif run.status in ("failed", "interrupted"):
        st.error(escaped(run.message or NO_REASON), icon=":material/error:")
    elif run.status == "cancelled":
        st.info("This run was taken back before it began. *Change and train again* stands below.")
    elif run.uploaded:
        st.info("This network was trained elsewhere and brought in as a file, so there are no curves of its training.")
    elif not run.steps:
        st.progress(0.0, text="Building and compiling the network …")
    else:
        st.progress(1.0 if run.ended_early else run.progress, text=_progress(run))
    with st.container(horizontal=True):
        if run.test_accuracy is not None:
            st.metric("Test accuracy", percent(run.test_accuracy), width="content")
        if rows:
            # Once it has ended, of the weights that were kept, as the test accuracy is; a trial's before it is scored.
            row = judged_by(run.settings, rows, "accuracy") if run.status in USABLE else rows[-1]
            st.metric("Training accuracy", percent(row["accuracy"]), width="content")
            st.metric("Validation accuracy", percent(row["val_accuracy"]), width="content")
        if run.images_per_second:
            st.metric("Images a second", f"{run.images_per_second:,.0f}", width="content")
        if run.parameters:
            st.metric("Parameters", f"{run.parameters:,}", width="content")


def _progress(run: Run) -> str:
    config = run.settings
    now = min(run.epoch + 1, config.epochs)
    if run.ended_early:
        return (
            f"Stopped early after epoch {run.epoch} of {config.epochs}, as the held-out loss no longer fell"
            f" · {duration(run.train_seconds)} of training · {run.device}"
        )
    text = f"{config.architecture.unit.capitalize()} {now if run.active else run.epoch} of {config.epochs}"
    if config.training.steps and config.architecture.family == "network":
        text = f"Step {run.step:,} of {run.steps:,}"
    text += f" · {run.progress:.0%}"
    if run.status == "running" and run.step:
        # By the clock since it began, which counts validation too; after a pause by training time alone.
        spent = time.time() - run.started if run.started and not run.resumed else run.train_seconds
        text += f" · about {duration(spent / run.step * (run.steps - run.step))} left"
    elif not run.active:
        text += f" · {duration(run.train_seconds)} of training"
    return f"{text} · {run.device}"


def _how(lab: Lab, run: Run) -> str:
    """Device, compiler and precision, and why these: what the worker wrote down when it began. Before the first step,
    what it does until then."""
    told = [event["text"] for event in lab.store.events(run.id)]
    beginnings = [text for text in told if text.startswith(BEGINNINGS)]
    if run.status == "running" and not run.step:
        return " ".join(dict.fromkeys([*beginnings[-1:], *told[-1:]]))
    return beginnings[-1] if beginnings else ""


def _buttons(lab: Lab, run: Run) -> None:
    mine = visitor(lab).may_change(run.owner)
    with st.container(horizontal=True, vertical_alignment="center"):
        if not mine and (run.active or run.status in RESUMABLE):
            st.caption(f"This run belongs to {escaped(whose(lab, [run.owner])[run.owner])}.")
        if run.active and not run.wish and mine:
            if run.status == "running" and st.button("Pause", icon=":material/pause:", key="pause"):
                acting(lab).ask(run.id, "pause")
                st.rerun(scope="app")
            label, words = ("Stop", "Stops now and keeps the weights.") if run.step else ("Cancel", "Takes it back.")
            if st.button(label, icon=":material/stop:", key="stop", help=words):
                acting(lab).ask(run.id, "stop")
                st.rerun(scope="app")
        elif run.wish:
            st.caption(f"Asked to {run.wish} …")
        if run.status in RESUMABLE and mine:
            if st.button("Resume", icon=":material/play_arrow:", key="resume", type="primary"):
                acting(lab).resume(run.id)
                st.rerun(scope="app")
            if st.button("Stop and keep the weights", icon=":material/stop:", key="stop"):
                acting(lab).ask(run.id, "stop")
                st.rerun(scope="app")
        if run.usable:
            if st.button("See where it errs", icon=":material/grid_on:", key="evaluate", type="primary"):
                go("Evaluate", run=run.id)
            if st.button("Draw a digit for it", icon=":material/draw:", key="draw"):
                go("Draw", run=run.id)


def _curves(run: Run, rows: dict[str, list[dict[str, Any]]]) -> None:
    config = run.settings
    unit, reported = config.architecture.unit, published.points(run)
    columns = st.columns(2)
    for column, metric in zip(columns, charts.CURVE_NAMES, strict=True):
        with column:
            st.markdown(f"**{charts.CURVE_NAMES[metric]} by {unit}**")
            figure = charts.curve(rows["epochs"], metric, config.epochs, unit, reported)
            live_chart(figure, f"{metric}-{run.id}", _described(rows["epochs"], metric, unit))
            _take(figure, f"{metric}-{run.id}", run, rows["epochs"])
    if config.architecture.family == "classical":
        st.caption("Training curves are of the first 10,000 training images.")
        return
    every = config.training.history
    st.markdown(f"**Every {every:,} steps**" if every else "**Batch by batch**")
    words = f"Loss and accuracy of {len(rows['batches'])} moments of training."
    figure = charts.batch_curve(rows["batches"], run.steps)
    live_chart(figure, f"batches-{run.id}", words, height=240)
    _take(figure, f"batches-{run.id}", run, rows["batches"])


def _take(figure: dict[str, Any], name: str, run: Run, points: list[dict[str, Any]]) -> None:
    """Of a run that trains, curves are drawn every second and not complete."""
    if points and not run.active:
        figure_button(figure, name)


def _described(epochs: list[dict[str, Any]], metric: str, unit: str) -> str:
    if not epochs:
        return f"The {metric} curve; no {unit} is complete yet."
    last = epochs[-1]
    held_out = "" if last[f"val_{metric}"] is None else f", validation {last[f'val_{metric}']:.4f}"
    units = unit if last["epoch"] == 1 else f"{unit}s"
    return f"The {metric} curve over {last['epoch']:,} {units}; last: training {last[metric]:.4f}{held_out}."


def diary(lab: Lab, run_id: str) -> None:
    """The run's events: where it ran and why so, pauses, and how it ended."""
    for event in lab.store.events(run_id):
        st.markdown(f"- {ago(event['time'])}: {escaped(event['text'])}")
