"""Home: what this is, how the engine is, the latest runs, and where to start."""

import streamlit as st

from mnist_core import gpus
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui.frame import errors_in_words, page
from mnist_core.ui.lab import Lab
from mnist_core.ui.menu import PAGES, go
from mnist_core.ui.queue import show_queue
from mnist_core.ui.turns import refreshing
from mnist_core.ui.visitor import visitor, whose
from mnist_core.ui.words import ago, badge, escaped, percent

REFRESH_SECONDS = 2.0

STEPS = (
    ("Look at the digits", "Data", "70,000 pictures of handwriting."),
    ("Train a network", "Train", "The quick recipe takes seconds."),
    ("See where it errs", "Evaluate", "Which digits does it mistake?"),
    ("Draw a digit", "Draw", "With mouse, finger or pen."),
)


def where_to_start(lab: Lab) -> None:
    next_step = 3 if any(run.usable for run in lab.store.list(limit=8, own=True)) else 1
    for i, (column, (label, name, words)) in enumerate(zip(st.columns(len(STEPS)), STEPS, strict=True)):
        kind = "primary" if i == next_step else "secondary"
        if column.button(label, icon=PAGES[name][1], key=f"go-{name}", type=kind, width="stretch"):
            go(name)
        column.caption(words)


@refreshing(REFRESH_SECONDS)
def news(lab: Lab) -> None:
    """What changes while the reader looks."""
    with errors_in_words():
        latest_runs(lab)
        show_queue(lab)
        devices(lab)


def latest_runs(lab: Lab) -> None:
    st.subheader("Latest runs")
    me = visitor(lab).id
    runs = lab.store.list(limit=8, own=True, first=me)
    names = whose(lab, {run.owner for run in runs})
    sweeps = SweepStore(lab.store.database).list(limit=1, first=me)
    if not runs and not sweeps:
        st.info("Nothing has been trained yet. Begin with *Train a network*.", icon=":material/lightbulb:")
    for run in runs:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            by = "" if run.owner == me or len(names) == 1 else f" · {escaped(names[run.owner])}"
            st.markdown(f"**{escaped(run.name)}**  \n{escaped(run.summary)} · {ago(run.created)}{by}")
            st.markdown(f"{badge(run.status)} {percent(run.test_accuracy) if run.usable else ''}", width="content")
            if st.button("Open", key=f"open-{run.id}", icon=":material/arrow_forward:"):
                go("Train", run=run.id)
    for sweep in sweeps:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            words = f"{sweep.trials} trials · {sweep.status} · {ago(sweep.created)}"
            st.markdown(f"Latest sweep: **{escaped(sweep.name)}**  \n{words}")
            if st.button("Open", key="open-sweep", icon=":material/arrow_forward:"):
                go("Explore", sweep=sweep.id)


def devices(lab: Lab) -> None:
    """The processors at work: each GPU by name, or the CPU."""
    st.subheader("Engine")
    engine = lab.engine.ensure()
    trainers = [worker for worker in engine.workers if worker["kind"] == "train"]
    if engine.state == "broken":
        st.error(f"The engine cannot work. {escaped(engine.problem)}", icon=":material/error:")
    elif not engine.workers:
        st.caption("The engine is starting: in a few seconds it stands here which processors it has.")
    for worker in engine.workers:
        task = "trains networks" if worker["kind"] == "train" else "answers drawings"
        if worker.get("problem"):
            st.error(f"A worker that {task} cannot work. {escaped(worker['problem'])}", icon=":material/error:")
        else:
            ready = f"**{escaped(worker['device'])}** {task}"
            st.markdown(f"- {ready if worker['ready'] else f'A worker that {task} is warming up'}")
    if engine.unused_gpu:
        unused = gpus.UNUSED_BY_WORKER.format(host=engine.unused_gpu)
        st.caption(escaped(f"{unused}, which is fast enough for MNIST. {gpus.MEND}"))
    elif trainers and all(worker["ready"] and not worker.get("gpu") for worker in trainers):
        st.caption("No GPU here: everything runs on the processor (CPU), which is fast enough for MNIST.")


with page(
    "MNIST Lab",
    "Choose a neural network, watch it learn real handwriting, and see where it errs. "
    "Then draw a digit and let it read yours.",
) as lab:
    where_to_start(lab)
    news(lab)
