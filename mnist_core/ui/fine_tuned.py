"""What a fine-tuning was good for: before and after, on MNIST and on the drawings that were held back."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_core.errors import ConfigError, UnknownRun
from mnist_core.store.fine_tuning import handwriting, measured
from mnist_core.store.run import Run
from mnist_core.ui.digits import gallery
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.visitor import acting
from mnist_core.ui.words import escaped, percent

FEW = 40
"""Held-back drawings below which a share of them says little."""


def is_fine_tuning(run: Run) -> bool:
    try:
        return run.settings.fine_tuning is not None
    except ConfigError:  # another version made it
        return False


def before_and_after(lab: Lab, run: Run) -> None:
    """Both figures as they come: those of before while it is trained, those of after when it has ended."""
    before, after = (measured(lab.store, run.id, when) for when in ("before", "after"))
    if before is None:
        return
    hand = handwriting(lab.store, run.id)
    labels, tuning = hand.held_back.labels, run.settings.fine_tuning
    st.markdown("**Before and after, on drawings that it has not learned from**")
    with st.container(horizontal=True):
        found = [one for one in (before, after) if one]
        right = [int((np.array(one["held_back"]) == labels).sum()) for one in found]
        _figure("My held-back drawings", [f"{count} of {len(labels)}" for count in right], f"{right[-1] - right[0]:+d}")
        mnist = [one["mnist"] for one in found]
        _figure("MNIST's test set", [percent(share) for share in mnist], f"{100 * (mnist[-1] - mnist[0]):+.2f} points")
    words = f"It began from {_name(lab, tuning.run)} and learned from {tuning.drawings} drawings, "
    words += f"each {tuning.often} times an epoch." if tuning.often > 1 else "each once an epoch."
    if len(labels) < FEW:
        words += f" One of {len(labels)} held-back drawings is {1 / len(labels):.0%}, so small differences mean little."
    st.caption(words)
    if after:
        with st.expander(f"The {len(labels)} drawings that were held back"):
            gallery(
                (image, f"a {label}\n{first} → {then}", then != label)
                for image, label, first, then in zip(
                    hand.held_back.images, labels, before["held_back"], after["held_back"], strict=True
                )
            )


def repeat_button(lab: Lab, run: Run) -> None:
    """A button that trains it once more from the same start."""
    if st.button("Repeat it with the same drawings", icon=":material/replay:", key="repeat"):
        with errors_in_words():
            st.query_params["run"] = acting(lab).fine_tune_again(run.id)
            st.rerun()


def _figure(name: str, values: list[str], gain: str) -> None:
    """The value of before, or with that of after the difference."""
    if len(values) == 1:
        st.metric(f"{name}, before", values[0], width="content")
    else:
        colour = "normal" if float(gain.split()[0]) else "off"
        st.metric(name, values[1], f"{gain}, before: {values[0]}", delta_color=colour, width="content")


def _name(lab: Lab, run_id: str) -> str:
    try:
        return f"*{escaped(lab.store.get(run_id).name)}*"
    except UnknownRun:
        return f"the run {run_id}, which has been deleted,"
