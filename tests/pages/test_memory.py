"""What spares the web process memory: large libraries stay away, large arrays go, and photos come one by one."""

import json
import platform
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mnist_core import ink
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui import sources
from tests.helpers import ROOT, eventually
from tests.pages.conftest import HOME, PAGES
from tests.searches import design

HEAVY = ("pandas", "altair", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "optuna", "alembic")

VISIT = """
import json, sys
import numpy as np
from streamlit.testing.v1 import AppTest
from mnist_core.engine.client import EngineClient
from mnist_core.ui.data_table import data_table

data_table([{"a": 1}])  # AppTest would pass over what Streamlit does with large tables
EngineClient.predict = lambda self, run_id, images: np.full((len(images), 10), 0.1, "f4")
found = {}
for title, page in PAGES.items():
    app = AppTest.from_file(HOME, default_timeout=60)
    if title != "Home":
        app.switch_page(page)
    for name, value in LINK.items():
        app.query_params[name] = value
    app.run()
    problems = [element.value for element in (*app.exception, *app.error)]
    found[title] = [problems, len(app.dataframe), len(app.get("bidi_component"))]
print(json.dumps([found, sorted(set(sys.modules) & set(HEAVY))]))
"""


def test_no_page_imports_what_takes_much_memory(store, finish):
    """In a process of its own: this one has imported much already."""
    runs = [finish("one"), finish("two")]
    sweep = SweepStore(store.database).create(design(), "a sweep")
    link = {"run": runs[0], "runs": ",".join(runs), "sweep": sweep}
    code = f"PAGES, HOME, LINK, HEAVY = {PAGES!r}, {str(ROOT / HOME)!r}, {link!r}, {HEAVY!r}\n{VISIT}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found, imported = json.loads(done.stdout.splitlines()[-1])
    assert {title: problems for title, (problems, *_) in found.items() if problems} == {}
    # So tables, charts and the canvas were drawn, each of which did import pandas once.
    assert all(found[title][1] for title in ("Evaluate", "Runs", "Compare", "Explore", "Health"))
    assert all(found[title][2] > 1 for title in ("Data", "Train", "Evaluate", "Draw", "Compare"))
    assert imported == []


LET_GO = """
import numpy as np, psutil
from mnist_core.allocator import be_sparing

if FIRST:
    be_sparing()
np.ones(30_000_000, np.uint8)  # let go at once: now glibc would keep what is smaller
before, kept = psutil.Process().memory_info().rss, []
for _ in range(5):
    large = np.ones(20_000_000, np.uint8)
    kept.append(bytes(200_000))  # lies behind it, so the memory before cannot be cut off
    del large
print((psutil.Process().memory_info().rss - before) / 1e6)
"""


def test_large_arrays_go_back_to_the_system():
    def grown(first):
        command = [sys.executable, "-c", f"FIRST = {first}\n{LET_GO}"]
        return float(subprocess.check_output(command, cwd=ROOT, text=True, timeout=120).splitlines()[-1])

    assert grown(first=True) < 5 or platform.libc_ver()[0] != "glibc"
    # So it is this call that makes the difference.
    assert grown(first=False) > 15 or platform.libc_ver()[0] != "glibc"


ARENAS = """
import ctypes, tempfile, threading
from mnist_core.allocator import be_sparing

if FIRST:
    be_sparing()
together, kept = threading.Barrier(4), []

def draw():
    together.wait()
    kept.append([bytes(2000) for _ in range(100)])

threads = [threading.Thread(target=draw) for _ in range(4)]
for one in threads:
    one.start()
for one in threads:
    one.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as told:
    file = ctypes.c_void_p(libc.fopen(told.name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(told.read().count(b"<heap nr="))
"""


def test_threads_share_one_arena():
    def arenas(first):
        command = [sys.executable, "-c", f"FIRST = {first}\n{ARENAS}"]
        return int(subprocess.check_output(command, cwd=ROOT, text=True, timeout=120).splitlines()[-1])

    if platform.libc_ver()[0] == "glibc":
        assert (arenas(first=True), arenas(first=False) > 1) == (1, True)


GIVEN_BACK = """
import psutil
from mnist_core.allocator import give_back_what_is_free

size = lambda: psutil.Process().memory_info().rss
kept = [bytes(2000) for _ in range(20_000)]
last = bytes(2000)  # lies behind them, so that glibc cannot cut them off by itself
del kept
before = size()
give_back_what_is_free()
print((before - size()) / 1e6)
"""


def test_what_is_free_between_other_things_goes_back_to_the_system():
    told = subprocess.check_output([sys.executable, "-c", GIVEN_BACK], cwd=ROOT, text=True, timeout=120)
    assert float(told) > 20 or platform.libc_ver()[0] != "glibc"


class Turns:
    """A lock that knows how many wait for it."""

    def __init__(self):
        self._lock, self.waiting = threading.Lock(), []

    def __enter__(self):
        self.waiting.append(threading.get_ident())
        self._lock.acquire()
        self.waiting.remove(threading.get_ident())

    def __exit__(self, *error):
        self._lock.release()


def test_one_photo_is_decoded_at_a_time(monkeypatch):
    inside, together, turns = [], [], Turns()

    def decode(content):
        inside.append(content)
        together.append(len(inside))
        eventually(lambda: len(turns.waiting) == 4 - len(together))  # all others have come, and are kept out
        inside.remove(content)
        return ink.Picture(np.zeros((1, 1), np.uint8))

    monkeypatch.setattr(sources, "_one_at_a_time", turns)
    monkeypatch.setattr(ink, "open_picture", decode)
    with ThreadPoolExecutor(4) as visitors:
        list(visitors.map(sources.read_photo.__wrapped__, [b"photo %d" % number for number in range(4)]))
    assert together == [1, 1, 1, 1]
