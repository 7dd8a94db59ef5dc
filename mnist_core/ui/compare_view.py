"""The parts of the Compare page, but for its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from mnist_core.explore import compare
from mnist_core.explore.design import HELD_OUT
from mnist_core.explore.lesson import RUNS, Lesson
from mnist_core.explore.losses import not_one_measure
from mnist_core.store.run import Run
from mnist_core.ui import comparing
from mnist_core.ui.data_table import data_table
from mnist_core.ui.digits import gallery
from mnist_core.ui.lab import Lab, test_set
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.once import once
from mnist_core.ui.reading import reading
from mnist_core.ui.spread import say_unlike
from mnist_core.ui.take import take_along
from mnist_core.ui.visitor import visitor
from mnist_core.ui.words import STATUS, escaped

SHOWN = 24
RECENT = 200
"""Runs that can be chosen by hand; older ones come by link."""


def choose(lab: Lab, lesson: Lesson) -> list[Run]:
    """The runs of the link, or those chosen by hand; what is not there is said, each in a sentence.

    Where the lesson locks or hides the choice, they are those of the link alone.
    """
    link = st.query_params.get("runs", "")
    linked, problems = compare.find(lab.store, [run_id.strip() for run_id in link.split(",")][: 2 * compare.MOST])
    if len(linked) > compare.MOST:
        problems.append(f"The link names more than {compare.MOST} runs; the first {compare.MOST} are compared.")
    for problem in problems:
        st.warning(escaped(problem), icon=":material/search_off:")
    ids = [run.id for run in linked[: compare.MOST]]
    fixed = lesson.fixes(RUNS) and bool(ids)
    if fixed and lesson.hides(RUNS):
        return linked[: compare.MOST]
    runs = {run.id: run for run in [*linked, *lab.store.list(limit=RECENT, own=True, first=visitor(lab).id)]}
    if fixed or "compare" not in st.session_state or st.session_state.get("compare-link") != link:
        st.session_state["compare"], st.session_state["compare-link"] = ids, link
    chosen = st.multiselect(
        "Runs to compare",
        list(runs),
        format_func=lambda run_id: f"{runs[run_id].name} · {run_id}",
        max_selections=compare.MOST,
        key="compare",
        disabled=fixed,
    )
    if fixed or chosen == ids:
        return linked[: compare.MOST]
    st.query_params["runs"] = st.session_state["compare-link"] = ",".join(chosen)
    found, problems = compare.find(lab.store, chosen)
    for problem in problems:
        st.warning(escaped(problem), icon=":material/search_off:")
    return found


def settings(runs: Sequence[Run]) -> None:
    st.subheader("What differs", anchor=False)
    differing, same = compare.settings(runs)
    told = all(run.told for run in runs)
    if not told:
        st.info(
            "Not all is known of how these runs were trained: some were trained elsewhere, or on drawings that were "
            "not written down. So this may not be all that differs.",
            icon=":material/help:",
        )
    elif not differing:
        st.info("Their settings are the same, down to the seed.", icon=":material/drag_handle:")
    # A run may be called as the column of the settings' names is.
    columns = [f"{name} ({run_id})" if name == "setting" else name for run_id, name in compare.names(runs).items()]
    rows = [
        {"setting": name} | dict(zip(columns, map(_text, values), strict=True))
        for name, values in (compare.in_words(*setting) for setting in differing.items())
    ]
    if rows:
        data_table(rows)
        take_along("differences", rows)
    if told and len(differing) == 1:
        _fair(rows[0]["setting"], runs)
    alike = [compare.in_words(key, [value]) for key, value in same.items()]
    _same([{"setting": name, "value": _text(value)} for name, (value,) in alike])


def _fair(changed: str, runs: Sequence[Run]) -> None:
    """Whether a comparison is fair in which one thing changed: if all are judged by the same images, and not before
    each run has come to its end."""
    called, words = compare.names(runs), f"Only one thing changed: `{changed}`."
    short = [f"{called[run.id]} ({STATUS[run.status][1]})" for run in runs if run.status != "finished"]
    if changed not in HELD_OUT and not short:
        st.success(f"{words} That is a fair comparison.", icon=":material/check:")
    if changed in HELD_OUT:
        words += (
            " But it decides which images are held out, so each run is judged by others there: some of the difference "
            "is that of the images. The test set is the same for all."
        )
        st.info(words, icon=":material/balance:")
    elif short:
        words += f" But not every run came to its end, so this is no fair comparison: {escaped(', '.join(short))}."
        st.info(words, icon=":material/hourglass_empty:")


@st.fragment
def _same(rows: Sequence[Mapping[str, str]]) -> None:
    """A box that costs nothing until it is opened."""
    box = st.expander(f"What is the same ({len(rows)} settings)", key="same", on_change="rerun")
    if box.open:
        with box:
            data_table(rows)
            take_along("same", rows)


def start(lab: Lab, runs: Sequence[Run]) -> None:
    """Whether they began alike, which makes a comparison fair."""
    if not compare.all_networks(runs):
        st.markdown("**First weights and order.** Classical models have neither first weights nor batches.")
        return
    prints = [lab.store.load_blob(run.id, "start") for run in runs]
    same, other = compare.same_start(prints)
    order = "Other images, order or batches."
    if compare.same_order(runs):
        order = "The same images in the same batches."
    elif not all(run.told for run in runs):
        order = "Not known of all of these runs."
    words = f"**First weights.** The same in all that have it: {', '.join(same) or 'no layer'}."
    if other:
        words += f" Not the same, by seed or shape, or in one alone: {', '.join(other)}."
    if not all(prints):
        words = "**First weights.** Not known of all of these runs: they have not begun, or began elsewhere."
    st.markdown(f"{words} **Order.** {order}")


def marks(lab: Lab, runs: Sequence[Run]) -> dict[str, np.ndarray]:
    """Test figures with intervals; gives by run id what each run read."""
    st.subheader("On the test set", anchor=False)
    url, data, called = lab.settings.database_url, lab.settings.data, compare.names(runs)
    truth = test_set(data)[1]
    read = {run.id: reading(url, run.id, run.ended, data).predicted for run in runs if run.test_accuracy}
    unscored = [called[run.id] for run in runs if run.id not in read]
    if unscored:
        st.caption(escaped(f"Without marks on the test set: {', '.join(unscored)}."))
    if not read:
        return read
    scores = once("marks", _ends(runs, read), lambda: {key: compare.mark(truth, read[key]) for key in read})
    rows = [
        {"run": called[run.id], "right": scores[run.id].right, "test accuracy": scores[run.id].accuracy}
        | dict(zip(("interval from", "to"), scores[run.id].interval, strict=True))
        | {"test loss": run.test_loss, "parameters": run.parameters, "seconds": round(run.train_seconds, 1)}
        | {"id": run.id}
        for run in runs
        if run.id in scores
    ]
    share = st.column_config.NumberColumn(format="percent")
    kinds = dict.fromkeys(("test accuracy", "interval from", "to"), share)
    data_table(rows, column_config=kinds)
    figure = comparing.marks({called[run_id]: score for run_id, score in scores.items()})
    live_chart(figure, "compare-marks", "Test accuracies with their intervals.", height=80 + 34 * len(scores))
    unlike = not_one_measure(run.settings for run in runs if run.id in scores)
    take_along("marks", [row | {"remark on losses": unlike} for row in rows] if unlike else rows, figure)
    say_unlike(unlike)
    st.caption(
        "The interval (Wilson, 95 %) says how far luck with these 10,000 images may have moved the mark. "
        "Intervals that overlap need a closer look: McNemar's test below compares two runs image by image."
    )
    return read


def pair(lab: Lab, runs: Sequence[Run], read: dict[str, np.ndarray]) -> None:
    """Two of the runs, image by image."""
    st.subheader("Two of them, image by image", anchor=False)
    called, ids = compare.names(runs), list(read)
    with st.container(horizontal=True):
        first = st.selectbox("First", ids, index=0, format_func=called.get, key="first")
        others = [run_id for run_id in ids if run_id != first]
        second = st.selectbox("Second", others, index=0, format_func=called.get, key="second")
    (images, labels), ends = test_set(lab.settings.data), _ends(runs, read)
    found = once("pair", (ends, first, second), lambda: compare.pair(labels, read[first], read[second]))
    corrected = once("pairs", ends, lambda: compare.holm_of_pairs(compare.tests_of_pairs(labels, read)))
    several = len(read) > 2
    p = corrected[frozenset((first, second))] if several else None
    st.info(escaped(compare.verdict(called[first], called[second], found.test, p)), icon=":material/balance:")
    st.caption(
        f"McNemar's test: p = {found.test.p:.3g} (exact); {found.test.p_corrected:.3g} by chi squared = "
        f"{found.test.chi_squared:.2f} with continuity correction."
        + (f" With Holm's correction for {len(corrected)} pairs: p = {p:.3g}." if several else "")
    )
    st.markdown("**Where the second reads differently** (its confusion matrix less the first's)")
    figure = comparing.difference(found.difference)
    live_chart(figure, "difference", "Difference of the confusion matrices.", 420)
    rows = [{"true label": digit} | dict(zip(map(str, range(10)), row, strict=True))
            for digit, row in enumerate(found.difference.tolist())]  # fmt: skip
    take_along("difference", rows, figure)
    for name, indices, other in ((first, found.only_first, second), (second, found.only_second, first)):
        st.markdown(f"**{len(indices):,} images only {escaped(called[name])} reads rightly**")
        gallery(
            (
                (images[i], f"no. {i}\na {labels[i]}\nother: {read[other][i]}", False)
                for i in indices[:SHOWN]
            ),
            known=True,
        )
    either = [*found.only_first.tolist(), *found.only_second.tolist()]
    rows = [
        {"image": i, "label": int(labels[i])}
        | {f"read by {called[run_id]}": int(read[run_id][i]) for run_id in (first, second)}
        for i in sorted(either)
    ]
    take_along("disagreements", rows)


def _ends(runs: Sequence[Run], read: Mapping[str, np.ndarray]) -> tuple[tuple[str, float | None], ...]:
    """What the answers of runs are known by: another run may have the id of one that was deleted, but not its end."""
    return tuple((run.id, run.ended) for run in runs if run.id in read)


def _text(value: Any) -> str:
    return "–" if value is None else compare.whole(value)
