"""Draw: write a digit or a number and let one to three networks read it."""

from functools import partial

import streamlit as st

from mnist_core import ink
from mnist_core.errors import EmptyDrawing, ImageError
from mnist_core.store.run import USABLE
from mnist_core.ui import number
from mnist_core.ui.answer import answer, ask
from mnist_core.ui.canvas import PAPER_RGB, SIDE, drawing_canvas
from mnist_core.ui.choose import invite, label, say_unscored
from mnist_core.ui.digits import picture
from mnist_core.ui.frame import errors_in_words, page
from mnist_core.ui.ink_strip import chosen_steps, strip
from mnist_core.ui.lab import Lab, digits
from mnist_core.ui.visitor import visitor
from mnist_core.ui.why import why
from mnist_core.ui.words import STATUS, escaped

MOST_RUNS = 3
PHOTO_MEGABYTES = 20


def choose_runs(lab: Lab) -> list:
    runs = {run.id: run for run in lab.store.usable(first=visitor(lab).id)}
    invite(lab, runs)
    if not runs:
        return []
    linked = st.query_params.get_all("run")
    wanted = [run_id for run_id in linked if run_id in runs]
    for run_id in set(linked) - set(wanted):
        with errors_in_words():
            run = lab.store.get(run_id)
            if run.status in USABLE:
                say_unscored(run)
                continue
            st.info(f"The run {escaped(run.name)} is {STATUS[run.status][1]} and cannot read yet.")
    chosen = st.multiselect(
        "Networks that read it",
        list(runs),
        default=wanted[:MOST_RUNS] or [next(iter(runs))],
        max_selections=MOST_RUNS,
        format_func=lambda run_id: label(runs[run_id]),
        key="networks",
    )
    st.query_params["run"] = chosen
    return [runs[run_id] for run_id in chosen]


def from_canvas() -> ink.Picture | None:
    image = drawing_canvas("canvas")
    return None if image is None else ink.canvas(image, PAPER_RGB)


def from_file() -> ink.Picture | None:
    file = st.file_uploader(
        "A photo or scan of a digit or a number",
        type=["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"],
        max_upload_size=PHOTO_MEGABYTES,
        key="photo",
    )
    return read_photo(file.getvalue()) if file else None


@st.cache_data(max_entries=8, show_spinner="Reading the photo …")
def read_photo(content: bytes) -> ink.Picture:
    return ink.open_picture(content)


def from_test_set(lab: Lab) -> ink.Ink | None:
    test = digits("test", lab.settings.data)
    index = int(st.number_input("Number of the test image", 0, len(test) - 1, 0, key="test-image"))
    st.caption(f"It is a {test.labels[index]}.")
    # A test image has been through MNIST's own normalisation and is read as it is.
    return ink.Ink(test.images[index], ())


@st.fragment
def desk(lab: Lab, runs: list) -> None:
    """Everything that a stroke changes; the rest of the page stays as it is."""
    source = st.segmented_control("Read", ["my drawing", "a photo", "a test image"], default="my drawing", key="source")
    # Containers of fixed width keep the canvas whole on every screen; on a phone they stand below each other.
    with st.container(horizontal=True, gap="medium"):
        paper = st.container(width=SIDE + 8)
        beside = st.container(width="stretch") if len(runs) == 1 else None
        seen = st.container(width=220)
    answers = st.container() if beside is None else beside  # several need the width of the page
    drawing, found, steps = None, None, chosen_steps()
    with paper, errors_in_words():
        try:
            drawing = {"a photo": from_file, "a test image": lambda: from_test_set(lab)}.get(source, from_canvas)()
            if isinstance(drawing, ink.Picture):
                found = ink.cut(drawing, steps)
        except EmptyDrawing as error:
            drawing = None
            st.info(str(error), icon=":material/draw:")
        except ImageError as error:
            drawing = None
            st.error(str(error), icon=":material/error:")
    if drawing is None:
        with answers:
            what = {"a photo": "Choose a photo"}.get(source, "Draw a digit, or several in a row")
            st.info(f"Nothing to read yet. {what}, and here appears what the network makes of it.")
        return
    several = found is not None and len(found.digits) > 1
    with seen:
        if several:
            several = not st.toggle("It is one digit", key="one-digit", help="Read all of it as one digit in pieces.")
        if several:
            number.boxes(found)
        else:
            st.markdown("**What the network sees**")
            image = drawing.image if found is None else found.whole.image
            st.html(picture(image, "Your digit as 28 by 28 pixels", "200px"))
    with answers:
        if found and (several or len(found.digits) == 1):
            number.say_touching(found.digits)
        for column, run in zip(st.columns(len(runs)), runs, strict=True):
            with column, errors_in_words():
                if several:
                    number.answer(found, partial(ask, lab, run), escaped(run.name))
                else:
                    answer(lab, run, image)
    why(lab, runs, [digit.ink.image for digit in found.digits] if several else [image])
    if found:
        with errors_in_words():
            way = found.digits[0].ink if several else found.whole
            strip(drawing, way, steps, None if several else partial(ask, lab, runs[0]))


with page("Draw", "Write a digit with mouse, finger or pen, and see what the network makes of it.") as lab:
    runs = choose_runs(lab)
    if runs:
        desk(lab, runs)
    elif st.session_state.get("networks") is not None:
        st.info("Choose one to three networks above.", icon=":material/info:")
    ink.warm_up()
