"""How sure a network may be, shown: its reliability, and which drawings it does not take for digits."""

from __future__ import annotations

import streamlit as st

from mnist_core.calibration import Calibration
from mnist_core.ui import charts
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.reading import Reading
from mnist_core.ui.take import figure_button


def reliability(read: Reading) -> None:
    """Whether the network is right as often as it is sure, with its probabilities as they are and calibrated."""
    st.subheader("Is it as good as it thinks?")
    said, known, known_sure = read.reliability, read.calibration != Calibration(), "calibrated"
    honest = said
    if known:
        shown = st.segmented_control("Show", ["as the network says", known_sure], default=known_sure, key="sure")
        honest = read.calibrated if shown == known_sure else said
    figure = charts.reliability(honest.edges, honest.confidence, honest.accuracy, honest.count)
    live_chart(figure, "reliability", f"Reliability diagram; expected calibration error {honest.ece:.2%}.")
    figure_button(figure, "reliability")
    st.caption(
        f"Bars below the dashed line: it is surer than it should be. On average they differ by {honest.ece:.2%} "
        "(expected calibration error)."
    )
    if known:
        before, after, temperature = f"{said.ece:.2%}", f"{read.calibrated.ece:.2%}", read.calibration.temperature
        st.caption(
            f"Calibrated: what goes into the softmax is divided by a temperature of {temperature:.2f}, under which the "
            f"held-out images are likeliest ({'too sure' if temperature > 1 else 'too modest'} before). The error is "
            f"{before} without it and {after} with it. Answers stay the same, and pages tell with it how "
            "sure they are."
        )
