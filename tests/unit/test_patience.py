"""Writes wait for a store that has no room."""

import pytest

from mnist_core.errors import StoreError, UnknownRun
from mnist_core.store.patience import patiently


def failing(times, error=StoreError):
    """A write that is refused so many times, and then gives how often it was tried."""
    tries = []

    def write():
        tries.append(1)
        if len(tries) <= times:
            raise error("The disk is full.")
        return len(tries)

    return write


def test_it_tries_until_the_store_takes_it():
    assert patiently(failing(3), pause=0.0) == 4


def test_it_gives_up_in_the_end_and_says_why():
    with pytest.raises(StoreError, match="disk is full"):
        patiently(failing(10**6), seconds=0.01, pause=0.0)


def test_other_errors_are_not_waited_for():
    with pytest.raises(UnknownRun):
        patiently(failing(1, UnknownRun), pause=0.0)
