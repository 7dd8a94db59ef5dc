"""The dashboard by command: its port, and an end without remains."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from dataclasses import replace

import psutil
import pytest

from benchmarks.visitor import arrive
from mnist_core import serve
from mnist_core.config import RunConfig
from mnist_core.errors import LabError
from mnist_core.settings import Settings
from mnist_core.store.lease import engine_status
from tests.commands import start
from tests.helpers import assert_friendly, eventually, processes_of

MANY_EPOCHS = RunConfig.parse({"data": {"subset": 3000}, "training": {"epochs": 500, "batch_size": 10}})
"""Lasts longer than a dashboard takes to end, and is stopped when it goes on."""


# -- serve ---------------------------------------------------------------------------------------------------


@pytest.fixture
def listening():
    """Ports of servers on this machine that listen."""
    with socket.create_server((serve.LOCAL, 0)) as first, socket.create_server((serve.LOCAL, 0)) as second:
        yield first.getsockname()[1], second.getsockname()[1]


@pytest.fixture
def port():
    """A free port."""
    with socket.create_server((serve.LOCAL, 0)) as server:
        return server.getsockname()[1]


@pytest.mark.usefixtures("no_engine")
def test_a_port_that_is_taken(call, listening, monkeypatch):
    code, out, err = call("serve", "--port", listening[0])
    assert (code, out) == (2, "")
    assert_friendly(err.removesuffix("\n"), listening[0])
    monkeypatch.setattr(serve, "PORTS", listening)
    code, out, err = call("serve")
    assert (code, out) == (2, "")
    assert_friendly(err.removesuffix("\n"), *listening)


def test_the_next_free_port(call, listening, port, monkeypatch):
    monkeypatch.setattr(serve, "PORTS", (*listening, port))
    assert serve.free_port() == port
    assert serve.free_port(wanted=port) == port
    monkeypatch.setattr(serve, "serve", lambda settings, port, address, movable: 0)
    assert call("serve") == (0, f"Port {listening[0]} is taken, so it is {port}.\n", "")


WEB_SERVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

time.sleep(float(sys.argv[2]))
HTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""


def stand_in(port, *_, starts=0.5):
    """A web server that takes some time to start, as Streamlit does, and answers at once then."""
    command = [sys.executable, "-c", WEB_SERVER, str(port), str(starts)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)


@pytest.fixture
def meanwhile(port, monkeypatch):
    """A port that another dashboard has taken after we had found it free; ours end as soon as they are open."""
    other = stand_in(port, starts=0)
    eventually(lambda: serve._listens(other, port))
    monkeypatch.setattr(serve, "_start_web", stand_in)
    monkeypatch.setattr(serve, "_watch", lambda web, engine, stopping: web.poll() is None and stopping.set())
    yield port
    serve._stop_web(other)


def test_a_port_that_another_dashboard_took_meanwhile(settings, meanwhile, monkeypatch, capsys):
    with socket.create_server((serve.LOCAL, 0)) as server:
        free = server.getsockname()[1]
    monkeypatch.setattr(serve, "PORTS", (meanwhile, free))
    serve._serve_pages(meanwhile, serve.LOCAL, True, settings, None, threading.Event())
    told, opened = capsys.readouterr().out.splitlines()
    assert told == f"Port {meanwhile} is taken, so it is {free}."
    assert opened.startswith(f"MNIST Lab is open at http://localhost:{free} ")


def test_a_named_port_that_another_dashboard_took_meanwhile_is_not_replaced(settings, meanwhile, capsys):
    with pytest.raises(LabError) as error:
        serve._serve_pages(meanwhile, serve.LOCAL, False, settings, None, threading.Event())
    assert_friendly(error, "web server", "3 times")
    assert capsys.readouterr().out == ""  # the other's answer is not taken for ours


@pytest.mark.parametrize(("limit", "accepted"), [(128, "128"), (1, "20"), (0, "1000")])
def test_streamlit_accepts_files_as_large_as_models_and_photos_may_be(limit, accepted, settings, monkeypatch):
    monkeypatch.setattr(serve.subprocess, "Popen", lambda command, **_: command)
    command = serve._start_web(8501, serve.LOCAL, replace(settings, upload_megabytes=limit))
    assert command[command.index("--server.maxUploadSize") + 1] == accepted


def test_the_web_server_opens_the_same_files_from_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(serve.subprocess, "Popen", lambda command, cwd, env, **_: (cwd, env))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_LAB_HOME", "lab")
    monkeypatch.setenv("MNIST_LAB_DATABASE", "sqlite:///lab/own.sqlite")
    settings = Settings.from_environment()
    folder, environment = serve._start_web(8501, serve.LOCAL, settings)
    monkeypatch.chdir(folder)
    assert Settings.from_environment(environment) == settings


@pytest.fixture
def dashboard(home, port):
    """``serve`` in a process of its own, with its page open."""
    with start("serve", "--port", port) as process:
        assert f"open at http://localhost:{port} " in process.stdout.readline()
        with urllib.request.urlopen(f"http://{serve.LOCAL}:{port}/_stcore/health") as answer:
            assert answer.read() == b"ok"
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_dashboard_ends_without_remains(name, dashboard, home, store):
    eventually(lambda: engine_status(store.database).pid)  # the engine has been started without a visitor
    assert len(processes_of(home)) > 2
    dashboard.send_signal(getattr(signal, name))
    out, err = dashboard.communicate(timeout=60)
    assert (dashboard.returncode, out.splitlines()[-1], err) == (0, "Stopped.", "")
    assert processes_of(home) == []
    assert engine_status(store.database).state == "away"


def test_ctrl_c_in_a_terminal_ends_all_without_remains_also_while_the_web_server_starts(home, store, port):
    with start("serve", "--port", port, start_new_session=True) as dashboard:
        try:
            web = eventually(lambda: web_server(dashboard))
            assert os.getpgid(web.pid) != dashboard.pid, "it would answer Ctrl-C with a traceback"
            os.killpg(dashboard.pid, signal.SIGINT)
            out, err = dashboard.communicate(timeout=60)
        finally:
            dashboard.terminate()
    assert (dashboard.returncode, out.splitlines()[-1], err) == (0, "Stopped.", "")
    assert processes_of(home) == []
    assert engine_status(store.database).state == "away"


def test_what_trains_when_the_dashboard_ends_goes_on_when_it_is_opened_again(dashboard, home, store, port):
    run_id = store.create(MANY_EPOCHS)
    eventually(lambda: store.get(run_id).epoch >= 3, 180)
    dashboard.send_signal(signal.SIGINT)
    out, err = dashboard.communicate(timeout=60)
    assert (dashboard.returncode, out.splitlines()[-1], err) == (0, "Stopped.", "")
    assert processes_of(home) == []
    left = store.get(run_id)
    assert left.status == "queued" and 3 <= left.epoch < MANY_EPOCHS.training.epochs
    with start("serve", "--port", port) as again:
        try:
            eventually(lambda: store.get(run_id).epoch > left.epoch, 180)
            store.ask(run_id, "stop")
            eventually(lambda: not store.get(run_id).active, 60)
        finally:
            again.send_signal(signal.SIGINT)
            again.communicate(timeout=60)
    run = store.get(run_id)
    assert (run.status, run.deaths) == ("stopped", 0)
    assert [row["epoch"] for row in store.epochs(run_id)] == list(range(1, run.epoch + 1))


@pytest.fixture
def behind_a_proxy(monkeypatch):
    monkeypatch.setenv("MNIST_LAB_USER_HEADER", "X-Remote-User")


def test_a_proxy_says_who_the_visitor_is(behind_a_proxy, dashboard, store, port):
    """Over a websocket, whose headers are all that the pages get to see."""

    async def look_in(name):
        found = await arrive(f"http://{serve.LOCAL}:{port}", "", headers={"X-Remote-User": name} if name else None)
        await found.connection.close()
        assert not found.errors

    for name in ("anna@school.example", "anna@school.example", "ben@school.example", ""):
        asyncio.run(look_in(name))
    with store.database.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM visitors ORDER BY name").scalars().all()
    assert names[-2:] == ["anna", "ben"] and len(names) == 3, "the third has a name that was given"


def test_the_dashboard_leaves_the_engine_to_others(engine, dashboard):
    pid = engine[2].wait().pid  # says that we still want it
    dashboard.send_signal(signal.SIGINT)
    dashboard.communicate(timeout=60)
    assert dashboard.returncode == 0
    assert engine[2].wait().pid == pid


def web_server(dashboard):
    """The process that serves the pages, when it is there."""
    children = psutil.Process(dashboard.pid).children()
    return next((child for child in children if "streamlit" in child.cmdline()), None)


def test_a_web_server_that_dies_comes_back_and_the_engine_stays(dashboard, home, store):
    engine = eventually(lambda: engine_status(store.database).pid)
    web_server(dashboard).kill()
    assert "open at" in dashboard.stdout.readline()
    assert_friendly(dashboard.stderr.readline().removesuffix("\n"), "web server", "-9", "started again")
    assert engine_status(store.database).pid == engine
    dashboard.send_signal(signal.SIGINT)
    dashboard.communicate(timeout=60)
    assert dashboard.returncode == 0
    assert processes_of(home) == []


def test_a_web_server_that_cannot_stay_is_told(dashboard, home, store):
    eventually(lambda: engine_status(store.database).pid)
    for _ in range(serve.FALLS):
        web = eventually(lambda: web_server(dashboard))
        web.kill()
        web.wait()
        eventually(lambda dead=web: web_server(dashboard) != dead)
    _, err = dashboard.communicate(timeout=60)
    assert dashboard.returncode == 1
    assert_friendly(err.splitlines()[-1], "web server", "-9", "3 times")
    assert processes_of(home) == []


def test_a_dashboard_that_is_killed_takes_its_web_server_along(dashboard, port):
    web = web_server(dashboard)
    dashboard.kill()
    dashboard.communicate(timeout=60)
    eventually(lambda: not web.is_running())
    assert serve.free_port(wanted=port) == port
