"""One sweep and its trials as pages and the engine see them, and what their states mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mnist_core.explore.design import MOST_TRIALS, OBJECTIVES, Design

OPEN = ("waiting", "running")
"""States of trials whose end is still to come; the others are complete, pruned, failed and stopped (by a reader)."""


@dataclass(frozen=True)
class Trial:
    """One trial: its run's id (``None`` once that was deleted), its values, and how it ended."""

    sweep_id: str
    number: int
    run_id: str | None
    params: dict[str, Any]
    state: str
    value: float | None
    second: float | None
    seconds: float | None
    message: str
    score: bool

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def values(self) -> list[float]:
        """One for each objective; empty before its end."""
        return [value for value in (self.value, self.second) if value is not None]


@dataclass(frozen=True)
class Sweep:
    """One row of the sweeps table; ``trials`` is how many there may be, ``chosen`` the run that is or was scored."""

    id: str
    name: str
    question: str
    design_json: str
    trials: int
    status: str
    """running, finished, stopped or failed."""
    wish: str
    message: str
    created: float
    started: float
    ended: float | None
    """As long as it runs, when an engine last worked on it: what counts as time lies between ``started`` and this."""
    spent: float
    importances: dict[str, float]
    chosen: str
    owner: str = ""
    """The visitor whose it is; its trials are theirs as well."""
    expected: float | None = None
    """The best held-out accuracy, 0..1, that the reader foretold; ``None`` if they did not."""

    @cached_property
    def design(self) -> Design:
        """``ConfigError`` if another version of MNIST Lab made it."""
        return _design(self.design_json)

    @property
    def active(self) -> bool:
        return self.status == "running"

    @property
    def objectives(self) -> tuple[tuple[str, str], ...]:
        return OBJECTIVES[self.design.search.objective]

    @property
    def seconds(self) -> float:
        """How long an engine has worked on it. Hours in which the lab was closed do not count."""
        return self.spent + max(0.0, (self.ended or self.started) - self.started)


def room(sweep: Sweep, trials: Sequence[Trial]) -> int:
    """How many more trials there can be. A grid visits the settings of those that were stopped once more."""
    if sweep.design.search.sampler != "grid":
        return max(0, MOST_TRIALS - len(trials))
    return max(0, sweep.design.combinations - sum(trial.state != "stopped" for trial in trials))


@lru_cache(maxsize=64)
def _design(text: str) -> Design:
    """A design never changes, and the engine looks at it many times a second."""
    return Design.parse(text)
