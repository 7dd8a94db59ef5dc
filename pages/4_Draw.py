"""Draw: write a digit or a number and let one to three networks read it."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator as Place

from mnist_core import ink
from mnist_core.errors import EmptyDrawing, ImageError
from mnist_core.store.run import USABLE
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui import number
from mnist_core.ui.aloud import aloud
from mnist_core.ui.answer import Told, answer
from mnist_core.ui.canvas import SIDE
from mnist_core.ui.choose import invite, label, say_unscored
from mnist_core.ui.digits import picture
from mnist_core.ui.frame import errors_in_words, page
from mnist_core.ui.handwriting import handwriting
from mnist_core.ui.ink_strip import attempt, chosen_steps, cut_as_chosen, strip, without
from mnist_core.ui.keeping import keep, last_drawings
from mnist_core.ui.lab import Lab
from mnist_core.ui.sources import SOURCES, Source, read_source, shown
from mnist_core.ui.turns import answering
from mnist_core.ui.visitor import visitor
from mnist_core.ui.why import why
from mnist_core.ui.words import STATUS, escaped

MOST_RUNS = 3
NOTHING_YET = "Nothing to read yet. {what}, and here appears what the network makes of it."


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
        default=wanted[:MOST_RUNS] or [FLAGSHIP],
        max_selections=MOST_RUNS,
        format_func=lambda run_id: label(runs[run_id]),
        key="networks",
        help=f"One to {MOST_RUNS}, whose answers stand side by side.",
    )
    st.query_params["run"] = chosen
    return [runs[run_id] for run_id in chosen]


@answering
def desk(lab: Lab, runs: list) -> None:
    """Everything that a stroke changes; the rest of the page stays as it is."""
    kind = st.segmented_control("Read", SOURCES, default=SOURCES[0], key="source")
    # Containers of fixed width keep the canvas whole on every screen; on a phone they stand below each other.
    with st.container(horizontal=True, gap="medium"):
        paper = st.container(width=SIDE + 8)
        beside = st.container(width="stretch") if len(runs) == 1 else None
        seen = st.container(width=220)
    answers = st.container() if beside is None else beside  # several need the width of the page
    earlier = st.container()
    source, found, steps = None, None, chosen_steps()
    nothing = NOTHING_YET.format(what={"a photo": "Choose a photo"}.get(kind, "Draw a digit, or several in a row"))
    with paper, errors_in_words():
        try:
            source = read_source(lab, kind)
            if source and source.picture and (found := cut_as_chosen(source.picture, steps)) is None:
                nothing = f"Nothing can be read {without(steps)}. Switch on what it needs under *How it got there*."
        except EmptyDrawing as error:
            st.info(str(error), icon=":material/draw:")
        except ImageError as error:
            st.error(escaped(str(error)), icon=":material/error:")
    several = in_pieces = found is not None and number.is_number(found)
    if in_pieces:
        several = not seen.toggle("It is one digit", key="one-digit", help="Read all of it as one digit in pieces.")
    legible = source is not None and (found is not None or source.picture is None)
    told = read(lab, runs, source, found, several, seen, answers) if legible else []
    if not legible:
        answers.info(nothing)
    aloud(" ".join(one.words for one in told), "answer")
    with earlier, errors_in_words():
        # What is kept may be trained on: it is as all steps make it, also while some are off.
        if told and found and (whole := attempt(source.picture, ink.ALL) if steps.off else found):
            # A row, unless the reader says that it is one digit, which nobody can of what is read as one already.
            in_a_row = several or (number.is_number(whole) and not in_pieces)
            keep(lab, source, whole.whole.image, told, in_a_row)
        if kind not in SOURCES[1:]:
            last_drawings(lab)
    if legible:
        why(lab, runs, [digit.ink.image for digit in found.digits] if several else [shown(source, found)])
    # Its switches stay where a step that is off leaves nothing to read: how else would it be switched on again?
    if source and source.picture and (found or steps.off):
        with errors_in_words():
            strip(source.picture, found, several, steps, partial(number.in_words, lab, runs[0]))


def read(
    lab: Lab, runs: list, source: Source, found: ink.Number | None, several: bool, seen: Place, answers: Place
) -> list[Told]:
    """Shows what the networks see and make of it; gives their answers."""
    image = shown(source, found)
    with seen:
        if several:
            number.boxes(found)
        else:
            st.markdown("**What the network sees**")
            st.html(picture(image, "Your digit as 28 by 28 pixels", "200px"))
    told = []
    with answers:
        if several:
            number.say_touching(found.digits)
        for column, run in zip(st.columns(len(runs)), runs, strict=True):
            with column, errors_in_words():
                told.append(number.answer(lab, run, found) if several else answer(lab, run, image))
    return [one for one in told if one]


with page("Draw", "Write a digit with mouse, finger or pen, and see what the network makes of it.") as lab:
    runs = choose_runs(lab)
    if runs:
        desk(lab, runs)
        handwriting(lab, runs[0])
    elif st.session_state.get("networks") is not None:
        st.info("Choose one to three networks above.", icon=":material/info:")
    ink.warm_up()
