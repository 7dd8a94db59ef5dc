"""The ten probabilities as bars of HTML: quick to update with every stroke, and readable aloud."""

from __future__ import annotations

import numpy as np
import streamlit as st

STYLE = """<style>
.bars { display: grid; grid-template-columns: 1.2em 1fr 4em; gap: .22rem .6rem; align-items: center;
  font-variant-numeric: tabular-nums; max-width: 34rem; }
.bars .track { background: color-mix(in srgb, currentColor 10%, transparent); border-radius: .25rem; height: 1.05rem; }
.bars .bar { background: #56a0d3; border-radius: .25rem; height: 100%; }
.bars .best { font-weight: 700; } .bars .bar.best { background: #d55e00; }
.bars .value { text-align: right; font-size: .85rem; }
</style>"""


def probability_bars(probabilities: np.ndarray) -> None:
    """Bars for ``(10,)`` probabilities, the largest set off by colour and weight."""
    best = int(np.argmax(probabilities))
    rows = []
    for digit, value in enumerate(probabilities):
        mark = "best" if digit == best else ""
        rows.append(
            f'<span class="{mark}">{digit}</span>'
            f'<div class="track"><div class="bar {mark}" style="width:{value:.2%}"></div></div>'
            f'<span class="value {mark}">{value:.1%}</span>'
        )
    words = f"Probabilities: most likely {best} with {probabilities[best]:.1%}"
    st.html(f'{STYLE}<div class="bars" role="img" aria-label="{words}">{"".join(rows)}</div>')
