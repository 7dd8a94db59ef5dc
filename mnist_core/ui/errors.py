"""Errors on pages: in words instead of tracebacks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from mnist_core.errors import LabError
from mnist_core.ui.words import escaped

log = logging.getLogger("mnist_core.ui")


@contextmanager
def errors_in_words(then: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Shows a ``LabError`` as it is; logs anything else and says so without details. For fragments too.

    Args:
        then: what is done after an error was shown.
    """
    try:
        yield
    except LabError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        then()
    except Exception:  # Whatever a page stumbles over is a bug of ours: the reader gets a sentence, the log all of it.
        log.exception("a page failed")
        st.error(
            "Something in MNIST Lab went wrong, and the details are in the server's log. Nothing of yours is lost: "
            "reload the page to go on.",
            icon=":material/error:",
        )
        then()
