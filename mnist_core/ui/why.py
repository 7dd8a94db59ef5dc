"""Why this digit? Below an answer, the ways to ask a model for its reasons. Only the one that is chosen is computed."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.explain.methods import METHODS, kind_of, methods_for
from mnist_core.explain.results import Activations, Attribution, Change, Layer, Neighbours
from mnist_core.store.run import Run
from mnist_core.ui.answer import certainty_needed
from mnist_core.ui.digits import gallery, picture
from mnist_core.ui.frame import errors_in_words
from mnist_core.ui.heat import coloured, limit, scale
from mnist_core.ui.lab import Lab, lab
from mnist_core.ui.network import KINDS, shape_text
from mnist_core.ui.visitor import visitor
from mnist_core.ui.words import escaped

TARGETS = {"explained": ("Explain the digit", "the answer"), "wanted": ("Turn it into", "the next likely digit")}
PLACES = [f"{row} {column}".replace("middle middle", "middle") for row in ("upper", "middle", "lower")
          for column in ("left", "middle", "right")]  # fmt: skip

GAP = 150
"""The grey between maps."""


def why(here: Lab, runs: Sequence[Run], images: Sequence[np.ndarray]) -> None:
    """Asks the runs' models, side by side, about the digits of a drawing, each uint8 ``(28, 28)`` as they see it."""
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            _asked(here, run, images, "Why this digit?" + f" · {escaped(run.name)}" * (len(runs) > 1))


def _asked(here: Lab, run: Run, images: Sequence[np.ndarray], title: str) -> None:
    with errors_in_words():
        kind = kind_of(run.settings)
        # Widgets forget when there is nothing to read for a moment. Who draws one digit after the other asks the same.
        key, memory = f"why-{run.id}", f"why-{kind}"
        if key not in st.session_state and memory in st.session_state:
            st.session_state[key] = st.session_state[memory]
        is_open = st.session_state.get(memory) is not None
        with st.expander(title, expanded=is_open, icon=":material/psychology:"):
            image = images[_place(len(images), run.id)]
            name = st.segmented_control(
                "Ask the model by", methods_for(kind), format_func=lambda name: METHODS[name].label, key=key
            )
            st.session_state[memory] = name
            if name is None:
                st.caption("Each way shows something else of how it comes to its answer.")
                return
            target = _target(METHODS[name].asks_for, run.id)
            with st.spinner("Looking into the model …", show_time=False):
                result = _explained(here.settings.database_url, run.id, run.ended, image, name, target)
            _SHOW[type(result)](result, image, name)
            if isinstance(result, Change) and result.after.max() < certainty_needed(here, run):
                st.caption("It is so unsure then that its answer would be: this does not look like a digit.")


def _place(digits: int, run_id: str) -> int:
    """Which digit of a number is asked about."""
    if digits == 1:
        return 0
    key = f"why-place-{digits}-{run_id}"
    return int(st.number_input("Which of them, from the left", 1, digits, key=key, width=240)) - 1


def _target(asks_for: str, run_id: str) -> int | None:
    if not asks_for:
        return None
    label, nothing = TARGETS[asks_for]
    chosen = st.selectbox(label, [nothing, *map(str, range(10))], key=f"why-{asks_for}-{run_id}", width=240)
    return None if chosen == nothing else int(chosen)


@st.cache_data(max_entries=12, scope="session", show_spinner=False)
def _explained(
    database_url: str, run_id: str, ended: float | None, image: np.ndarray, name: str, target: int | None
) -> Any:
    """Of one drawing; another run may have the id of one that was deleted, but not its end."""
    lab().predictions.take(visitor().id)
    return lab().engine.explain(run_id, image, name, target)


def _attribution(result: Attribution, image: np.ndarray, name: str) -> None:
    most, digit, start, end = limit(result.values), result.digit, result.start, result.end
    paper, margin = _side_by_side()
    said = {
        "gradients": f"To the network, blank paper is a {digit} with {start:.1%}, and this drawing with {end:.1%}.",
        "occlusion": f"With the most telling place covered, the {digit} falls from {end:.1%} to {start:.1%}.",
        "weights": f"The score of the {digit} begins at {start:.2f}, and with this ink it is {end:.2f}.",
        "questions": f"The trees' votes for the {digit}: {start:.1%} before any question, {end:.1%} after all of them.",
    }[name]
    if name == "occlusion" and start == end:
        said = f"Whatever is covered, the {digit} does not fall below {end:.1%}: no single place decides."
    words = f"{METHODS[name].label}: {_where(result.values)} for the {digit}; {_where(-result.values)} against it."
    with paper:
        st.html(picture(coloured(result.values, most, image), words))
        scale(most)
    with margin:
        st.markdown(said)
        st.caption(METHODS[name].how)


