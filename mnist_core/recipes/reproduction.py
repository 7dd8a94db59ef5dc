"""Published and measured figures side by side, as rows and as a document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import fmean
from typing import Any

from mnist_core.recipes.recipe import MEASURES, Recipe

LIBRARIES = ("tensorflow", "keras", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Attempt:
    """One training of a recipe: its seed, the figures it found by the keys of ``MEASURES``, and how long it took."""

    seed: int
    found: dict[str, float]
    seconds: float


@dataclass
class Reproduction:
    """A recipe and all attempts at it; figures are means over the attempts."""

    recipe: Recipe
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def measured(self) -> float | None:
        """The figure by which the recipe is judged; ``None`` if an attempt did not get to it."""
        return self.mean(self.recipe.measure)

    @property
    def published(self) -> float:
        return self.recipe.published[self.recipe.measure]

    @property
    def difference(self) -> float | None:
        return None if self.measured is None else self.measured - self.published

    @property
    def within(self) -> bool:
        """Whether the mean was found and the recipe allows it."""
        return self.measured is not None and self.recipe.allows(self.measured, self.recipe.config.parameters)

    def mean(self, key: str) -> float | None:
        values = [attempt.found.get(key) for attempt in self.attempts]
        return None if None in values or not values else fmean(values)

    def row(self) -> dict[str, Any]:
        """For JSON: accuracies as fractions, seconds of one training."""
        return {
            "name": self.recipe.name,
            "published": self.published,
            "measured": self.measured,
            "difference": self.difference,
            "tolerance": self.recipe.tolerance,
            "within": self.within,
            "seconds": fmean([attempt.seconds for attempt in self.attempts]) if self.attempts else math.nan,
            "measure": self.recipe.measure,
            "seeds": [
                {"seed": attempt.seed, "measured": attempt.found.get(self.recipe.measure), "seconds": attempt.seconds}
                for attempt in self.attempts
            ],
        }

    def line(self) -> str:
        """The same in one line for a terminal."""
        row = self.row()
        if row["measured"] is None:
            return f"{row['name']:16}  published {row['published']:.2%}, not measured: the training did not finish"
        return (
            f"{row['name']:16}  published {row['published']:.2%}, here {row['measured']:.2%}, difference "
            f"{100 * row['difference']:+.2f} of ±{100 * row['tolerance']:.1f} points: "
            f"{'within' if row['within'] else 'OUT'}; {row['seconds']:.0f} s"
        )


def document(reproductions: Sequence[Reproduction], command: str, date: str, machine: str) -> str:
    """The page ``docs/reproduction.md``."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    total = sum(attempt.seconds for reproduction in reproductions for attempt in reproduction.attempts)
    once = sum(reproduction.row()["seconds"] for reproduction in reproductions)
    counts = [len(reproduction.attempts) for reproduction in reproductions]
    judged = "\n".join(_judged(reproduction) for reproduction in reproductions)
    others = "\n".join(line for reproduction in reproductions for line in _others(reproduction))
    reasons = "\n".join(f"- `{r.recipe.name}`: {r.recipe.reason}" for r in reproductions)
    notes = "\n".join(f"- `{r.recipe.name}`: {r.recipe.note}" for r in reproductions if r.recipe.note)
    return f"""# Reproduction of the published systems

Written by `{command}` on {date}, on {machine}, with {libraries}.

Every recipe was trained {_times(counts)}: with its own seed and the ones after it. A recipe is within its
tolerance when the mean is no further from the published figure than that, and its number of parameters is the published
one. All took {total / 60:.1f} minutes together, {once / 60:.1f} for one seed. Figures are test accuracy, but where
*held out* is said.

| recipe | published | here, by seed | mean | difference (points) | tolerance | within | seconds |
| --- | ---: | --- | ---: | ---: | ---: | --- | ---: |
{judged}

## Other published figures

| recipe | figure | published | here (mean) |
| --- | --- | ---: | ---: |
{others}

## Why these tolerances

{reasons}

## What is otherwise than published

{notes}
"""


def _times(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    words = {1: "once", 2: "twice", 3: "three times"}
    shown = [words.get(count, f"{count} times") for count in sorted({least, most})]
    return " to ".join(shown)


def _judged(found: Reproduction) -> str:
    recipe, row = found.recipe, found.row()
    held_out = " (held out)" if recipe.measure == "val_accuracy" else ""
    seeds = ", ".join(
        f"{seed['seed']}: " + ("–" if seed["measured"] is None else f"{seed['measured']:.2%}") for seed in row["seeds"]
    )
    mean, difference = "–", "–"
    if found.measured is not None:
        mean, difference = f"{found.measured:.2%}", f"{100 * found.difference:+.2f}"
    return (
        f"| `{recipe.name}`{held_out} | {found.published:.2%} | {seeds} | {mean} | {difference} | "
        f"{100 * recipe.tolerance:.1f} | {'yes' if found.within else '**no**'} | {row['seconds']:.0f} |"
    )


def _others(found: Reproduction) -> list[str]:
    lines = []
    for key, there in found.recipe.published.items():
        if key != found.recipe.measure:
            here = found.recipe.config.parameters if key == "parameters" else found.mean(key)
            lines.append(f"| `{found.recipe.name}` | {MEASURES[key]} | {_number(key, there)} | {_number(key, here)} |")
    return lines


def _number(key: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if key == "parameters" else f"{value:.4f}"
