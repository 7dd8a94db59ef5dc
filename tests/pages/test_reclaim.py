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
    except TimeoutError:
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
    """So it is our looks that let them go; fails once Streamlit does so itself, and then they can go."""
    assert left(tmp_path, "import streamlit", seconds=0.1, wait=1) == [3, 2, 0, True]


class Session:
    """Refers to itself, as Streamlit's do."""

    def __init__(self, number):
        self.session, self.id = self, number


@pytest.fixture
def storage(monkeypatch):
    """Streamlit's storage of sessions, in which they become too old soon."""
    kept = MemorySessionStorage(ttl_seconds=0.05)
    server = SimpleNamespace(_session_mgr=SimpleNamespace(_session_storage=kept))
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    monkeypatch.setattr(reclaim, "LOOK_SECONDS", 0.01)
    gc.disable()
    yield kept
    gc.enable()


def test_one_look_at_a_time_until_nobody_is_kept(storage, monkeypatch):
    looks, collected = [], []
    look, begin = Reclaim._look, Reclaim()

    def looked(self):
        looks.append(len(storage._cache._data))
        look(self)

    monkeypatch.setattr(Reclaim, "_look", looked)
    monkeypatch.setattr(reclaim, "give_back_free_pages", lambda: collected.append(True))

    async def leave():
        gone = [asyncio.Event() for _ in range(5)]
        for number, event in enumerate(gone):
            session = Session(number)
            weakref.finalize(session, event.set)
            storage.save(session)
            begin.begin()
            del session
        for event in gone:
            await asyncio.wait_for(event.wait(), 60)

    asyncio.run(leave())
    assert not begin._looks, "looks end when nobody is kept"
    assert set(looks) == {5} and len(collected) == 1, "nothing is collected before one is too old"


def test_without_a_server_nothing_is_looked_at():
    Reclaim().begin()
