"""Find a Chromium for the end-to-end tests, and install one when there is none.

``python tools/browser.py`` prints the path of the browser it found or installed; if there is none,
it says so in one sentence on standard error and exits with 1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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
    path = _output([sys.executable, "-c", PLAYWRIGHT_PATH], seconds=30)
    return path if path and Path(path).is_file() else None


def _runs(path):
    """Whether it starts: a snap stub, or a browser without its shared libraries, is there and does not."""
    if os.name == "nt":  # Chrome on Windows opens a window instead of printing its version
        return Path(path).is_file()
    return _output([path, "--version"], seconds=30) is not None


def _install_with_playwright():
    _say("No browser yet: asking Playwright for its Chromium (two minutes at most).")
    _output([sys.executable, "-m", "playwright", "install", "chromium"], seconds=120)


def _install_with_apt():
    """Install Debian's chromium, where there is apt-get and the right to use it without a password."""
    root = _root_prefix()
    if root is None or not shutil.which("apt-get"):
        return
    _say("Playwright has none for us: installing Debian's chromium with apt-get (a minute or two).")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q"]
    _output([*apt, "update"], seconds=180)  # a stale list may still do, so its failure does not matter
    _output([*apt, "install", "--no-install-recommends", "chromium"], seconds=600)


def _root_prefix():
    """What to write before a command that needs root: nothing, sudo, or None when neither will do."""
    if getattr(os, "geteuid", lambda: -1)() == 0:
        return []
    return ["sudo", "-n"] if _output(["sudo", "-n", "true"], seconds=10) is not None else None


def _output(command, seconds):
    """What the command printed, or None when it is missing, failed or took too long."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    try:
        print(ensure())
    except BrowserMissing as missing:
        _say(missing)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
