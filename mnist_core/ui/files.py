"""Taking a run's network home as a file, and bringing in one that was trained elsewhere."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st
from zict import LRU

from mnist_core.errors import ConfigError, UnknownRun
from mnist_core.models.formats import FORMATS
from mnist_core.models.upload import gather
from mnist_core.store.run import Run
from mnist_core.store.runs import NAME_LENGTH
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.menu import go
from mnist_core.ui.visitor import acting, visitor
from mnist_core.ui.words import escaped

PIXELS = {
    "0-1": "0 to 1 (divided by 255, as most tutorials do)",
    "0-255": "0 to 255 (as stored, or the network divides by itself)",
}

KEPT_BYTES = 100_000_000
"""What the files prepared for download may take in this process, for all visitors; the least recently used goes."""


def downloads(here: Lab, run: Run) -> None:
    """The ``.keras`` file at once; other formats are made by a worker when they are asked for."""
    takes = "It takes pixels from 0 to 1, shaped (N, 28, 28, 1)."
    with suppress(ConfigError):  # of a run that another version made
        if not run.settings.data.scaled:
            takes = takes.replace("0 to 1", "0 to 255")
    st.download_button(
        "Download the model (.keras)",
        lambda: here.store.load_blob(run.id, "model.keras"),
        f"{run.id}.keras",
        icon=":material/download:",
        key="keras",
        on_click="ignore",
        help=f"For keras.models.load_model. {takes}",
    )
    with st.popover("Other formats", icon=":material/save_alt:"):
        names = [name for name in FORMATS if name != "keras"]
        name = st.radio("Format", names, format_func=lambda name: FORMATS[name].label, key=f"format-{run.id}")
        wanted = FORMATS[name]
        st.caption(wanted.help)
        asked = st.button("Prepare the file", icon=":material/build:", key="prepare")
        if asked or st.session_state.get("prepared") == (run.id, name):
            st.session_state.pop("prepared", None)
            with errors_in_words():
                if asked:
                    here.predictions.take(visitor(here).id)
                with st.spinner("A worker is converting the network …", show_time=True):
                    data = _exported(here, run, name)
                st.session_state["prepared"] = (run.id, name)
                st.download_button(
                    f"Download {run.id}{wanted.ending}",
                    data,
                    f"{run.id}{wanted.ending}",
                    wanted.media,
                    icon=":material/download:",
                    key="exported",
                    on_click="ignore",
                )


def _exported(here: Lab, run: Run, name: str) -> bytes:
    key, kept = (here.settings.database_url, run.id, run.ended, name), _prepared()
    data = kept.get(key)
    if data is None:
        data = kept[key] = here.engine.export(run.id, name)
    return data


@st.cache_resource(max_entries=1, show_spinner=False)
def _prepared() -> LRU:
    return LRU(KEPT_BYTES, {}, weight=lambda key, data: len(data))


def upload_form(here: Lab) -> None:
    """Asks for a model's file and makes a run of it; says what came of it, or why it was refused."""
    _welcome(here)
    number = st.session_state.setdefault("uploads", 0)
    accepted = st.get_option("server.maxUploadSize")
    most = min(here.settings.upload_megabytes or accepted, accepted)
    with st.expander("Bring in a network that was trained elsewhere", icon=":material/upload_file:"):
        st.caption(
            "A Keras model of standard layers, which takes 28 × 28 pixels and tells ten digits apart. Layers with "
            "program code (Lambda, classes of your own) are refused: such a file could do anything on this machine."
        )
        with st.form(f"upload-{number}", border=False):
            files = st.file_uploader(
                "A .keras or .h5 file, or an architecture (.json) together with its weights (.weights.h5)",
                type=["keras", "h5", "hdf5", "json"],
                accept_multiple_files=True,
                max_upload_size=max(1, most),
                key=f"model-files-{number}",
            )
            pixels = st.radio(
                "It was trained on pixels from",
                list(PIXELS),
                format_func=PIXELS.get,
                key="upload-pixels",
                help="MNIST stores whole numbers from 0 to 255. If the training divided them by 255, choose 0 to 1.",
            )
            name = st.text_input(
                "What to call it", placeholder="the file's name", max_chars=NAME_LENGTH, key=f"upload-name-{number}"
            )
            sent = st.form_submit_button("Check and add it", icon=":material/upload:", type="primary")
        if not sent:
            return
        with errors_in_words():
            if not files:
                st.info("Choose a file first.", icon=":material/upload_file:")
                return
            with st.spinner("Checking the file, building the network, reading 10,000 images …", show_time=True):
                upload = gather([(file.name, file.getvalue()) for file in files], scaled=pixels == "0-1")
                st.session_state["uploaded"] = acting(here).upload(here.engine, upload, name)
            st.session_state["uploads"] = number + 1
            st.rerun()


def _welcome(here: Lab) -> None:
    """What came of the last upload of this visitor, until the next one."""
    if "uploaded" not in st.session_state:
        return
    try:
        run = here.store.get(st.session_state["uploaded"])
    except UnknownRun:  # it has been deleted since
        del st.session_state["uploaded"]
        return
    said = " ".join(event["text"] for event in here.store.events(run.id))
    st.success(f"**{escaped(run.name)}** is among the runs now. {escaped(said)}")
    with st.container(horizontal=True):
        if st.button("See where it errs", icon=":material/grid_on:", key="uploaded-evaluate", type="primary"):
            go("Evaluate", run=run.id)
        if st.button("Draw a digit for it", icon=":material/draw:", key="uploaded-draw"):
            go("Draw", run=run.id)
