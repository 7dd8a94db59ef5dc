"""Visitors in the store: names that stay, who is here, and who is forgotten."""

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import NotAllowed
from mnist_core.store.drawings import Drawings
from mnist_core.store.visitors import HERE_SECONDS, KEPT_SECONDS, NOBODY, VisitorStore
from mnist_core.visitors import given_name, visitor_id

pytestmark = pytest.mark.usefixtures("both_databases")

ANNA, BEN, CLEO = (visitor_id("cookie", name) for name in ("anna", "ben", "cleo"))


@pytest.fixture
def known(store):
    return VisitorStore(store.database)


def earlier(store, seconds):
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE visitors SET seen = seen - {seconds}")
        connection.exec_driver_sql(f"UPDATE drawings SET time = time - {seconds}")


def test_a_visitor_is_called_something_until_they_choose(known):
    assert known.get(ANNA).name == given_name(ANNA)
    assert known.get(ANNA, called="anna.k").name == "anna.k"
    known.rename(ANNA, "  Anna\n K ")
    assert known.get(ANNA, called="anna.k").name == "Anna K"
    assert known.names([ANNA, BEN, ""]) == {ANNA: "Anna K", BEN: given_name(BEN), "": NOBODY}
    with pytest.raises(NotAllowed):
        known.rename(ANNA, " ")


def test_the_teacher_is_who_knew_this_pin(known):
    assert (known.get(ANNA).teacher, known.get(ANNA).classroom) == (False, False)
    known.set_teacher(ANNA, "4711")
    found = known.get(ANNA, "4711")
    assert (found.teacher, found.classroom) == (True, True)
    assert not known.get(ANNA, "4712").teacher and not known.get(BEN, "4711").teacher
    assert not known.get(ANNA, "").teacher
    known.set_teacher(ANNA, "")
    assert not known.get(ANNA, "4711").teacher


def test_so_many_may_be_here_and_who_is_may_stay(known, store):
    assert known.enter(ANNA, 2) and known.enter(BEN, 2) and known.enter(ANNA, 2)
    assert not known.enter(CLEO, 2)
    assert known.enter(BEN, 2) and known.enter(CLEO, 0)
    earlier(store, HERE_SECONDS + 1)
    assert known.enter(CLEO, 1) and not known.enter(ANNA, 1)


def test_who_has_left_nothing_is_forgotten_in_time(known, store):
    known.rename(ANNA, "Anna")
    known.rename(BEN, "Ben")
    store.create(RunConfig(), owner=BEN)
    drawn = {who: Drawings(store.database, who) for who in (ANNA, BEN, CLEO)}
    for who, own in drawn.items():
        own.remember("seven", np.zeros((28, 28), np.uint8), [], "7", 0.5)
        own.keep("seven", 7)
        if who == BEN:
            earlier(store, KEPT_SECONDS + 1)
    known.enter(CLEO)
    assert known.names([ANNA, BEN]) == {ANNA: given_name(ANNA), BEN: "Ben"}
    assert [len(drawn[who].kept()) for who in (ANNA, BEN, CLEO)] == [0, 1, 1]


def test_own_runs_come_first(store):
    for owner in (ANNA, BEN, "", ANNA):
        store.create(RunConfig(), owner=owner)
    assert [run.owner for run in store.list()] == [ANNA, "", BEN, ANNA]
    assert [run.owner for run in store.list(first=BEN)] == [BEN, ANNA, "", ANNA]
