"""One engine serves a store: the lease goes to one of many, and passes on when its holder is gone."""

import os
import subprocess
import sys
import time

import psutil
import pytest
from sqlalchemy import insert, update

from mnist_core.store import lease
from mnist_core.store.lease import HOST, Lease, attend, attended, engine_status, leave, process_alive, revoke
from mnist_core.store.tables import attendance, engine_lease
from tests.helpers import ROOT, assert_friendly, eventually

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def database(store):
    return store.database


@pytest.fixture
def process():
    """A living process of ours."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.stdin.close()
    process.kill()
    process.wait()


@pytest.fixture
def dead_pid():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def hold(database, host=HOST, pid=None, beat=None, owner="somebody", address="tcp://there:1"):
    """Puts somebody's lease into the store."""
    row = {"id": 1, "owner": owner, "host": host, "pid": pid or os.getpid(), "beat": beat or time.time()}
    row |= {"state": "ready", "address": address, "workers": '[{"name": "train-0"}]'}
    with database.write() as connection:
        connection.execute(insert(engine_lease).values(row))


def come(database, host=HOST, pid=1, beat=None):
    with database.write() as connection:
        connection.execute(insert(attendance).values(host=host, pid=pid, beat=beat or time.time()))


# -- taking and keeping --------------------------------------------------------------------------------------------


def test_a_lease_is_taken_kept_and_released(database):
    mine = Lease(database)
    assert engine_status(database).state == "away"
    assert mine.take()
    status = engine_status(database)
    assert (status.state, status.pid, status.host, status.ready) == ("starting", os.getpid(), HOST, False)
    assert mine.renew("ready", "tcp://127.0.0.1:9", [{"name": "train-0", "ready": True}])
    status = engine_status(database)
    assert (status.state, status.address, status.ready) == ("ready", "tcp://127.0.0.1:9", True)
    assert status.workers == ({"name": "train-0", "ready": True},)
    mine.release()
    assert engine_status(database).state == "away"
    assert not mine.renew("ready", "", [])


def test_a_living_holder_keeps_it(database):
    assert Lease(database).take()
    other = Lease(database)
    assert not other.take()
    assert not other.renew("ready", "tcp://other:1", [])
    other.release()
    assert engine_status(database).state == "starting"


def test_a_dead_holder_loses_it_at_once(database, dead_pid):
    hold(database, pid=dead_pid)
    assert engine_status(database).state == "away"
    mine = Lease(database)
    assert mine.take()
    assert engine_status(database).pid == os.getpid()
    assert engine_status(database).address == ""  # nothing of the old engine is left


def test_whoever_was_thought_dead_learns_that_he_has_lost_it(database):
    old = Lease(database)
    assert old.take()
    with database.write() as connection:
        connection.execute(update(engine_lease).values(beat=1.0))  # older than this process
    new = Lease(database)
    assert new.take()
    assert not old.renew("ready", "", [])
    old.release()
    assert new.renew("ready", "", [])


def test_a_lease_can_be_revoked_unless_its_holder_has_beaten_since(database):
    mine = Lease(database)
    assert mine.take()
    before = engine_status(database)
    assert mine.renew("ready")
    revoke(database, before)
    assert engine_status(database).ready
    revoke(database, engine_status(database))
    assert engine_status(database).state == "away"
    assert not mine.renew("ready")


def test_who_attended_the_engine_of_a_copied_store_is_forgotten_with_its_lease(database, monkeypatch):
    """They live, and would keep the copy's own engine for ever."""
    monkeypatch.setattr(lease, "STALE_SECONDS", 0)
    began = psutil.Process().create_time()

    def of_long_ago(table, seconds):
        with database.write() as connection:
            connection.execute(update(table).values(beat=began + seconds))

    other = Lease(database)
    for copied in (True, False):
        assert other.take()
        attend(database)
        of_long_ago(engine_lease, 0.2)
        if copied:
            of_long_ago(attendance, 0.1)
        assert attended(database)
        revoke(database, engine_status(database))
        assert engine_status(database).state == "away"
        assert attended(database) != copied, "who has come since is of this store"


