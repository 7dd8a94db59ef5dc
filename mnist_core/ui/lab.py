"""What every page needs from behind the pages: settings, store and engine, one of each per data folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core import logs
from mnist_core.data import mnist
from mnist_core.engine.client import EngineClient
from mnist_core.settings import Settings
from mnist_core.store import RunStore


@dataclass(frozen=True)
class Lab:
    settings: Settings
    store: RunStore
    engine: EngineClient


def lab() -> Lab:
    """The lab of this server. ``StoreError`` if its data folder cannot be used."""
    return _lab(Settings.from_environment())


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Settings: repr})
def _lab(settings: Settings) -> Lab:
    store = RunStore(settings.database_url)
    logs.to_file("web", settings.home / "web.log")
    return Lab(settings, store, EngineClient(settings, store))


@st.cache_data(max_entries=32, show_spinner=False)
def test_probabilities(database_url: str, run_id: str, ended: float) -> np.ndarray:
    """A run's probabilities on the test set, ``float32 (10000, 10)``; they never change once it has ended."""
    return lab().store.load_array(run_id, "test_probabilities")


@st.cache_resource(max_entries=2, show_spinner="Reading the images …")
def digits(part: mnist.Part, path: str = "") -> mnist.Digits:
    """The training or test images, shared by all visitors."""
    return mnist.load(part)
