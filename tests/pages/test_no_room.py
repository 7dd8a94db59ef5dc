"""What every page says while the database is locked or full, and that it works again afterwards."""

import sqlite3
from contextlib import contextmanager

import numpy as np
import pytest
from sqlalchemy import event

from mnist_core.engine import client
from mnist_core.engine.client import EngineClient
from mnist_core.store import database
from mnist_core.ui.lab import lab
from tests.helpers import assert_friendly
from tests.pages.conftest import PAGES


@contextmanager
def locked(file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield "in use by another program"
    finally:
        other.close()


@contextmanager
def full(file):
    """Every sign of life needs room. Its own few bytes would fit into a file that is full, though onto no full disk."""
    other = sqlite3.connect(file, isolation_level=None)
    (pages,) = other.execute("PRAGMA page_count").fetchone()
    other.execute("CREATE TABLE much (data BLOB)")
    other.execute(
        "CREATE TRIGGER needs_room BEFORE INSERT ON attendance BEGIN INSERT INTO much VALUES (zeroblob(1000000)); END"
    )
    connections = lab().store.database._engine

    def limit(connection, _):
        connection.execute(f"PRAGMA max_page_count={pages}")

    connections.dispose()
    event.listen(connections, "connect", limit)
    try:
        yield "The disk is full"
    finally:
        event.remove(connections, "connect", limit)
        connections.dispose()
        other.close()


@pytest.mark.parametrize("trouble", [locked, full])
@pytest.mark.parametrize("title", PAGES)
def test_every_page_says_so_once_and_only_meanwhile(visit, finish, settings, monkeypatch, title, trouble):
    monkeypatch.setattr(EngineClient, "predict", lambda self, run_id, images: np.full((len(images), 10), 0.1, "f4"))
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(client, "ATTEND_SECONDS", 1e9)
    finish()
    assert not visit(title).error

    def long_after():
        lab().engine._attended = float("-inf")

    with trouble(settings.home / "runs.sqlite") as words:
        long_after()
        for _ in ("who finds out", "another"):
            (told,) = visit(title).error
            assert_friendly(told.value, words)
    long_after()
    assert not visit(title).error
