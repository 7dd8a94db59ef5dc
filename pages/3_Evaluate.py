"""Evaluate: where a trained network is right, where it errs, and how sure it is of it."""

import numpy as np
import streamlit as st

from mnist_core.ui import charts
from mnist_core.ui.certainty import reliability
from mnist_core.ui.choose import choose_run
from mnist_core.ui.data_table import data_table
from mnist_core.ui.digits import gallery, picture
from mnist_core.ui.frame import page
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.probabilities import probability_bars
from mnist_core.ui.published import comparison, published_recipe, report_rows
from mnist_core.ui.reading import Reading, reading
from mnist_core.ui.take import figure_button, take_along
from mnist_core.ui.weights import inside
from mnist_core.ui.words import percent

SHOWN = 48

DISTANCES = (
    "This model knows distances from its dividing lines and no probabilities. A softmax of the distances stands in: it "
    "ranks the digits as the model does, but how sure it looks, and the loss made of it, mean little."
)


def marks(run, read: Reading) -> None:
    with st.container(horizontal=True):
        st.metric("Test accuracy", percent(run.test_accuracy), width="content")
        st.metric("Test loss", f"{run.test_loss:.4f}", width="content")
        st.metric("Read wrongly", f"{len(read.mistakes):,} of {len(read.labels):,}", width="content")
        if run.uploaded:
            st.metric("Origin", run.origin, width="content")
        else:
            st.metric(f"{getattr(run.architecture, 'unit', 'epoch').capitalize()}s", run.epoch, width="content")
    if not getattr(run.architecture, "probabilistic", True):
        st.caption(DISTANCES)


def confusion(read: Reading) -> None:
    st.subheader("Which digits are mistaken for which")
    shown = st.segmented_control("Show", ["counts", "percent of row"], default="counts", key="show")
    figure = charts.confusion(read.matrix, percent=shown == "percent of row")
    columns = st.columns([3, 2])
    with columns[0]:
        live_chart(figure, "confusion", "Confusion matrix.", height=460, on_click=_cell_clicked)
        figure_button(figure, f"confusion-{st.query_params['run']}")
    with columns[1]:
        st.info("Click a cell to see its images, or choose here.", icon=":material/touch_app:")
        if "cell-true" not in st.session_state:
            # The most frequent mistake to begin with.
            off = read.matrix - np.diag(np.diag(read.matrix))
            _choose_cell(*np.unravel_index(off.argmax(), off.shape))
        with st.container(horizontal=True):
            true = st.selectbox("A digit that is", range(10), key="cell-true")
            taken_for = st.selectbox("and was read as", range(10), key="cell-read")
        found = read.cell(true, taken_for)
        st.markdown(f"**{len(found):,} images of a {true} read as {taken_for}**")
        show(read, found)


def _cell_clicked(read, true) -> None:
    _choose_cell(true, read)


def _choose_cell(true, read) -> None:
    st.session_state["cell-true"], st.session_state["cell-read"] = int(true), int(read)


def show(read: Reading, indices) -> None:
    captions = (
        f"no. {i}\n{read.labels[i]} read as {read.predicted[i]}\n{read.probabilities[i].max():.0%} sure"
        for i in indices[:SHOWN]
    )
    wrong = read.labels != read.predicted
    gallery(
        ((read.images[i], words, bool(wrong[i])) for i, words in zip(indices[:SHOWN], captions, strict=True)),
        known=True,
    )
    if len(indices) > SHOWN:
        st.caption(f"The surest {SHOWN} of {len(indices):,}.")


def report(rows) -> None:
    st.subheader("Digit by digit")
    st.caption(
        "Precision: of those read as this digit, how many were. Recall: of this digit's images, how many were "
        "found. F1: both in one number. Support: how many images there are. Click a heading to sort."
    )
    number = st.column_config.NumberColumn(format="%.4f")
    data_table(rows, height="content", column_config=dict.fromkeys(("precision", "recall", "f1"), number))
    take_along(f"report-{st.query_params['run']}", rows)


def published_report(run) -> None:
    recipe = published_recipe(run)
    if recipe and recipe.report:
        with st.expander("The report as published"):
            data_table(report_rows(recipe), height="content")


def one_image(read: Reading) -> None:
    st.subheader("One test image")
    index = int(st.number_input("Number of the image", 0, len(read.labels) - 1, 0, key="one"))
    columns = st.columns([1, 3])
    with columns[0]:
        st.html(picture(read.images[index], f"Test image {index}", "220px"))
        st.markdown(f"A **{read.labels[index]}**")
    with columns[1]:
        probability_bars(read.probabilities[index])
        with st.expander("As numbers"):
            st.code(np.array2string(read.probabilities[index], precision=6, suppress_small=True), language=None)


with page("Evaluate", "How good is a network on 10,000 digits it has never seen, and where does it err?") as lab:
    run = choose_run(lab)
    if run is not None:
        read = reading(lab.settings.database_url, run.id, run.ended, lab.settings.data)
        marks(run, read)
        comparison(run, lab.store.last_epoch(run.id))
        confusion(read)
        report(read.report)
        published_report(run)
        st.subheader("Mistakes, surest first")
        show(read, read.mistakes)
        one_image(read)
        reliability(read)
        inside(lab, run)
