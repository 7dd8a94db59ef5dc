"""Small pictures of digits as HTML: crisp at any size, with a text for those who cannot see them."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import streamlit as st
from PIL import Image


def png(image: np.ndarray) -> bytes:
    """``uint8 (H, W)`` as PNG bytes."""
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, format="PNG")
    return packed.getvalue()


SIDE = 28
"""Pixels of a digit."""


@lru_cache(maxsize=4096)
def _encoded(pixels: bytes) -> str:
    """A digit of MNIST for an address. A page draws the same hundred again whenever anything on it is touched."""
    return _address(np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE))


def _address(image: np.ndarray) -> str:
    return base64.b64encode(png(image)).decode()


def picture(image: np.ndarray, description: str, width: str = "100%", known: bool = False) -> str:
    """An ``<img>`` of a digit, ink white on black as in MNIST, or of any other small picture.

    Args:
        known: it is one of MNIST's, which many look at. What a visitor has drawn is not remembered beside them.
    """
    data = _encoded(image.tobytes()) if known else _address(image)
    text = html.escape(description, quote=True)
    rows, columns = image.shape[:2]
    shape = "" if rows == columns else f";aspect-ratio:{columns}/{rows}"
    return f'<img class="pixels" src="data:image/png;base64,{data}" alt="{text}" style="max-width:{width}{shape}">'


def gallery(entries: Iterable[tuple[np.ndarray, str, bool]], known: bool = False) -> None:
    """A grid of ``(image, caption, wrong)``; a wrong one gets a coloured rim as well as its caption; ``known`` if they
    are MNIST's."""
    figures = [
        f'<figure class="{"wrong" if wrong else ""}">{picture(image, caption, known=known)}'
        f"<figcaption>{html.escape(caption).replace(chr(10), '<br>')}</figcaption></figure>"
        for image, caption, wrong in entries
    ]
    st.html(f'<div class="digits">{"".join(figures)}</div>')
