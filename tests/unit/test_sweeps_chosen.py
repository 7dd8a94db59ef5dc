"""The test set, once: which run of a search may see it."""

import threading
from contextlib import suppress

import pytest
from sqlalchemy import delete, event, text, update
from sqlalchemy.engine import Engine

from mnist_core.config import RunConfig
from mnist_core.engine import sweeps as module
from mnist_core.errors import StoreError
from mnist_core.store.runs import lock_run
from mnist_core.store.tables import runs
from mnist_core.store.tables import sweeps as table
from tests.helpers import assert_friendly, eventually
from tests.searches import Worker, complete, design

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


def test_the_test_set_is_scored_once_for_the_chosen_run(store, sweeps, sweeper):
    sweep_id = sweeps.create(design(trials=2))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first, second = (trial.run_id for trial in trials)
    for wrong in ("nonsense", store.create(RunConfig())):
        with pytest.raises(StoreError) as error:
            sweeps.choose(sweep_id, wrong)
        assert_friendly(error, "completed trial")
    sweeps.choose(sweep_id, first)
    assert sweeps.may_score(first)
    assert not sweeps.may_score(second)
    assert first in store.queue()
    assert sweeps.get(sweep_id).chosen == first
    with pytest.raises(StoreError) as error:
        sweeps.choose(sweep_id, second)
    assert_friendly(error, first, "once")


@pytest.mark.parametrize("status", ["paused", "stopped", "failed", "cancelled", "interrupted"])
def test_a_chosen_run_that_was_never_scored_can_be_chosen_again_or_another(store, sweeps, sweeper, status):
    sweep_id = sweeps.create(design(trials=3))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first, second, gone = (trial.run_id for trial in trials)
    store.delete(gone)
    for run_id in (first, first, second):
        sweeps.choose(sweep_id, run_id)
        assert sweeps.get(sweep_id).chosen == run_id
        assert [run for run in (first, second) if sweeps.may_score(run)] == [run_id]
        assert store.get(run_id).status == "queued"
        with pytest.raises(StoreError, match="once"):
            sweeps.choose(sweep_id, first)
        store.record(run_id, {"status": status})
    store.record(second, {"status": "finished", "test_accuracy": 0.9})
    with pytest.raises(StoreError, match="once"):
        sweeps.choose(sweep_id, second)


@pytest.mark.parametrize("status", ["queued", "running", "stopped"])
def test_a_chosen_run_that_is_deleted_before_it_was_scored_frees_the_choice(store, sweeps, sweeper, status):
    sweep_id = sweeps.create(design(trials=3))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first, second, third = (trial.run_id for trial in trials)
    sweeps.choose(sweep_id, first)
    store.record(first, {"status": status})
    store.delete(third)
    assert sweeps.get(sweep_id).chosen == first, "another's end changes nothing"
    store.delete(first)
    assert sweeps.get(sweep_id).chosen == ""
    sweeps.choose(sweep_id, second)
    assert sweeps.get(sweep_id).chosen == second
    assert sweeps.may_score(second)


def test_a_chosen_run_that_was_scored_keeps_the_choice_when_it_is_deleted(store, sweeps, sweeper):
    sweep_id = sweeps.create(design(trials=2))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first, second = (trial.run_id for trial in trials)
    sweeps.choose(sweep_id, first)
    store.record(first, {"status": "finished", "test_accuracy": 0.9})
    store.delete(first)
    with pytest.raises(StoreError, match="once"):
        sweeps.choose(sweep_id, second)


def test_a_run_that_is_deleted_while_it_is_chosen_leaves_the_choice_free(store, sweeps, sweeper, monkeypatch):
    sweep_id = sweeps.create(design(trials=2))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first, second = (trial.run_id for trial in trials)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(sweeps, "trials", lambda sweep_id: store.delete(first) or trials)
        sweeps.choose(sweep_id, first)
    assert sweeps.get(sweep_id).chosen == ""
    sweeps.choose(sweep_id, second)
    assert sweeps.get(sweep_id).chosen == second


def meanwhile(database, act, change):
    """Does ``change`` in a transaction that ends when ``act`` has come as far as it can in a thread of its own."""
    told = []

    def waits():
        if database.url.startswith("sqlite"):  # it has one writer at a time: whoever wants to write waits
            return any(statement.startswith(("BEGIN IMMEDIATE", "UPDATE", "DELETE")) for statement in told)
        with database.read() as connection:
            return connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar()

    def listen(_connection, _cursor, statement, *_):
        if threading.current_thread() is thread:
            told.append(statement)

    def acts():
        with suppress(StoreError):  # who comes when all is over already is told so
            act()

    thread = threading.Thread(target=acts)
    event.listen(Engine, "before_cursor_execute", listen)
    try:
        with database.write() as connection:
            change(connection)
            thread.start()
            eventually(waits, 30)
        thread.join()
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def test_a_choice_waits_for_a_deletion_that_has_begun(store, sweeps, sweeper):
    sweep_id = sweeps.create(design(trials=1))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first = trials[0].run_id
    gone = delete(runs).where(runs.c.id == first)
    meanwhile(store.database, lambda: sweeps.choose(sweep_id, first), lambda connection: connection.execute(gone))
    assert sweeps.get(sweep_id).chosen == ""


def test_a_deletion_waits_for_a_choice_that_has_begun_and_frees_it(store, sweeps, sweeper):
    sweep_id = sweeps.create(design(trials=1))
    _, trials = complete(sweeper, Worker(store), sweep_id, sweeps)
    first = trials[0].run_id

    def choose(connection):
        lock_run(connection, first)
        connection.execute(update(table).where(table.c.id == sweep_id).values(chosen=first))

    meanwhile(store.database, lambda: store.delete(first), choose)
    assert sweeps.get(sweep_id).chosen == ""
