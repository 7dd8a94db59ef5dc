"""What a visitor needed is given back after they have left, though nobody comes or leaves after them."""

import asyncio
import gc
import json
import subprocess
import sys
import weakref
from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from mnist_core.ui import reclaim
from mnist_core.ui.reclaim import Reclaim
from tests.helpers import ROOT

SERVER = """
import asyncio, gc, json, weakref
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from mnist_core.ui import reclaim

gc.disable()  # so whatever goes has been collected by us
reclaim.LOOK_SECONDS = 0.1


class Browser:
    def __init__(self):
        self.drawn = asyncio.Event()

    def write_forward_msg(self, message):
        if message.WhichOneof("type") == "script_finished":
            self.drawn.set()


async def visit(server):
    browser = Browser()
    session = server.connect_session(browser, {})
    server.handle_backmsg(session, BackMsg(rerun_script={}))
    await browser.drawn.wait()
    return session


async def main():
    kept, gone, all_gone = MemorySessionStorage(ttl_seconds=SECONDS), [], asyncio.Event()
    server = Runtime(RuntimeConfig(
        script_path=SCRIPT,
        media_file_storage=MemoryMediaFileStorage("/media"),
        uploaded_file_manager=MemoryUploadedFileManager("/upload"),
        session_storage=kept,
    ))
    await server.start()
    sessions = [await visit(server) for _ in range(3)]

    def went(_):
        gone.append(1)
        if len(gone) == 2:
            all_gone.set()

    watched = [weakref.ref(found, went) for found in gc.get_objects() if isinstance(found, AppSession)]
    for session in sessions[:2]:
        server.disconnect_session(session)
    stored = len(kept._cache._data)
    try:
        await asyncio.wait_for(all_gone.wait(), WAIT)
    except asyncio.TimeoutError:
        pass
    print(json.dumps([len(watched), stored, len(gone), server.is_active_session(sessions[2])]))
    server.stop()
    await server.stopped


asyncio.run(main())
"""


def left(tmp_path, page, seconds, wait):
    """Three visitors of a page, of whom two leave.

    How many sessions there were, how many were kept when the two had left and have gone in the end, and whether the
    third's is still in use.
    """
    script = tmp_path / "page.py"
    script.write_text(page)
    code = f"SCRIPT, SECONDS, WAIT = {str(script)!r}, {seconds}, {wait}\n{SERVER}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


PAGE = "from mnist_core.ui.reclaim import reclaim\nreclaim()"


def test_sessions_of_those_who_have_left_go_and_the_others_stay(tmp_path):
    assert left(tmp_path, PAGE, seconds=0.5, wait=60) == [3, 2, 2, True]


def test_a_session_stays_as_long_as_a_browser_may_come_back(tmp_path):
    assert left(tmp_path, PAGE, seconds=60, wait=1) == [3, 2, 0, True]


def test_by_themselves_they_would_stay(tmp_path):
    """So it is our looks that let them go; fails once nothing has to be collected any more, and then they can go."""
    assert left(tmp_path, "import streamlit", seconds=1, wait=3) == [3, 2, 0, True]


class Session:
    """Refers to itself, as Streamlit's do."""

    def __init__(self, number, ended):
        self.session, self.id = self, number
        weakref.finalize(self, ended.set)


class Clock:
    """Seconds; sessions become too old after ten."""

    now = 0.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def look_at(monkeypatch, clock):
    """Begins looks at Streamlit's storage with so many sessions, and waits for what comes of it."""
    kept, looked = MemorySessionStorage(ttl_seconds=10), []
    kept._cache._timer = lambda: clock.now
    monkeypatch.setattr(reclaim, "LOOK_SECONDS", 0.001)
    look = Reclaim._look

    def counted(self):
        look(self)
        looked.append(len(kept._cache._data))

    async def looks(many, then):
        loop = asyncio.get_running_loop()
        server = SimpleNamespace(
            _session_mgr=SimpleNamespace(_session_storage=kept), _get_async_objs=lambda: SimpleNamespace(eventloop=loop)
        )
        monkeypatch.setattr(runtime, "get_instance", lambda: server)
        ended, begun = [asyncio.Event() for _ in range(many)], Reclaim()
        for number, event in enumerate(ended):
            kept.save(SimpleNamespace(session=Session(number, event)))
            begun.begin()
        await then(kept, ended, looked)
        while begun._looks or not looked:
            await asyncio.sleep(0)
        return looked

    monkeypatch.setattr(Reclaim, "_look", counted)
    gc.disable()
    yield lambda many, then: asyncio.run(asyncio.wait_for(looks(many, then), 60))
    gc.enable()


def test_one_look_at_a_time_until_nobody_is_kept(look_at, clock, monkeypatch):
    collected = []
    monkeypatch.setattr(reclaim, "give_back_what_is_free", lambda: collected.append(True))

    async def then(kept, ended, looked):
        while len(looked) < 5:
            await asyncio.sleep(0)
        assert not collected and not any(event.is_set() for event in ended), "nothing goes before one is too old"
        clock.now = 11.0
        for event in ended:
            await event.wait()

    looked = look_at(5, then)
    assert set(looked[:-2]) == {5} and looked[-2:] == [0, 0], "looks end when nobody is kept"
    assert len(collected) == 2, "once more in the end"


def test_one_that_becomes_too_old_during_a_look_goes_too(look_at, clock, monkeypatch):
    monkeypatch.setattr(reclaim, "give_back_what_is_free", lambda: setattr(clock, "now", 16.0))

    async def then(kept, ended, looked):
        clock.now, later = 5.0, asyncio.Event()
        kept.save(SimpleNamespace(session=Session(9, later)))
        clock.now = 11.0
        await ended[0].wait()
        await later.wait()

    assert look_at(1, then)[-1] == 0


def test_what_streamlit_let_go_of_itself_is_collected_too(look_at, clock):
    async def then(kept, ended, looked):
        clock.now = 11.0
        assert len(kept._cache) == 0  # as when another session is saved
        await ended[0].wait()

    look_at(1, then)


def test_without_a_server_nothing_is_looked_at():
    assert not runtime.exists()
    Reclaim().begin()
