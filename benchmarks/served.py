"""The dashboard as a user starts it, in a data folder of its own, with a real browser in front of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.engine.client import EngineClient
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from tools import browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
UP_SECONDS = 180
"""Of a dashboard and its workers, on a machine that may be busy with other things."""


@dataclass
class Served:
    """A running dashboard: its address, process, and what stands behind it."""

    url: str
    process: subprocess.Popen
    store: RunStore
    engine: EngineClient


@contextmanager
def served() -> Iterator[Served]:
    """Starts ``streamlit run`` and gives it as soon as its health check answers; stops all of it in the end."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"MNIST_LAB_HOME": home, "MNIST_LAB_IDLE_SECONDS": "5"}
        port = _free_port()
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
        process = subprocess.Popen(
            [*command, "--server.headless", "true"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        settings = Settings.from_environment(environment)
        store = RunStore(settings.database_url)
        lab = Served(f"http://localhost:{port}", process, store, EngineClient(settings, store))
        try:
            _wait_until_healthy(lab.url)
            yield lab
        finally:
            process.terminate()
            process.wait()
            lab.engine.stop()


@contextmanager
def visitors() -> Iterator[Callable[..., Page]]:
    """A browser; every call gives a page of another visitor, with nothing in its cache."""
    from playwright.sync_api import sync_playwright  # only where a browser is needed

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.ensure(), args=FLAGS)

        def newcomer(dark: bool = False, phone: bool = False) -> Page:
            size = {"width": 390, "height": 844} if phone else {"width": 1400, "height": 900}
            scheme = "dark" if dark else "light"
            return chromium.new_context(viewport=size, color_scheme=scheme, has_touch=phone).new_page()

        yield newcomer
        chromium.close()


@contextmanager
def visitor(dark: bool = False, phone: bool = False) -> Iterator[Page]:
    """The page of one visitor."""
    with visitors() as newcomer:
        yield newcomer(dark, phone)


def wait_until_warm(lab: Served) -> None:
    """Until every worker has imported TensorFlow and says so."""
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        status = lab.engine.ensure()
        if status.workers and all(worker["ready"] for worker in status.workers):
            return
        time.sleep(0.1)
    raise TimeoutError("the workers did not get warm")


def draw_stroke(page: Page, points: list[tuple[int, int]]) -> None:
    """One stroke on the canvas with the mouse, in canvas pixels."""
    canvas = page.locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=6)
    page.mouse.up()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError("the dashboard did not come up")
