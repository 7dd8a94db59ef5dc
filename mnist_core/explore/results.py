"""What came of a sweep: its best trial, its trials in order, and those that differ by their seed alone together."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_core.explore.space import shown
from mnist_core.store.sweeps import Sweep, Trial


def best_trial(sweep: Sweep, trials: Sequence[Trial]) -> Trial | None:
    """The completed trial with the best first objective, whose run is still there if any such is."""
    done = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    sign = _sign(sweep)
    return max(done, key=lambda trial: (trial.run_id is not None, sign * trial.value), default=None)


def rows_of(sweep: Sweep, trials: Sequence[Trial]) -> list[Trial]:
    """Completed trials first, best first; then the others in order."""
    sign = _sign(sweep)

    def place(trial: Trial):
        done = trial.state == "complete" and trial.value is not None
        return (not done, -sign * trial.value if done else 0.0, trial.number)

    return sorted(trials, key=place)


def seconds_left(sweep: Sweep, done: int) -> float:
    """How long a search still needs, by the pace of the ``done`` trials (at least one), or until its time limit.

    The limit counts since the search was started or last continued, the pace since its beginning.
    """
    needed = sweep.seconds / done * (sweep.trials - done)
    limit = sweep.design.search.seconds
    return min(needed, max(0.0, limit - (sweep.seconds - sweep.spent))) if limit else needed


def groups(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Trials by all settings but the seed, in the order of the settings' values."""
    found: dict[str, list[Trial]] = {}
    keys = [dimension.key for dimension in sweep.design.space if dimension.key != "seed"]
    orders = {d.key: [str(_plain(v)) for v in d.grid()] for d in sweep.design.space}

    def place(trial: Trial):
        return [orders[k].index(t) if (t := str(trial.params[k])) in orders[k] else len(orders[k]) for k in keys]

    for trial in sorted(trials, key=place):
        label = shown({key: trial.params[key] for key in keys}) or "same settings"
        found.setdefault(label, []).append(trial)
    return found


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _sign(sweep: Sweep) -> int:
    return 1 if sweep.objectives[0][1] == "maximize" else -1
