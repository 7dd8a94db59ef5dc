"""Numbers as colours: blue below zero, nearly white at zero, orange above. With or without a drawing under them."""

from __future__ import annotations

import numpy as np
import streamlit as st

BELOW, NOTHING, ABOVE = (np.array(c, float) for c in ((33, 102, 172), (247, 247, 247), (230, 97, 1)))
"""Blue, nearly white and orange: told apart with every kind of colour vision, and in print by what they mean."""

SHARE_SHOWN = 99.5
"""Per cent of the values that the scale spans; a few extreme ones would make all others pale."""

INK_DARKENS = 0.3


def limit(values: np.ndarray) -> float:
    """The value at which colours are full, the same for all that are shown together; above 0."""
    return float(np.percentile(np.abs(values), SHARE_SHOWN)) or float(np.abs(values).max()) or 1.0


def coloured(values: np.ndarray, most: float, drawing: np.ndarray | None = None) -> np.ndarray:
    """``uint8 (rows, columns, 3)``: full colours at ``most``; darker where a uint8 ``drawing`` has ink."""
    share = np.clip(values / most, -1, 1)[..., None]
    colours = NOTHING + np.abs(share) * (np.where(share < 0, BELOW, ABOVE) - NOTHING)
    if drawing is not None:
        colours *= 1 - INK_DARKENS * drawing[..., None] / 255
    return np.rint(colours).astype(np.uint8)


def scale(most: float) -> None:
    """The colours from ``-most`` to ``most`` in a bar."""
    st.html(
        f'<div role="img" aria-label="Colours from {-most:.2g} over 0 to {most:.2g}" style="height:.7rem; '
        f"max-width:16rem; border-radius:.35rem; "
        f'background:linear-gradient(to right, {_css(BELOW)}, {_css(NOTHING)}, {_css(ABOVE)})"></div>'
    )


def _css(colour: np.ndarray) -> str:
    return f"rgb({','.join(str(int(part)) for part in colour)})"
