"""Spoiling one digit by a slider, and a run's accuracy under each corruption."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st

from mnist_core import evaluation, ink
from mnist_core.engine.tasks import SPOILED
from mnist_core.errors import EmptyDrawing
from mnist_core.robustness import FIGURES
from mnist_core.robustness.corruptions import CORRUPTIONS, USUAL, corrupt
from mnist_core.store.run import Run
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui import charts
from mnist_core.ui.answer import answer
from mnist_core.ui.canvas import PAPER_RGB, drawing_canvas
from mnist_core.ui.digits import picture
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.lab import Lab, test_set
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.once import once
from mnist_core.ui.reading import reading
from mnist_core.ui.take import take_along
from mnist_core.ui.visitor import visitor
from mnist_core.ui.words import percent


@st.fragment
def try_one(lab: Lab, run: Run) -> None:
    """One digit before and after, with what the network makes of both."""
    st.subheader("Spoil a digit")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sources = ["a test image", "my drawing"]
        source = st.segmented_control("Digit", sources, default=sources[0], key="spoil-source")
        name = st.selectbox("How", list(CORRUPTIONS), format_func=lambda key: CORRUPTIONS[key].name, key="spoil-how")
        strength = st.slider(
            "How much", 0.0, 1.0, USUAL, 0.05, key="spoil-strength", help=f"Networks are judged at {USUAL}, below."
        )
    st.caption(CORRUPTIONS[name].sentence)
    image = _drawn() if source == "my drawing" else _test_image(lab)
    if image is None:
        st.info("Draw a digit, and here appears what is left of it.", icon=":material/draw:")
        return
    spoiled = corrupt(image[None], name, strength)[0]
    columns = st.columns(2, gap="large")
    for column, title, shown in zip(columns, ("As it was", "Spoiled"), (image, spoiled), strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.html(picture(shown, f"{title}: 28 by 28 pixels", "160px"))
            answer(lab, run, shown, place=title)


def _test_image(lab: Lab) -> np.ndarray:
    images, _ = test_set(lab.settings.data)
    return images[int(st.number_input("Number of the test image", 0, len(images) - 1, 0, key="spoil-image"))]


def _drawn() -> np.ndarray | None:
    drawn = drawing_canvas("spoil-canvas")
    try:
        if drawn is None:
            return None
        canvas = ink.canvas(drawn, PAPER_RGB)
        return once("spoil-drawn", canvas.digest, lambda: ink.trace(canvas).image)
    except EmptyDrawing:
        return None


def _measured(lab: Lab, run: Run, names: list[str]) -> dict[str, float]:
    """Has a worker measure so many, with a bar; the store keeps each, also if a later one fails."""
    bar = st.progress(0.0)
    known = {}
    try:
        for done, name in enumerate(names):
            bar.progress(done / len(names), f"Spoiling by {CORRUPTIONS[name].name} …")
            lab.predictions.take(visitor(lab).id)
            known[name] = lab.engine.accuracy_under(run.id, name)
    finally:
        bar.empty()
    return known


@st.fragment
def accuracies(lab: Lab, run: Run) -> None:
    """A bar for each corruption; a worker measures those that are not known yet."""
    st.subheader("Accuracy under each corruption")
    known: dict[str, float] = json.loads(lab.store.load_blob(run.id, FIGURES) or "{}")
    missing = [name for name in CORRUPTIONS if name not in known]
    if missing:
        st.caption(
            f"The first {SPOILED:,} test images are spoiled in fifteen ways, those of MNIST-C (Mu and Gilmer, 2019), "
            "and read by the network. That takes half a minute."
        )
        label = "Measure" if len(missing) == len(CORRUPTIONS) else "Measure the rest"
        if not st.button(label, icon=":material/speed:", type="primary", key="robustness"):
            return
        with errors_in_words():
            known |= _measured(lab, run, missing)
    if len(known) < len(CORRUPTIONS):
        return  # a mean of some would be told as that of all
    ordered = sorted(known, key=known.get)
    mean = float(np.mean(list(known.values())))
    read = reading(lab.settings.database_url, run.id, run.ended, lab.settings.data)
    images = len(read.labels) if run.id == FLAGSHIP else min(SPOILED, len(read.labels))
    clean = evaluation.accuracy(read.labels[:images], read.raw[:images])
    with st.container(horizontal=True):
        st.metric("On clean test images", percent(clean), width="content")
        st.metric("Mean under corruption", percent(mean), width="content")
        st.metric("Worst", f"{percent(known[ordered[0]])} ({CORRUPTIONS[ordered[0]].name})", width="content")
    which = "all" if images == len(read.labels) else "the first"
    st.caption(f"Each figure is of the same test images: {which} {images:,}.")
    names = [CORRUPTIONS[name].name for name in ordered]
    figure = charts.named_bars(names, [known[name] for name in ordered], "accuracy")
    words = f"Accuracy under each corruption; mean {mean:.1%}, worst {names[0]} with {known[ordered[0]]:.1%}."
    live_chart(figure, "robustness", words, height=figure["layout"]["height"])
    rows = [{"corruption": CORRUPTIONS[name].name, "accuracy": known[name]} for name in ordered]
    take_along(f"robustness-{run.id}", rows, figure)
