"""What seeds alone make of each setting, and whether losses are one measure: told alike of sweeps and of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_core.explore import seeds
from mnist_core.ui.data_table import data_table
from mnist_core.ui.take import take_along
from mnist_core.ui.words import escaped

NUMBERS = ("mean", "standard deviation", "lowest", "highest")


def show_spread(
    values: Mapping[str, Sequence[float]],
    fates: Mapping[str, Mapping[int, str]],
    name: str,
    measure: str,
    higher_is_better: bool = True,
    shares: bool = True,
) -> None:
    """A table, which seeds have no number to put there, and whether a difference is more than seed noise.

    Args:
        values: accuracies or losses by what was set, one number per seed.
        fates: by what was set and by seed, why it has no number, as ``seeds.fate`` says; empty where it has one.
        name: of the files to take along.
        measure: what these numbers are, in words: beside them, another one may be drawn.
        shares: whether they are fractions, to be shown in percent.
    """
    known = any(values.values())
    if known:
        lost = {label: seeds.lost(fates[label]) for label in values}
        rows = [_row(label, group) for label, group in values.items() if group or lost[label]]
        if any(lost.values()):
            rows = [row | {"without a number": lost[row["setting"]]} for row in rows]
        column = st.column_config.NumberColumn(format="percent" if shares else "%.4f")
        st.markdown(f"**{measure.capitalize()} over seeds**")
        data_table(rows, column_config=dict.fromkeys(NUMBERS, column))
        take_along(name, rows)
    for sentence in seeds.without_number(fates):
        st.warning(escaped(sentence), icon=":material/trending_up:")
    if known:
        st.info(escaped(seeds.noise(values, higher_is_better)), icon=":material/balance:")


def say_unlike(losses: str) -> None:
    """Why losses cannot be compared, if they cannot, beside whatever sets them side by side."""
    if losses:
        st.warning(losses, icon=":material/balance:")


def _row(label: str, group: Sequence[float]) -> dict[str, Any]:
    """``None`` for the numbers of a setting of which no seed came to any."""
    numbers = seeds.spread(group)[1:] if group else [None] * len(NUMBERS)
    return {"setting": label, "seeds": len(group)} | dict(zip(NUMBERS, numbers, strict=True))
