"""What came of a sweep: its best trial, its trials in order, and those that differ by their seed alone together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

from mnist_core.explore.seeds import fate
from mnist_core.explore.space import Dimension, told_apart
from mnist_core.store.sweep import Sweep, Trial

FRONT = "Pareto front"
"""The column that says which trials are on it."""

OBJECTIVE_WORDS = {
    "val_accuracy": "held-out accuracy",
    "val_loss": "held-out loss",
    "parameters": "parameters",
    "train_seconds": "seconds of training",
}


def best_trial(sweep: Sweep, trials: Sequence[Trial]) -> Trial | None:
    """The completed trial with the best first objective, whose run is still there if any such is."""
    done = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    sign = _sign(sweep)
    return max(done, key=lambda trial: (trial.run_id is not None, sign * trial.value), default=None)


def front(sweep: Sweep, trials: Sequence[Trial]) -> list[Trial]:
    """With two objectives the completed trials that no other beats in one of them without being worse in the other, the
    best by the first one first; with one objective there is no front.
    """
    if len(sweep.objectives) < 2:
        return []
    signs = [1 if direction == "maximize" else -1 for _, direction in sweep.objectives]
    merits = {
        trial.number: [sign * value for sign, value in zip(signs, trial.values, strict=True)]
        for trial in trials
        if trial.state == "complete" and len(trial.values) == len(signs)
    }
    found, best = [], -math.inf
    for number in sorted(merits, key=merits.get, reverse=True):
        first, second = merits[number]
        if second > best or (found and merits[found[-1]] == [first, second]):
            found.append(number)
            best = second
    by_number = {trial.number: trial for trial in trials}
    return [by_number[number] for number in found]


def table(sweep: Sweep, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """All trials, the best first, as rows for readers; with two objectives also which are on the Pareto front."""
    first, *second = [OBJECTIVE_WORDS[metric] for metric, _ in sweep.objectives]
    best = {trial.number for trial in front(sweep, trials)}
    return [
        {"no.": trial.number, "state": trial.state, first: trial.value}
        | dict.fromkeys(second, trial.second)
        | ({FRONT: trial.number in best} if second else {})
        | {key: str(value) if isinstance(value, list) else value for key, value in trial.params.items()}
        | {"seconds": trial.seconds and round(trial.seconds, 2), "run": trial.run_id, "message": trial.message}
        for trial in rows_of(sweep, trials)
    ]


def rows_of(sweep: Sweep, trials: Sequence[Trial]) -> list[Trial]:
    """Completed trials first, best first; then the others in order."""
    sign = _sign(sweep)

    def place(trial: Trial):
        done = trial.state == "complete" and trial.value is not None
        return (not done, -sign * trial.value if done else 0.0, trial.number)

    return sorted(trials, key=place)


def seconds_left(sweep: Sweep, trials: Sequence[Trial]) -> float:
    """How long a search still needs by the pace of the trials that are done, of which there is at least one.

    After its time limit only those in training are finished. The limit counts since the search was started or last
    continued, the pace since its beginning.
    """
    done = sum(not trial.open for trial in trials)
    pace = sweep.seconds / done
    needed, limit = pace * (sweep.trials - done), sweep.design.search.seconds
    in_training = pace * sum(trial.state == "running" for trial in trials)
    return min(needed, max(in_training, limit - (sweep.seconds - sweep.spent))) if limit else needed


def groups(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Trials by all settings but the seed, in the order of the settings' values."""
    varied = [dimension for dimension in sweep.design.space if dimension.key != "seed"]
    found: dict[tuple, list[Trial]] = {}
    for trial in trials:
        found.setdefault(tuple(_place(d, trial.params[d.key]) for d in varied), []).append(trial)
    ordered = [found[place] for place in sorted(found)]
    labels = told_apart([{d.key: group[0].params[d.key] for d in varied} for group in ordered])
    return {label or "same settings": group for label, group in zip(labels, ordered, strict=True)}


def by_seed(trials: Sequence[Trial]) -> list[float]:
    """Of trials with the same settings, one value for each seed: the same seed is the same training, no other luck."""
    return list({trial.params["seed"]: trial.value for trial in trials if trial.state == "complete"}.values())


def fates(trials: Sequence[Trial]) -> dict[int, str]:
    """Of trials with the same settings, what became of each seed, as ``explore.seeds.fate`` says."""
    found = {trial.params["seed"]: fate(trial.state, trial.message) for trial in trials}
    return found | dict.fromkeys((trial.params["seed"] for trial in trials if trial.state == "complete"), "")


class Setting(NamedTuple):
    """What all settings but the seed are called, and the mean of the first objective over so many seeds."""

    name: str
    mean: float
    seeds: int


def best_setting(sweep: Sweep, trials: Sequence[Trial]) -> Setting | None:
    """The settings with the best mean over their seeds, which need not be those of the best single run.

    One seed alone is no mean, but may be luck: settings that have completed with two or more are looked at, and it is
    ``None`` where there are none.
    """
    found = []
    if any(dimension.key == "seed" for dimension in sweep.design.space):
        for name, group in groups(sweep, trials).items():
            if len(values := by_seed(group)) > 1:
                found.append(Setting(name, fmean(values), len(values)))
    return max(found, key=lambda setting: _sign(sweep) * setting.mean, default=None)


def _place(dimension: Dimension, value: Any) -> float:
    """Where a value stands among all that the dimension allows."""
    if not dimension.choices:
        return value
    return dimension.choices.index(tuple(value) if isinstance(value, list) else value)


def _sign(sweep: Sweep) -> int:
    return 1 if sweep.objectives[0][1] == "maximize" else -1
