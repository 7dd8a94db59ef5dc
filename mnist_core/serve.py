"""Serves the dashboard: a free port, the web server, the engine beside it, and an end without remains."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from mnist_core import sign_in
from mnist_core.engine.client import ATTEND_SECONDS, START_SECONDS, EngineClient
from mnist_core.errors import LabError
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import attend

LEAST_UPLOAD, MOST_UPLOAD = 20, 1000
"""Megabytes: photos come in the same way as models; and where no limit is set, since Streamlit must be told one. No
model with as many parameters as a configuration may have needs more."""

APP = Path(__file__).parents[1] / "streamlit_app.py"
LOCAL, EVERYWHERE = "127.0.0.1", ("", "0.0.0.0", "::")

PORTS = range(8501, 8521)
"""Tried in order when none is asked for."""

LOOK_SECONDS = 0.1
FALLS, FALL_SECONDS = 3, 60
"""A web server that ends by itself so often in so short a time cannot stay, and is not started again."""

STOP_SECONDS = 5
"""How long the web server may take to end before it is killed; it holds nothing that could be lost."""


class PortError(LabError):
    """The port, or the address, cannot be listened on."""


def free_port(address: str = LOCAL, wanted: int | None = None) -> int:
    """The wanted port if it is free; without a wish, the first free one of ``PORTS``."""
    if wanted is not None:
        if not _is_free(address, wanted):
            raise PortError(f"Port {wanted} is taken: choose another, or none to have one chosen.")
        return wanted
    for port in PORTS:
        if _is_free(address, port):
            return port
    raise PortError(f"All ports from {PORTS[0]} to {PORTS[-1]} are taken: name another one with --port.")


def serve(settings: Settings, port: int, address: str = LOCAL, movable: bool = False) -> int:
    """Serves until Ctrl-C or a signal, and gives the exit code. A web server that dies is started again.

    Args:
        movable: whether it may be at the next free port, should another server take this one first.

    Raises:
        StoreError: the data folder cannot be used; nothing has been started then.
        LabError: the web server cannot stay.
    """
    if not APP.is_file():
        raise LabError(f"{APP}, the dashboard, is missing. Fetch it again, for example with git checkout.")
    store = RunStore(settings.database_url)
    attend(store.database)  # A write, to hear now whether the data folder takes any.
    if wrong := sign_in.problem():
        print(f"Nobody can sign in: {wrong}", file=sys.stderr, flush=True)
    engine = EngineClient(settings, store)
    with _signals() as stopping:
        try:
            _keep(engine)
            _serve_pages(port, address, movable, settings, engine, stopping)
        finally:
            _stop_engine(engine)
    print("Stopped.", flush=True)
    return 0


def _serve_pages(
    port: int, address: str, movable: bool, settings: Settings, engine: EngineClient, stopping: threading.Event
) -> None:
    """Keeps a web server there until the end is asked for; the engine and its runs do not notice when one dies."""
    falls: deque[float] = deque(maxlen=FALLS)
    while True:
        web = _start_web(port, address, settings)
        try:
            opened = _opened(web, port, address, stopping)
            if opened:
                print(f"MNIST Lab is open at {_url(port, address)} — stop it with Ctrl-C", flush=True)
            _watch(web, engine, stopping)
        finally:
            _stop_web(web)
        if stopping.is_set():
            return
        if movable and not opened and not _is_free(address, port):
            # Another server began to listen after we had found the port free, and before ours did.
            taken, port = port, free_port(address)
            print(f"Port {taken} is taken, so it is {port}.", flush=True)
            continue
        ended = f"The web server ended by itself with exit code {web.returncode}"
        falls.append(time.monotonic())
        if len(falls) == FALLS and falls[-1] - falls[0] < FALL_SECONDS:
            raise LabError(f"{ended}, {FALLS} times within a minute; see above.")
        print(f"{ended} and is started again.", file=sys.stderr, flush=True)


def _is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        if os.name == "posix":  # As servers do: a port whose last connections are just closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise PortError(f"Port {port} at {address!r} cannot be listened on ({error.strerror}).") from None
    return True


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C, ``kill`` and a closed terminal set, so that each of them ends in good order."""
    stopping = threading.Event()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), lambda *_: stopping.set()) for name in names}
    try:
        yield stopping
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _start_web(port: int, address: str, settings: Settings) -> subprocess.Popen:
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": "true",
        "server.maxUploadSize": max(LEAST_UPLOAD, settings.upload_megabytes or MOST_UPLOAD),
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",
        "logger.level": "warning",
    }
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "mnist_core.bound", "streamlit", "run", str(APP), *flags]
    environment = os.environ | settings.environment()  # which may have named files from our folder on
    # In a session of its own, since Ctrl-C in a terminal is ours to answer, also while it is still starting.
    return subprocess.Popen(command, cwd=APP.parent, env=environment, stdin=subprocess.PIPE, start_new_session=True)


def _opened(web: subprocess.Popen, port: int, address: str, stopping: threading.Event) -> bool:
    """Waits until the web server answers; ``False`` if it ended or shall end before."""
    deadline = time.monotonic() + START_SECONDS
    while web.poll() is None and time.monotonic() < deadline and not stopping.wait(LOOK_SECONDS):
        connection = http.client.HTTPConnection(LOCAL if address in EVERYWHERE else address, port, timeout=1)
        try:
            connection.request("GET", "/_stcore/health")
            if connection.getresponse().status == http.client.OK and _listens(web, port):
                return True
        except (OSError, http.client.HTTPException):
            continue  # Not yet: it is still starting.
        finally:
            connection.close()
    return False


def _listens(web: subprocess.Popen, port: int) -> bool:
    """Whether it is this web server that answers at the port, and not one that took the port while this one starts."""
    try:
        process = psutil.Process(web.pid)
        found = [one for each in (process, *process.children(recursive=True)) for one in each.net_connections("inet")]
    except psutil.AccessDenied:
        return web.poll() is None
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)


def _watch(web: subprocess.Popen, engine: EngineClient, stopping: threading.Event) -> None:
    """Waits for the end, and keeps an engine meanwhile."""
    kept = time.monotonic()
    while web.poll() is None and not stopping.wait(LOOK_SECONDS):
        if time.monotonic() - kept >= ATTEND_SECONDS:
            _keep(engine)
            kept = time.monotonic()


def _keep(engine: EngineClient) -> None:
    try:
        engine.ensure()
    except LabError as error:
        # Pages say so as well, and can still show what there is: no reason to end.
        print(error, file=sys.stderr, flush=True)


def _stop_web(web: subprocess.Popen) -> None:
    web.terminate()
    try:
        web.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        web.kill()
        web.wait()
    web.stdin.close()


def _stop_engine(engine: EngineClient) -> None:
    """Ends the engine and waits for that, whoever started it, unless others want it to stay."""
    try:
        engine.stop()
    except LabError as error:
        print(error, file=sys.stderr, flush=True)


def _url(port: int, address: str) -> str:
    """Where a browser finds it; for a whole network, by this computer's address in it."""
    here = f"http://localhost:{port}"
    if address in (LOCAL, "localhost", "::1"):
        return here
    if address not in EVERYWHERE:
        return f"http://{f'[{address}]' if ':' in address else address}:{port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing, but chooses the way out. The address is one of those kept for examples.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return here
        return f"{here} and, in your network, http://{probe.getsockname()[0]}:{port}"
