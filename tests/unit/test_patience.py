"""Writes wait for a store that has no room."""

import pytest

from mnist_core.errors import StoreBusy, StoreError, UnknownRun
from mnist_core.store.patience import patiently


def failing(times, error=StoreBusy):
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
    with pytest.raises(StoreBusy, match="disk is full"):
        patiently(failing(10**6), seconds=0.01, pause=0.0)


@pytest.mark.parametrize("error", [UnknownRun, StoreError])
def test_what_waiting_cannot_mend_is_not_waited_for(error):
    with pytest.raises(error):
        patiently(failing(1, error), pause=0.0)
