"""What a recipe is: a configuration with a name and, for a published system, what its author reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_core.config import RunConfig

MEASURES = {
    "test_accuracy": "test accuracy",
    "test_loss": "test loss",
    "val_accuracy": "held-out accuracy",
    "parameters": "parameters",
}
"""Published figures, and what readers call them. Accuracies are fractions 0..1."""


@dataclass(frozen=True)
class Recipe:
    """A named configuration.

    Attributes:
        title, sentence: for readers: what it is, and what to use it for or to look at.
        source: what kind of publication the system is from; empty for our own.
        published: the figures reported, by the keys of ``MEASURES``.
        curve: what was reported epoch by epoch: rows with ``epoch`` and some of ``loss``, ``accuracy``,
            ``val_loss`` and ``val_accuracy``.
        report: what was reported digit by digit on the test set: precision, recall, F1, support.
        measure: the figure by which the recipe is judged.
        tolerance: how far ours may be from it, and ``reason``: why that far.
        note: what is recorded or offered otherwise than its author did, and why.
        costly: takes minutes rather than seconds.
    """

    name: str
    title: str
    sentence: str
    config: RunConfig
    source: str = ""
    published: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[Mapping[str, float], ...] = ()
    report: tuple[tuple[float, float, float, int], ...] = ()
    measure: str = "test_accuracy"
    tolerance: float = 0.0
    reason: str = ""
    note: str = ""
    costly: bool = False

    @property
    def measure_in_words(self) -> str:
        return MEASURES[self.measure]

    def allows(self, figure: float, parameters: int) -> bool:
        """Whether a measured figure is within the tolerance, and the number of parameters is the published one."""
        if parameters != self.published.get("parameters", parameters):
            return False
        # A tolerance of 0.4 points allows 0.4 points, however these are rounded in binary.
        return abs(figure - self.published[self.measure]) <= self.tolerance + 1e-9

    def measured(self, run: Any, last_epoch: Mapping[str, Any] | None) -> dict[str, float]:
        """The published figures as a run of this recipe found them, by the same keys; without those not known yet.

        Args:
            run: a ``Run`` of the store.
            last_epoch: the row of its last epoch, where held-out figures stand.
        """
        row = last_epoch or {}
        found = {key: row.get(key) if key.startswith("val_") else getattr(run, key) for key in self.published}
        return {key: value for key, value in found.items() if value is not None}


def table(keys: str, rows: str) -> tuple[dict[str, float], ...]:
    """A published table as rows: ``keys`` names its columns, ``rows`` has a line for each row."""
    names = keys.split()
    return tuple(
        {name: int(text) if name == "epoch" else float(text) for name, text in zip(names, line.split(), strict=True)}
        for line in rows.strip().splitlines()
    )
