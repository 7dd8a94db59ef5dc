"""Compare: two to twelve runs side by side."""

import streamlit as st

from mnist_core.explore import compare
from mnist_core.ui import compare_view
from mnist_core.ui.frame import page

with page("Compare", "What differs between runs, how good each is, and whether that is more than luck.") as lab:
    runs = compare_view.choose(lab)
    if len(runs) < compare.FEWEST:
        st.info(
            f"Choose {compare.FEWEST} to {compare.MOST} runs above. The address of this page then shows the same "
            "comparison to everybody.",
            icon=":material/compare_arrows:",
        )
    else:
        compare_view.curves(lab, runs)
        compare_view.settings(runs)
        compare_view.start(lab, runs)
        read = compare_view.marks(lab, runs)
        if len(read) >= compare.FEWEST:
            compare_view.pair(lab, runs, read)
