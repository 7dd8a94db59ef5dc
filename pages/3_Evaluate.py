"""Evaluate: where a trained network is right, where it errs, and how sure it is of it."""

import csv
import io

import numpy as np
import streamlit as st

from mnist_core import evaluation
from mnist_core.ui import charts
from mnist_core.ui.choose import choose_run
from mnist_core.ui.digits import gallery, picture
from mnist_core.ui.frame import page
from mnist_core.ui.lab import Lab, digits, test_probabilities
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.probabilities import probability_bars
from mnist_core.ui.published import comparison, published_recipe, report_rows
from mnist_core.ui.weights import inside
from mnist_core.ui.words import percent

SHOWN = 48

DISTANCES = (
    "This model knows distances from its dividing lines and no probabilities. A softmax of the distances stands in: it "
    "ranks the digits as the model does, but how sure it looks, and the loss made of it, mean little."
)


def marks(run, labels, predicted) -> None:
    wrong = int((labels != predicted).sum())
    with st.container(horizontal=True):
        st.metric("Test accuracy", percent(run.test_accuracy), width="content")
        st.metric("Test loss", f"{run.test_loss:.4f}", width="content")
        st.metric("Read wrongly", f"{wrong:,} of {len(labels):,}", width="content")
        if run.uploaded:
            st.metric("Origin", run.origin, width="content")
        else:
            st.metric(f"{run.settings.architecture.unit.capitalize()}s", run.epoch, width="content")
    if not getattr(run.settings.architecture, "probabilistic", True):
        st.caption(DISTANCES)


def confusion(lab: Lab, labels, probabilities, predicted) -> None:
    st.subheader("Which digits are mistaken for which")
    shown = st.segmented_control("Show", ["counts", "percent of row"], default="counts", key="show")
    matrix = evaluation.confusion_matrix(labels, predicted)
    figure = charts.confusion(matrix, percent=shown == "percent of row")
    columns = st.columns([3, 2])
    with columns[0]:
        event = st.plotly_chart(figure, key="confusion", on_select="rerun", selection_mode="points")
    with columns[1]:
        points = event.selection.points if event else []
        if not points:
            off = matrix - np.diag(np.diag(matrix))
            true, read = np.unravel_index(off.argmax(), off.shape)
            st.info("Click a cell to see its images. Here is the most frequent mistake.", icon=":material/touch_app:")
        else:
            true, read = points[0]["customdata"]
        found = evaluation.cell(labels, predicted, int(true), int(read))
        st.markdown(f"**{len(found):,} images of a {true} read as {read}**")
        show(lab, found[np.argsort(-probabilities[found, read])], labels, probabilities, predicted)


def show(lab: Lab, indices, labels, probabilities, predicted) -> None:
    images = digits("test", lab.settings.data).images
    gallery(
        (
            images[i],
            f"no. {i}\n{labels[i]} read as {predicted[i]}\n{probabilities[i, predicted[i]]:.0%} sure",
            bool(labels[i] != predicted[i]),
        )
        for i in indices[:SHOWN]
    )
    if len(indices) > SHOWN:
        st.caption(f"The surest {SHOWN} of {len(indices):,}.")


def report(labels, predicted) -> None:
    st.subheader("Digit by digit")
    st.caption(
        "Precision: of those read as this digit, how many were. Recall: of this digit's images, how many were "
        "found. F1: both in one number. Support: how many images there are. Click a heading to sort."
    )
    rows = evaluation.classification_report(evaluation.confusion_matrix(labels, predicted)).rows()
    number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        rows, hide_index=True, height="content", column_config=dict.fromkeys(("precision", "recall", "f1"), number)
    )
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    name = f"report-{st.query_params['run']}.csv"
    st.download_button("Download as CSV", text.getvalue(), name, "text/csv", icon=":material/download:", key="csv")


def published_report(run) -> None:
    recipe = published_recipe(run)
    if recipe and recipe.report:
        with st.expander("The report as published"):
            st.dataframe(report_rows(recipe), hide_index=True, height="content")


def one_image(lab: Lab, labels, probabilities) -> None:
    st.subheader("One test image")
    index = int(st.number_input("Number of the image", 0, len(labels) - 1, 0, key="one"))
    columns = st.columns([1, 3])
    with columns[0]:
        st.html(picture(digits("test", lab.settings.data).images[index], f"Test image {index}", "220px"))
        st.markdown(f"A **{labels[index]}**")
    with columns[1]:
        probability_bars(probabilities[index])
        with st.expander("As numbers"):
            st.code(np.array2string(probabilities[index], precision=6, suppress_small=True), language=None)


with page("Evaluate", "How good is a network on 10,000 digits it has never seen, and where does it err?") as lab:
    run = choose_run(lab)
    if run is not None:
        labels = digits("test", lab.settings.data).labels
        probabilities = test_probabilities(lab.settings.database_url, run.id, run.ended)
        predicted = evaluation.predictions(probabilities)
        marks(run, labels, predicted)
        comparison(run, lab.store.last_epoch(run.id))
        confusion(lab, labels, probabilities, predicted)
        report(labels, predicted)
        published_report(run)
        st.subheader("Mistakes, surest first")
        show(lab, evaluation.mistakes(labels, probabilities), labels, probabilities, predicted)
        one_image(lab, labels, probabilities)
        st.subheader("Is it as good as it thinks?")
        honest = evaluation.reliability(labels, probabilities)
        live_chart(
            charts.reliability(honest.edges, honest.confidence, honest.accuracy, honest.count),
            "reliability",
            f"Reliability diagram; expected calibration error {honest.ece:.2%}.",
        )
        st.caption(
            f"Bars below the dashed line: it is surer than it should be. On average they differ by {honest.ece:.2%} "
            "(expected calibration error)."
        )
        inside(lab, run)
