"""Fair turns in the queue: which waiting run is next, and when each can be expected to begin. Pure functions."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """A run in the queue: whose, and since when (seconds since 1970)."""

    run_id: str
    owner: str
    queued: float
    urgent: bool = False
    """It only waits to be stopped, which takes a moment."""


def fair_order(
    waiting: Iterable[Waiting], running: Collection[str] = (), served: Mapping[str, float] | None = None
) -> list[Waiting]:
    """All waiting runs, next first: visitors take turns, and of one visitor's runs the oldest goes first.

    The next turn is that of the visitor with the fewest runs in training; among those, of who has been waiting the
    longest without one: since their last run ended, or since they came. So ten runs of one visitor do not hold up the
    one of another, and nobody who comes later is put before somebody who has waited longer.

    Args:
        running: the owner of every run that is being trained.
        served: when the last run of an owner ended, in seconds since 1970.
    """
    served = served or {}
    urgent, lines = [], {}
    for run in sorted(waiting, key=lambda run: (run.queued, run.run_id)):
        if run.urgent:
            urgent.append(run)
        else:
            lines.setdefault(run.owner, []).append(run)
    busy = {owner: sum(other == owner for other in running) for owner in lines}
    since = {owner: max(line[0].queued, served.get(owner, 0.0)) for owner, line in lines.items()}
    turns = [(busy[owner] + i, since[owner], owner, run) for owner, line in lines.items() for i, run in enumerate(line)]
    return urgent + [run for *_, run in sorted(turns, key=lambda turn: turn[:3])]


def expected_starts(seconds: Sequence[float], remaining: Sequence[float], workers: int) -> list[float]:
    """In how many seconds each waiting run begins, as far as the estimates hold.

    Args:
        seconds: how long each will take, next first.
        remaining: what the runs in training still need.
        workers: runs that are trained at a time.
    """
    free = [max(0.0, left) for left in remaining]
    free += [0.0] * (max(1, workers) - len(free))
    heapq.heapify(free)
    starts = []
    for taken in seconds:
        start = heapq.heappop(free)
        starts.append(start)
        heapq.heappush(free, start + taken)
    return starts
