"""One's own handwriting: the drawings kept with their labels, to look at, to take along and to train a network on."""

from __future__ import annotations

import base64
from datetime import datetime, timezone

import streamlit as st

from mnist_core.data.mnist import Digits
from mnist_core.data.split import class_counts
from mnist_core.handwriting import HELD_BACK, packed, too_little
from mnist_core.store.drawings import MOST_KEPT, Drawing, Drawings, as_digits
from mnist_core.store.run import Run
from mnist_core.ui.choose import label
from mnist_core.ui.data_table import data_table
from mnist_core.ui.digits import png
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.keeping import drawings_of
from mnist_core.ui.lab import Lab
from mnist_core.ui.menu import go
from mnist_core.ui.take import as_csv
from mnist_core.ui.visitor import acting, visitor


@st.fragment
def handwriting(lab: Lab, run: Run) -> None:
    """A box with all that was kept; without being open it costs nothing. ``run``: the one that reads now."""
    box = st.expander("My handwriting", icon=":material/history_edu:", key="handwriting", on_change="rerun")
    if not box.open:
        return
    with box, errors_in_words():
        own = drawings_of(lab)
        kept = own.kept()
        if not kept:
            st.info(
                "Nothing is kept yet. Draw a digit above and say whether it was read right: then it is kept here, to "
                "be taken along or to train a network on your hand.",
                icon=":material/draw:",
            )
            return
        digits = as_digits(kept)
        counts = " · ".join(f"{digit}: {count}" for digit, count in enumerate(class_counts(digits.labels)) if count)
        st.markdown(f"**{len(kept)} of {MOST_KEPT} drawings are kept.** Of each digit: {counts}")
        _table(own, kept)
        _export(digits)
        st.divider()
        _fine_tune(lab, run, digits)


def _table(own: Drawings, kept: list[Drawing]) -> None:
    rows = [
        {
            "drawing": f"data:image/png;base64,{base64.b64encode(png(drawing.image)).decode()}",
            "it is a": drawing.label,
            "read as": drawing.answer,
            "kept": datetime.fromtimestamp(drawing.time, timezone.utc),
        }
        for drawing in kept
    ]
    version = st.session_state.setdefault("handwriting-version", 0)
    event = data_table(
        rows,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"handwriting-table-{version}",
        row_height=44,
        column_config={
            "drawing": st.column_config.ImageColumn(width="small"),
            "it is a": st.column_config.NumberColumn(format="%d"),
            "kept": st.column_config.DatetimeColumn(format="distance"),
        },
    )
    chosen = [kept[row].id for row in event.selection.rows if row < len(kept)]
    words = f"Remove {len(chosen)} of them" if chosen else "Remove the chosen ones"
    if st.button(words, icon=":material/delete:", key="remove-drawings", disabled=not chosen):
        own.remove(chosen)
        # Rows are chosen by number: another table has none chosen.
        st.session_state["handwriting-version"] = version + 1
        st.rerun()


def _export(digits: Digits) -> None:
    with st.container(horizontal=True):
        st.download_button(
            "As .npz", lambda: packed(images=digits.images, labels=digits.labels), "handwriting.npz",
            icon=":material/download:", key="handwriting-npz", on_click="ignore",
            help="images, uint8 (N, 28, 28), and labels: python -m mnist_core evaluate --data handwriting.npz scores a "
            "network on it.",
        )  # fmt: skip
        st.download_button(
            "As CSV", lambda: as_csv(csv_rows(digits)), "handwriting.csv", "text/csv",
            icon=":material/download:", key="handwriting-csv", on_click="ignore",
            help="A row for each: its label, and 784 pixels from 0 (paper) to 255 (ink), line by line.",
        )  # fmt: skip


def csv_rows(digits: Digits) -> list[dict[str, int]]:
    """A row for each drawing, as MNIST is often given in tables: its label and 784 pixels."""
    return [
        {"label": int(digit)} | {f"pixel{place}": value for place, value in enumerate(image.ravel().tolist())}
        for image, digit in zip(digits.images, digits.labels, strict=True)
    ]


def _fine_tune(lab: Lab, run: Run, digits: Digits) -> None:
    st.markdown("**Fine-tune on my handwriting**")
    if problem := too_little(digits.labels):
        st.info(problem, icon=":material/edit:")
        return
    runs = {one.id: one for one in lab.store.usable(first=visitor(lab).id) if _can_learn(one)}
    if not runs:
        st.info("Train a network first: only those that were trained here can be trained further.")
        return
    ids = list(runs)
    chosen = st.selectbox(
        "Network to begin from",
        ids,
        index=ids.index(run.id) if run.id in ids else 0,
        format_func=lambda run_id: label(runs[run_id]),
        key="fine-tune-run",
    )
    held_back = round(HELD_BACK * len(digits))
    st.caption(
        f"It is trained further on {len(digits) - held_back} of your drawings among images of MNIST, so that it does "
        f"not forget. The other {held_back} are held back to see whether it helped. The drawings stay with the new run."
    )
    if st.button("Fine-tune on my handwriting", type="primary", icon=":material/model_training:", key="fine-tune"):
        go("Train", run=acting(lab).fine_tune(chosen, digits))


def _can_learn(run: Run) -> bool:
    architecture = run.architecture
    trained_here = architecture is not None and architecture.trainable and architecture.family == "network"
    return trained_here and not run.settings.fine_tuning
