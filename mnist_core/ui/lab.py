"""What every page needs from behind the pages: settings, store and engine, one of each per data folder."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core import logs
from mnist_core.allocator import be_sparing
from mnist_core.data import mnist
from mnist_core.data.packed import PackedImages
from mnist_core.engine.client import EngineClient
from mnist_core.limits import RateLimit
from mnist_core.settings import Settings
from mnist_core.store import RunStore

TURN_SECONDS = 0.0005
"""How long one visitor's page may compute before another's gets its turn. Pages wait for database and engine again and
again, and after each wait would wait up to Python's 5 ms more for everyone who computes."""

GARBAGE_EVERY = 10_000
"""New objects until Python looks for garbage among the youngest. With its own 700, a class of 40 makes it look through
all 290,000 objects every seven seconds, and everybody waits the 0.25 s that it takes."""

PIN_TRIES, ALL_PIN_TRIES = 5, 20
"""A minute: of one visitor, and of all together."""

TOO_MANY_PINS = "Too many PINs were tried. Wait {seconds} s and try again."
TOO_FAST = (
    "You asked for more than {most} answers in a minute, the most for one visitor (MNIST_LAB_PREDICTIONS_PER_MINUTE). "
    "Go on in {seconds} s."
)


@dataclass(frozen=True)
class Lab:
    settings: Settings
    store: RunStore
    engine: EngineClient
    predictions: RateLimit
    pins: RateLimit
    """Tries to enter the teacher's PIN, by visitor; and ``all_pins``, of everybody together."""
    all_pins: RateLimit


def lab() -> Lab:
    """The lab of this server. ``StoreError`` if its data folder cannot be used."""
    return _lab(Settings.from_environment())


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Settings: repr})
def _lab(settings: Settings) -> Lab:
    store = RunStore(settings.database_url)
    logs.to_file("web", settings.home / "web.log")
    sys.setswitchinterval(TURN_SECONDS)
    gc.set_threshold(GARBAGE_EVERY)
    be_sparing()
    predictions = RateLimit(settings.predictions_per_minute, TOO_FAST)
    pins = RateLimit(PIN_TRIES, TOO_MANY_PINS), RateLimit(ALL_PIN_TRIES, TOO_MANY_PINS)
    return Lab(settings, store, EngineClient(settings, store), predictions, *pins)


@st.cache_data(max_entries=32, show_spinner=False)
def test_probabilities(database_url: str, run_id: str, ended: float) -> np.ndarray:
    """A run's probabilities on the test set, ``float32 (10000, 10)``; they never change once it has ended."""
    return lab().store.load_array(run_id, "test_probabilities")


@st.cache_resource(max_entries=2, show_spinner="Reading the images …")
def test_set(path: str = "") -> tuple[PackedImages, np.ndarray]:
    """The test images and their labels, shared by all visitors; ``path`` is the setting ``data``."""
    digits = mnist.load("test")
    mnist.forget()
    return PackedImages(digits.images), digits.labels
