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


SMALL = 28 * 28
"""Pixels of a digit. Larger pictures are not remembered: thousands of them would fill the memory."""


@lru_cache(maxsize=4096)
def _encoded(shape: tuple[int, int], pixels: bytes) -> str:
    """The picture for an address. A page draws the same hundred again whenever anything on it is touched."""
    return base64.b64encode(png(np.frombuffer(pixels, np.uint8).reshape(shape))).decode()


def picture(image: np.ndarray, description: str, width: str = "100%") -> str:
    """An ``<img>`` of a digit, ink white on black as in MNIST, or of any other small picture."""
    encoded = _encoded if image.size <= SMALL else _encoded.__wrapped__
    data = encoded(image.shape, image.tobytes())
    text = html.escape(description, quote=True)
    rows, columns = image.shape[:2]
    shape = "" if rows == columns else f";aspect-ratio:{columns}/{rows}"
    return f'<img class="pixels" src="data:image/png;base64,{data}" alt="{text}" style="max-width:{width}{shape}">'


def gallery(entries: Iterable[tuple[np.ndarray, str, bool]]) -> None:
    """A grid of ``(image, caption, wrong)``; a wrong one gets a coloured rim as well as its caption."""
    figures = [
        f'<figure class="{"wrong" if wrong else ""}">{picture(image, caption)}'
        f"<figcaption>{html.escape(caption).replace(chr(10), '<br>')}</figcaption></figure>"
        for image, caption, wrong in entries
    ]
    st.html(f'<div class="digits">{"".join(figures)}</div>')