RACER = """
import sys
from mnist_core.store import RunStore
from mnist_core.store.lease import Lease

lease = Lease(RunStore(sys.argv[1]).database)
print("ready", flush=True)
sys.stdin.readline()
print(lease.take(), flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("held", [False, True], ids=["free", "of a dead engine"])
def test_exactly_one_of_many_racing_processes_takes_it(database, held, dead_pid):
    if held:
        hold(database, pid=dead_pid)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, database.url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1,
        )
        for _ in range(6)
    ]  # fmt: skip
    try:
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
        answers = [racer.stdout.readline().strip() for racer in racers]
        assert sorted(answers) == ["False"] * 5 + ["True"]
        assert engine_status(database).pid == racers[answers.index("True")].pid
    finally:
        for racer in racers:
            racer.communicate("go\n")


# -- who is alive --------------------------------------------------------------------------------------------------


def test_processes_of_this_machine_are_known_at_once(process, dead_pid):
    assert process_alive(HOST, process.pid, time.time())
    assert process_alive(HOST, os.getpid(), time.time() - 0.01)
    assert not process_alive(HOST, dead_pid, time.time())


def test_a_number_that_a_younger_process_has_inherited_is_not_the_old_one(process):
    beat = psutil.Process(process.pid).create_time() - 1
    assert not process_alive(HOST, process.pid, beat)


def test_a_zombie_is_dead(process):
    process.kill()  # and not waited for: it stays as a zombie
    eventually(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert not process_alive(HOST, process.pid, time.time())


def test_processes_elsewhere_live_as_long_as_they_beat():
    assert process_alive("elsewhere", 1, time.time())
    assert process_alive("elsewhere", 1, time.time() - lease.STALE_SECONDS + 1)
    assert not process_alive("elsewhere", 1, time.time() - lease.STALE_SECONDS - 1)


def test_an_engine_elsewhere_is_away_when_its_beats_stop(database):
    hold(database, host="elsewhere", beat=time.time())
    assert engine_status(database).ready
    assert engine_status(database).workers == ({"name": "train-0"},)
    assert not Lease(database).take()
    with database.write() as connection:
        connection.execute(update(engine_lease).values(beat=time.time() - 60))
    assert engine_status(database).state == "away"
    assert Lease(database).take()


# -- who wants it to stay ------------------------------------------------------------------------------------------


def test_attendance_is_counted_and_taken_back(database):
    assert not attended(database)
    attend(database)
    attend(database)
    assert attended(database)
    leave(database)
    assert not attended(database)
    leave(database)


def test_others_are_told_from_oneself(database, process):
    attend(database)
    assert not attended(database, by_others=True)
    come(database, pid=process.pid)
    assert attended(database, by_others=True)


def test_who_has_not_signed_for_long_is_forgotten_by_the_next_engine(database, monkeypatch):
    """As those who attended the other engine, where a store was copied: they live, and will never sign here."""
    attend(database)
    first = Lease(database)
    assert first.take()
    assert attended(database), "who has just signed stays"
    first.release()
    monkeypatch.setattr(lease, "SILENT_SECONDS", -1)
    assert Lease(database).take()
    assert not attended(database)


def test_those_that_are_gone_are_forgotten(database, process, dead_pid):
    come(database, pid=dead_pid)
    come(database, host="elsewhere", beat=time.time() - 60)
    assert not attended(database)
    come(database, pid=process.pid)
    come(database, host="elsewhere", pid=2)
    assert attended(database)
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT host, pid FROM attendance").all()
    assert set(map(tuple, rows)) == {(HOST, process.pid), ("elsewhere", 2)}
    process.kill()
    process.wait()
    assert attended(database)  # by the one elsewhere


@pytest.mark.parametrize(
    ("host", "address", "scheduler", "reached"),
    [
        ("other-machine", "tcp://127.0.0.1:1", "", False),
        ("other-machine", "tcp://127.0.0.1:1", "tcp://there:1", False),
        ("other-machine", "tcp://127.0.0.1:1", "tcp://localhost:1", True),  # by a tunnel, as from there
        ("other-machine", "tcp://127.0.0.1:1", "tcp://localhost:2", False),  # what is asked is the engine's address
        ("other-machine", "tcp://there:1", "", True),
        (HOST, "tcp://127.0.0.1:1", "", True),
    ],
)
def test_workers_of_another_machines_own_are_out_of_reach(database, host, address, scheduler, reached):
    hold(database, host, address=address)
    told = engine_status(database, scheduler).out_of_reach
    if reached or database.url.startswith("sqlite"):  # a file has one machine, which may change its name
        assert told == ""
    else:
        assert_friendly(told, "other-machine", "MNIST_LAB_SCHEDULER")
