"""Where the digit comes from that is to be read: the canvas, a photo, or the test set."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import ink
from mnist_core.errors import ImageError
from mnist_core.ui.canvas import PAPER_RGB, drawing_canvas, sheet_of
from mnist_core.ui.lab import Lab, test_set

SOURCES = ("my drawing", "a photo", "a test image")
CANVAS = "canvas"
PHOTO_MEGABYTES = 20

_one_at_a_time = threading.Lock()
"""A photo of the most pixels takes some hundred megabytes while it is decoded: not once for each of a class."""


@dataclass(frozen=True, eq=False)
class Source:
    """What is to be read.

    Attributes:
        id: names a drawing or photo that may be kept; empty for an image of MNIST, which has its label already.
        strokes: of a drawing.
    """

    drawing: ink.Picture | ink.Ink
    id: str = ""
    strokes: tuple[dict[str, Any], ...] = ()

    @property
    def picture(self) -> ink.Picture | None:
        """What goes through the ink pipeline; of an image of MNIST, which is through already, there is none."""
        return self.drawing if isinstance(self.drawing, ink.Picture) else None


def read_source(lab: Lab, kind: str | None) -> Source | None:
    """Draws what the reader needs to give a digit; ``None`` while there is none. ``ImageError`` if it is no picture."""
    if kind == "a photo":
        return _from_file()
    return _from_test_set(lab) if kind == "a test image" else _from_canvas()


def _from_canvas() -> Source | None:
    image = drawing_canvas(CANVAS)
    sheet = sheet_of(CANVAS)
    return None if image is None else Source(ink.canvas(image, PAPER_RGB), sheet["drawing"], tuple(sheet["strokes"]))


def _from_file() -> Source | None:
    file = st.file_uploader(
        "A photo or scan of a digit or a number",
        type=["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"],
        max_upload_size=PHOTO_MEGABYTES,
        key="photo",
    )
    if file is None:
        return None
    # Browsers refuse a larger one already, and some count in 1024s; who does without one gets no further than here.
    if file.size > PHOTO_MEGABYTES * 2**20:
        most = f"{PHOTO_MEGABYTES} MB, the most that a photo may have"
        raise ImageError(f"{file.name} is larger than {most}; save it smaller.")
    content = file.getvalue()
    return Source(read_photo(content), hashlib.sha256(content).hexdigest()[:16])


@st.cache_data(max_entries=1, scope="session", show_spinner="Reading the photo …")
def read_photo(content: bytes) -> ink.Picture:
    with _one_at_a_time:
        return ink.open_picture(content)


def _from_test_set(lab: Lab) -> Source:
    images, labels = test_set(lab.settings.data)
    index = int(st.number_input("Number of the test image", 0, len(images) - 1, 0, key="test-image"))
    st.caption(f"It is a {labels[index]}.")
    # A test image has been through MNIST's own normalisation and is read as it is.
    return Source(ink.Ink(images[index], ()))


def shown(source: Source, found: ink.Number | None) -> np.ndarray:
    """The digit as a network sees it, uint8 ``(28, 28)``."""
    return source.drawing.image if found is None else found.whole.image