def _side_by_side() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Room for a picture and for words; below each other where both do not fit."""
    with st.container(horizontal=True, gap="medium"):
        return st.container(width=280), st.container(width=360)


def _where(values: np.ndarray) -> str:
    """Which ninth of the picture has most of what is above zero, for those who cannot see it."""
    ninths = [part.clip(0).sum() for band in np.array_split(values, 3) for part in np.array_split(band, 3, axis=1)]
    return f"most in the {PLACES[int(np.argmax(ninths))]}" if max(ninths) > 0 else "nothing"


def _activations(result: Activations, image: np.ndarray, name: str) -> None:
    st.caption(METHODS[name].how)
    st.html("".join(_layer(layer) for layer in result.layers))
    if result.left_out:
        st.caption(f"{result.left_out} more layers follow.")


def _layer(layer: Layer) -> str:
    values = mosaic(layer.values)
    gaps = np.isnan(values)
    colours = coloured(np.where(gaps, 0, values), limit(layer.values))
    colours[gaps] = GAP
    shape = shape_text(layer.shape)
    units = layer.shape[-1] if layer.values.ndim == 3 and len(layer.shape) == 3 else int(np.prod(layer.shape))
    first = f", the first {len(layer.values)}" if 1 < len(layer.values) < units else ""
    title = f"{layer.name}: {KINDS.get(layer.kind, layer.kind)}, {shape}{first}"
    low, high, above = layer.values.min(), layer.values.max(), (layer.values > 0).mean()
    words = f"{title}. From {low:.2g} to {high:.2g}, {above:.0%} of the values above 0."
    cell = 3 if layer.values.ndim == 3 else 12
    return (
        f'<figure style="margin:0 0 .9rem"><figcaption style="font-size:.85rem; margin-bottom:.2rem">'
        f"{html.escape(title)}</figcaption>{picture(colours, words, f'{cell * values.shape[1]}px')}</figure>"
    )


def mosaic(values: np.ndarray) -> np.ndarray:
    """Maps ``(maps, rows, columns)`` in rows of eight with gaps, or units ``(units,)`` in rows of 32; gaps are nan."""
    if values.ndim == 1:
        across = min(32, len(values))
        return np.pad(values.astype(float), (0, -len(values) % across), constant_values=np.nan).reshape(-1, across)
    across = min(8, len(values))
    framed = np.pad(values.astype(float), ((0, -len(values) % across), (0, 1), (0, 1)), constant_values=np.nan)
    count, rows, columns = framed.shape
    placed = framed.reshape(count // across, across, rows, columns).transpose(0, 2, 1, 3)
    return placed.reshape(count // across * rows, across * columns)[:-1, :-1]


def _neighbours(result: Neighbours, image: np.ndarray, name: str) -> None:
    st.caption(METHODS[name].how)
    for similar in result.rows:
        same = int((similar.labels == result.answer).sum())
        st.markdown(f"**Nearest {similar.by}:** {same} of {len(similar.labels)} are labelled {result.answer}.")
        form = "{:.0%} of trees" if similar.measure == "share" else "distance {:.1f}"
        gallery(
            (
                (shown, f"a {label}\n{form.format(value)}", label != result.answer)
                for shown, label, value in zip(similar.images, similar.labels, similar.likeness, strict=True)
            ),
            known=True,
        )


def _change(result: Change, image: np.ndarray, name: str) -> None:
    was, wanted = int(result.before.argmax()), result.target
    if was == wanted:
        st.markdown(f"It is read as {wanted} already: nothing has to change.")
        return
    ink = f"{result.added:.1f} pixels of ink added and {result.removed:.1f} taken away"
    if result.reached:
        st.markdown(
            f"With {ink}, the model reads a **{wanted}** ({result.after[wanted]:.0%}) instead of a {was} "
            f"({result.before[was]:.0%}). The drawing has {image.sum() / 255:.0f} pixels of ink."
        )
    else:
        still = int(result.after.argmax())
        st.markdown(f"No change was found that makes it a {wanted}. With {ink}, the model still reads a {still}.")
    difference = result.image.astype(float) - image
    pictures = {
        "your drawing": image,
        f"read as {int(result.after.argmax())}": result.image,
        "what changed": coloured(difference, 255.0, image),
    }
    figures = "".join(
        f"<figure>{picture(shown, words)}<figcaption>{words}</figcaption></figure>" for words, shown in pictures.items()
    )
    columns = "repeat(auto-fill, minmax(7rem, 1fr))"
    st.html(f'<div class="digits" style="grid-template-columns:{columns}; max-width:36rem">{figures}</div>')
    st.caption(METHODS[name].how)


_SHOW = {Attribution: _attribution, Activations: _activations, Neighbours: _neighbours, Change: _change}
