"""Find a Chromium for the end-to-end tests, and install one when there is none.

``python -m tools.browser`` prints the path of the browser it found or installed; if there is none,
it says so in one sentence on standard error and exits with 1.
"""

import os
import shutil
import sys
from pathlib import Path

from tools import programs

VARIABLE = "MNIST_LAB_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    f"No browser for the end-to-end tests: neither Playwright's Chromium nor any of {', '.join(NAMES)} "
    f"runs here; install one (`apt install chromium`, or `.venv/bin/python -m playwright install chromium`), "
    f"or set {VARIABLE} to the path of a Chromium or Chrome."
)

# Asked in a process of its own, as Playwright's sync API refuses to start inside a running event loop.
PLAYWRIGHT_PATH = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


class BrowserMissing(Exception):
    """No browser can be used; the message is one sentence for the reader."""


def find():
    """The path of a Chromium that runs, or None; the reader's own choice, ``MNIST_LAB_BROWSER``, comes first.

    Raises BrowserMissing when that choice does not run: to take another one in silence would mislead.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        path = shutil.which(chosen)
        if path and _runs(path):
            return path
        raise BrowserMissing(
            f"{VARIABLE} is {chosen!r}, which does not run as a browser; "
            f"set it to the path of a Chromium or Chrome, or unset it to have one found."
        )
    return next((path for path in _candidates() if _runs(path)), None)


def ensure():
    """The path of a Chromium that runs, installed if there was none; raises BrowserMissing if that fails."""
    path = find()
    for install in (_install_with_playwright, _install_with_apt):
        if path is None:
            install()
            path = find()
    if path is None:
        raise BrowserMissing(MISSING)
    return path


def _candidates():
    bundled = _playwright_path()
    if bundled:
        yield bundled
    yield from filter(None, map(shutil.which, NAMES))


def _playwright_path():
    """Where Playwright keeps its own Chromium, or None when it has not been downloaded."""
    path = programs.output([sys.executable, "-c", PLAYWRIGHT_PATH], seconds=30)
    return path if path and Path(path).is_file() else None


def _runs(path):
    """Whether it starts: a snap stub, or a browser without its shared libraries, is there and does not."""
    if os.name == "nt":  # Chrome on Windows opens a window instead of printing its version
        return Path(path).is_file()
    return programs.output([path, "--version"], seconds=30) is not None


def _install_with_playwright():
    programs.say("No browser yet: asking Playwright for its Chromium (two minutes at most).")
    programs.output([sys.executable, "-m", "playwright", "install", "chromium"], seconds=120)


def _install_with_apt():
    programs.install_with_apt("chromium", "Playwright has none for us")


def main():
    return programs.found_or_said(ensure, BrowserMissing)


if __name__ == "__main__":
    sys.exit(main())
