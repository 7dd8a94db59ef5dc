"""Compare: two to twelve runs side by side."""

import streamlit as st

from mnist_core.explore import compare
from mnist_core.explore.lesson import RUNS, Lesson
from mnist_core.ui import compare_view
from mnist_core.ui.compare_curves import curves
from mnist_core.ui.frame import page
from mnist_core.ui.share import lesson_of_link, share, show_task

with page("Compare", "What differs between runs, how good each is, and whether that is more than luck.") as lab:
    lesson, _ = lesson_of_link("Compare")
    show_task(lesson)
    runs = compare_view.choose(lab, lesson)
    if len(runs) < compare.FEWEST:
        st.info(
            f"Choose {compare.FEWEST} to {compare.MOST} runs above. The address of this page then shows the same "
            "comparison to everybody.",
            icon=":material/compare_arrows:",
        )
    else:
        curves(lab, runs)
        compare_view.settings(runs)
        compare_view.start(lab, runs)
        read = compare_view.marks(lab, runs)
        if len(read) >= compare.FEWEST:
            compare_view.pair(lab, runs, read)
        share(Lesson(), [RUNS], runs=",".join(run.id for run in runs))
