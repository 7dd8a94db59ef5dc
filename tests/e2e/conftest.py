"""One server, one engine and one browser for all journeys; a browser context of its own for every test.

The server is started as a user starts it, by ``streamlit run``, with a data folder of its own. A test leaves
no run behind but the ``trained`` ones, so that none waits for another's training.
"""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

import tools.browser
from mnist_core.recipes import recipe
from mnist_core.store import RunStore
from tests.e2e.lab import SECONDS, Lab
from tests.helpers import ROOT, eventually, processes_of

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
IDLE_SECONDS = 2
"""How long the engine outlives the server."""

RESULTS = ROOT / "test-results"


# -- browser and server --------------------------------------------------------------------------------------


def browser_path():
    """A Chromium that runs. Without one tests are skipped, and fail where they were asked for."""
    path = tools.browser.find()
    if path is None:
        asked = os.environ.get("MNIST_LAB_NEEDS_BROWSER") or os.environ.get("CI")
        (pytest.fail if asked else pytest.skip)(tools.browser.MISSING)
    return path


@pytest.fixture(scope="package")
def browser():
    path = browser_path()
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Server:
    url: str
    home: Path
    log: Path
    store: RunStore
    process: subprocess.Popen
    begin: Callable[[], subprocess.Popen]

    def begin_again(self):
        """Kills the process and begins another at the same address; what was in the memory of the first is gone."""
        self.process.kill()
        self.process.wait()
        self.process = self.begin()

    def complaints(self, since):
        """What the log says of failures after its first ``since`` characters."""
        said = self.log.read_text(errors="replace")[since:]
        return said[said.index("Traceback") - 500 :] if "Traceback" in said else ""


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("dashboard"), free_port()) as started:
        yield started


@contextmanager
def serve(folder, port, **variables):
    """A server with its data in ``folder``; ``variables`` of its environment."""
    home, log = folder / "home", folder / "server.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MNIST_LAB_")}
    environment |= {"MNIST_LAB_HOME": str(home), "MNIST_LAB_IDLE_SECONDS": str(IDLE_SECONDS)} | variables
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.port", str(port), "--server.headless", "true", "--server.address", "127.0.0.1"]
    url, begun = f"http://127.0.0.1:{port}", []

    def begin():
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        begun.append(process)
        eventually(lambda: process.poll() is not None or _answers(f"{url}/_stcore/health"), 2 * SECONDS)
        assert process.poll() is None, log.read_text()
        return process

    try:
        process = begin()
        store = RunStore(f"sqlite:///{home / 'runs.sqlite'}")
        server = Server(url, home, log, store, process, begin)
        yield server
        store.database.close()
        server.process.send_signal(signal.SIGINT)
        server.process.wait(20)
        # The engine ends by itself when nobody needs it any more, and all its workers with it.
        eventually(lambda: not processes_of(home), 40)
    finally:
        for left in (*begun, *processes_of(home)):
            left.kill()
        for process in begun:
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


# -- what a test gets ----------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def home(request, monkeypatch):
    """The server's data folder, for tests that need the server."""
    if "server" not in request.fixturenames:
        return None
    folder = request.getfixturevalue("server").home
    monkeypatch.setenv("MNIST_LAB_HOME", str(folder))
    return folder


_kept = {}
"""Runs that stay from test to test, by what they are for."""


@pytest.fixture
def store(server):
    """The server's store, in which a test leaves no run behind but those kept for all tests."""
    yield server.store
    for run in server.store.list():
        if run.id not in _kept.values():
            server.store.delete(run.id)


@pytest.fixture
def nothing_trained(store):
    """A store without any run, as it is for a new user."""
    for run in store.list():
        store.delete(run.id)


@pytest.fixture
def visitor(browser, server, store, request):
    """Gives visitors, each with a browser context of its own; no page, console or log may complain."""
    labs, since = [], len(server.log.read_text(errors="replace"))

    def visitor(**options):
        options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options
        labs.append(Lab(browser.new_context(accept_downloads=True, **options), server.url))
        return labs[-1]

    yield visitor
    failures = [failure for lab in labs for failure in lab.failures()]
    for number, lab in enumerate(labs):
        if failures or request.node.stash.get(FAILED, False):
            RESULTS.mkdir(exist_ok=True)
            lab.page.screenshot(path=RESULTS / f"{request.node.name}-{number}.png", full_page=True)
        lab.context.close()
    assert not failures
    assert not server.complaints(since), server.complaints(since)


@pytest.fixture
def lab(visitor):
    """A visitor at a desk."""
    return visitor()


@pytest.fixture
def trained(server, store, lab):
    """A network of the quick recipe, trained to its end; the same one in all tests."""
    return _trained(server, lab, "trained", recipe("quick").config)


@pytest.fixture
def also_trained(server, store, lab):
    """Another one, that has learned less."""
    changes = {"architecture.name": "softmax", "training.epochs": 1, "data.subset": 3000}
    return _trained(server, lab, "also trained", recipe("quick").config.replace(changes))


def _trained(server, lab, purpose, config):
    known = {run.id: run for run in server.store.list(statuses=("finished",))}
    if _kept.get(purpose) not in known:
        lab.open("Home")  # which starts the engine, if it is away
        _kept[purpose] = server.store.create(config, purpose)
        eventually(lambda: not server.store.get(_kept[purpose]).active, 2 * SECONDS)
    run = server.store.get(_kept[purpose])
    assert run.status == "finished", run.message
    return run


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or outcome.get_result().failed
