"""Many threads and processes write to one store, and nothing is lost."""

import subprocess
import sys
import threading

import pytest

from mnist_core.config import RunConfig
from mnist_core.store import RunStore
from tests.helpers import ROOT
from tests.rows import point

pytestmark = pytest.mark.usefixtures("both_databases")


def test_threads_do_not_lose_each_others_writes(store):
    ids = [store.create(RunConfig()) for _ in range(4)]
    failures = []

    def write(run_id):
        try:
            for step in range(1, 31):
                store.record(run_id, {"step": step}, [point(step)])
                store.record(run_id, {}, event=str(step))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(run_id,)) for run_id in ids for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for run_id in ids:
        assert [row["step"] for row in store.batches(run_id)] == list(range(1, 31))
        assert len(store.events(run_id)) == 60


WRITER = """
import sys
from mnist_core.store import RunStore

store, run_id = RunStore(sys.argv[1]), sys.argv[2]
for step in range(1, 101):
    row = {"step": step, "loss": 1.0, "accuracy": 0.5}
    store.record(run_id, {"step": step}, [row], files={sys.argv[3]: b"x" * 9999})
    store.record(run_id, {}, event=sys.argv[3])
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def test_processes_do_not_lose_each_others_writes(store, run_id):
    processes = [start(WRITER, store.database.url, run_id, name) for name in ("one", "two")]
    while any(process.poll() is None for process in processes):
        store.list()  # readers never wait for writers
        store.batches(run_id)
    assert [process.communicate()[0] for process in processes] == ["", ""]
    assert len(store.batches(run_id)) == 100
    told = [row["text"] for row in store.events(run_id)]
    assert (told.count("one"), told.count("two")) == (100, 100)


OPENER = """
import sys
from mnist_core.config import RunConfig
from mnist_core.store import RunStore, schema

look = schema._found

def look_with_others(connection):
    schema._found = look
    found = look(connection)
    print("found", found, flush=True)
    sys.stdin.readline()
    return found

schema._found = look_with_others
RunStore(sys.argv[1]).create(RunConfig())
"""


def test_a_new_database_can_be_opened_by_many_processes_at_once(settings):
    url = settings.database_url
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(5)
    ]  # fmt: skip
    for opener in openers:
        assert opener.stdout.readline() == "found None\n"
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    assert [opener.communicate()[0] for opener in openers] == [""] * 5
    store = RunStore(url)
    assert len(store.list()) == 5
    store.database.close()
