"""The queue as visitors see it: who waits, at which place, until about when, and a way to take one's run back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.store.run import Run
from mnist_core.training.estimate import correction, expected_seconds
from mnist_core.turns import expected_starts
from mnist_core.ui.errors import errors_in_words
from mnist_core.ui.lab import Lab, lab
from mnist_core.ui.turns import refreshing
from mnist_core.ui.visitor import acting, visitor, whose
from mnist_core.ui.words import duration, escaped

REFRESH_SECONDS = 2.0
LISTED = 10
EARLIER = 20
"""Finished runs by which the pace of this machine is judged."""


@dataclass(frozen=True)
class Place:
    """Where a run stands in the queue (1 is next), and in how many seconds it can be expected to begin.

    ``None`` seconds: nobody is there to train it.
    """

    place: int
    seconds: float | None
    run: Run


def places(here: Lab) -> dict[str, Place]:
    """All waiting runs by id, next first; looked up once for all visitors."""
    workers = len(here.engine.ensure().of("train"))
    return _places(here.settings.database_url, workers)


@st.cache_data(ttl=REFRESH_SECONDS, max_entries=4, show_spinner=False)
def _places(database_url: str, workers: int) -> dict[str, Place]:
    store = lab().store
    waiting = {run.id: run for run in store.list(statuses=("queued",))}
    order = [waiting[run_id] for run_id in store.queue() if run_id in waiting]
    if not order:
        return {}
    slower = pace(database_url)
    remaining = [_left(run, slower) for run in store.list(statuses=("running",))]
    needed = [_left(run, slower) for run in order]
    starts = expected_starts(needed, remaining, workers) if workers else [None] * len(order)
    return {run.id: Place(i, start, run) for i, (run, start) in enumerate(zip(order, starts, strict=True), 1)}


@st.cache_data(ttl=60.0, max_entries=4, show_spinner=False)
def pace(database_url: str) -> float:
    """How much slower this machine trains than the first guess says; looked up once a minute for all visitors."""
    return correction(lab().store.list(statuses=("finished",), limit=EARLIER))


def _left(run: Run, slower: float) -> float:
    """Seconds that a run still needs, by its pace so far or else by its arithmetic."""
    if run.status == "running" and run.step:
        spent = time.time() - run.started if run.started and not run.resumed else run.train_seconds
        return spent / run.step * (run.steps - run.step)
    return _whole(run.config, slower) * (1 - run.progress)


@lru_cache(maxsize=512)
def _whole(config: str, slower: float) -> float:
    try:
        return expected_seconds(RunConfig.parse(config), slower)
    except ConfigError:  # of another version; it will fail at once
        return 0.0


def waiting(here: Lab, run: Run) -> str:
    """What a waiting run's page says."""
    status = here.engine.ensure()
    if status.state == "broken":
        return f"Waiting, but the engine cannot work: {escaped(status.problem)}"
    if not status.ready:
        return "Waiting for the engine, which is warming up: a few seconds."
    queue = places(here)
    if run.id not in queue:
        return "Waiting: it is next."
    found = queue[run.id]
    return f"Waiting: place {found.place} of {len(queue)} in the queue, {_when(found.seconds)}."


@refreshing(REFRESH_SECONDS)
def watch_queue() -> None:
    """The queue, drawn anew as it moves."""
    with errors_in_words():
        show_queue(lab())


def show_queue(here: Lab) -> None:
    """The queue, as long as something waits."""
    queue, me = places(here), visitor(here)
    if not queue:
        return
    names = whose(here, {found.run.owner for found in queue.values()})
    st.markdown(f"**Waiting: {len(queue)}**")
    for found in list(queue.values())[:LISTED]:
        _line(here, found, names, me.may_change(found.run.owner) and found.run.wish != "stop")
    words = f"And {len(queue) - LISTED} more after them. " if len(queue) > LISTED else ""
    if len(names) > 1:
        words += "Visitors take turns: who has many runs waiting does not hold up who has one."
    if words:
        st.caption(words)


def _line(here: Lab, found: Place, names: dict[str, str], mine: bool) -> None:
    run = found.run
    with st.container(horizontal=True, vertical_alignment="center"):
        by = f" · {escaped(names[run.owner])}" if len(names) > 1 else ""
        st.markdown(f"**{found.place}.** {escaped(run.name)}{by} · {_when(found.seconds)}")
        if mine and st.button("Cancel" if not run.step else "Stop", key=f"cancel-{run.id}", icon=":material/close:"):
            acting(here).ask(run.id, "stop")
            _places.clear()
            st.rerun()


def _when(seconds: float | None) -> str:
    if seconds is None:
        return "begins as soon as there is a worker that trains"
    return "begins at any moment" if seconds < 1 else f"begins in about {duration(seconds)}"
