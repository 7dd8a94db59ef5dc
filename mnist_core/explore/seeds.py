"""The same setting under several seeds: mean, spread and band, and whether a difference is more than seed noise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from mnist_core.diagnosis import DIVERGED, judged_by
from mnist_core.explore.compare import in_words, short
from mnist_core.explore.design import HELD_OUT
from mnist_core.explore.statistics import SIGNIFICANT, holm, welch, welch_of_pairs
from mnist_core.store.run import Run

MOST_TOLD = 3
"""Settings in a name: a legend has no room for more."""


class Spread(NamedTuple):
    """Of one number over several seeds; ``deviation`` is the sample standard deviation, which one run alone has not."""

    runs: int
    mean: float
    deviation: float | None
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """``ValueError`` without any value."""
    if not len(values):
        raise ValueError("no values to take the spread of.")
    array = np.asarray(values, float)
    deviation = float(array.std(ddof=1)) if len(array) > 1 else None
    return Spread(len(array), float(array.mean()), deviation, float(array.min()), float(array.max()))


def band(curves: Sequence[Sequence[Mapping[str, Any]]], metric: str) -> dict[str, list[float]]:
    """Mean, lowest and highest of several runs' curves, epoch by epoch, and of how many ``runs`` these are.

    Where a run has ended that others outlast, the mean goes on as that of other runs: no line leads from one to the
    other (``pieces``).

    Args:
        curves: of each run its rows of epochs.
    """
    by_epoch: dict[int, list[float]] = {}
    for rows in curves:
        for row in rows:
            if row.get(metric) is not None:
                by_epoch.setdefault(row["epoch"], []).append(row[metric])
    epochs = sorted(by_epoch)
    columns = {"mean": np.mean, "low": np.min, "high": np.max}
    found = {name: [float(of(by_epoch[e])) for e in epochs] for name, of in columns.items()}
    return {"epoch": epochs, "runs": [len(by_epoch[e]) for e in epochs]} | found


def pieces(band: Mapping[str, Sequence[float]]) -> list[dict[str, list[float]]]:
    """The parts of a band in which every mean is of the same number of runs."""
    rows = zip(*band.values(), strict=True)
    parts = groupby((dict(zip(band, row, strict=True)) for row in rows), key=lambda row: row["runs"])
    return [{key: [row[key] for row in part] for key in band} for part in (list(rows) for _, rows in parts)]


def by_all_but_seed(runs: Sequence[Run]) -> list[tuple[str, list[Run]]]:
    """Runs that differ by their seed alone together, each group with a name that tells it from the others.

    Of several runs with the same seed, which are the same training, the one that has come furthest stands for all.
    A run whose settings do not tell all that it learned from stands for itself, with its id in
    the name where settings alone do not tell it from another.
    """
    seeds: dict[tuple[str, str], dict[int, Run]] = {}
    for run in runs:
        same = run.settings.replace({"seed": 0}).to_json(), "" if run.told else run.id
        group = seeds.setdefault(same, {})
        if run.settings.seed not in group or run.step > group[run.settings.seed].step:
            group[run.settings.seed] = run
    groups = {settings: list(group.values()) for settings, group in seeds.items()}
    labels = _labels([group[0].settings.flat() for group in groups.values()])
    named = [(label or group[0].name, group) for label, group in zip(labels, groups.values(), strict=True)]
    counts = Counter(label for label, _ in named)
    return [(label if counts[label] == 1 else f"{label} ({group[0].id})", group) for label, group in named]


def _labels(flats: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of each setting in few words what tells it apart: what kind of part first, where that does it as well."""
    keys = list(dict.fromkeys(key for flat in flats for key in flat if key != "seed"))
    values = {key: [flat.get(key) for flat in flats] for key in keys}
    kinds = {key: len({str(value) for value in row}) for key, row in values.items()}
    differing = sorted((k for k in keys if kinds[k] > 1), key=lambda k: (not k.endswith(".name"), -kinds[k]))
    differing = _telling(differing, values)
    last = Counter(key.rpartition(".")[2] for key in differing)
    told = []
    for key in differing:
        name, row = in_words(key, values[key])
        section, _, bare = name.rpartition(".")
        told.append((section if bare == "name" else bare if last[bare] == 1 else name, row))
    labels = []
    for i in range(len(flats)):
        words = [f"{name} {short(row[i])}" for name, row in told if row[i] is not None]
        labels.append(", ".join(words[:MOST_TOLD]) + f" and {len(words) - MOST_TOLD} more" * (len(words) > MOST_TOLD))
    return labels


def _telling(keys: Sequence[str], values: Mapping[str, Sequence[Any]]) -> list[str]:
    """These keys, those first by which the fewest settings are taken for each other; of equal ones the first."""
    left, told = list(keys), [""] * len(values[keys[0]]) if keys else []
    order = []
    while left:
        longer = {key: [f"{name}, {value}" for name, value in zip(told, values[key], strict=True)] for key in left}
        best = max(left, key=lambda key: len(set(longer[key])))
        order.append(best)
        left.remove(best)
        told = longer[best]
    return order


def fate(state: str, message: str) -> str:
    """Why a run or a trial that ended in this state says something about its setting and yet has no number to be
    averaged; empty if it has one, is still to have one, or was ended by a reader."""
    if state == "failed":
        return "diverged" if DIVERGED in message else "failed"
    return "ended early, by the pruner" if state == "pruned" else ""


UNSCORED = "not scored on the test set"


class Ends(NamedTuple):
    """How good the runs of some groups are that have come to their end, by the groups' names.

    ``measure`` says in words what the numbers are; ``fates`` are those of every seed, as ``fate`` tells them.
    """

    measure: str
    values: dict[str, list[float]]
    fates: dict[str, dict[int, str]]


def ends(
    groups: Sequence[tuple[str, Sequence[Run]]], epochs: Callable[[Run], Sequence[Mapping[str, Any]]]
) -> Ends:
    """By held-out accuracy if all runs that have finished have one, of the same images, since only one measure can be
    compared; else by that on the test set.

    Args:
        epochs: gives a run's rows of epochs.
    """
    fates = {name: {run.settings.seed: fate(run.status, run.message) for run in group} for name, group in groups}
    ended = {name: [run for run in group if run.status == "finished"] for name, group in groups}
    rows = {
        name: [judged_by(run.settings, epochs(run), "val_accuracy") for run in group] for name, group in ended.items()
    }
    runs = [run for group in ended.values() for run in group]
    same_images = len({str([run.settings.flat().get(key) for key in sorted(HELD_OUT)]) for run in runs}) < 2
    if same_images and all(row for group in rows.values() for row in group):
        held_out = {name: [row["val_accuracy"] for row in group] for name, group in rows.items()}
        return Ends("held-out accuracy", held_out, fates)
    scored = {
        name: [run.test_accuracy for run in group if run.test_accuracy is not None] for name, group in ended.items()
    }
    for name, group in ended.items():
        fates[name] |= {run.settings.seed: UNSCORED for run in group if run.test_accuracy is None}
    return Ends("test accuracy", scored, fates)


def lost(fates: Mapping[int, str]) -> int:
    """How many seeds have no number; ``fates`` as ``fate`` gives them, by seed."""
    return sum(bool(found) for found in fates.values())


def without_number(settings: Mapping[str, Mapping[int, str]]) -> list[str]:
    """A sentence for every setting of which seeds have no number: mean and spread are those of the others.

    Args:
        settings: by what was set, for each seed its ``fate``.
    """
    sentences = []
    for name, fates in settings.items():
        counts = Counter(filter(None, fates.values()))
        told = ", ".join(f"{count} of {len(fates)} seeds {found}" for found, count in counts.most_common())
        flattered = counts.keys() - {"failed", UNSCORED}  # which may be an accident, or has no bearing
        if lost(fates) == len(fates):
            sentences.append(f"{name}: {told}, so there is no mean to compare.")
        elif counts:
            words = ", which look better than the setting is" if flattered else ""
            sentences.append(f"{name}: {told}, so mean and spread are those of the others alone{words}.")
    return sentences


def noise(groups: Mapping[str, Sequence[float]], higher_is_better: bool = True) -> str:
    """A plain sentence on the two best groups: whether their difference is larger than what seeds make.

    These are two of all that there are, so p has Holm's correction for every pair that can be tested.

    Args:
        groups: validation accuracies (fractions) or losses by what was set, one number per seed.
    """
    known = {name: values for name, values in groups.items() if len(values)}
    if len(known) < 2:
        return "There is nothing to compare yet: it takes two settings."
    order = sorted(known, key=lambda name: np.mean(known[name]), reverse=higher_is_better)
    best, second = order[:2]
    if alone := [name for name in order[:2] if len(known[name]) < 2]:
        few = "one seed each" if len(alone) == 2 else f"one seed of {alone[0]}"
        return (
            f"{best} did best, but {few} cannot tell luck from merit. Repeat over three seeds or more "
            f"before you believe it."
        )
    test = welch(known[second], known[best])
    size = f"{abs(test.difference):.2%} points" if higher_is_better else f"{abs(test.difference):.4f}"
    size = size.replace("% points", " points")
    if math.isnan(test.p):
        return (
            f"The runs of {best} agree exactly, and so do those of {second}: runs without any spread cannot tell what "
            f"seeds make of a setting, so nothing is said about a difference of {size}. Repeat over more seeds, or "
            f"hold out more images."
        )
    p, tests = _corrected([known[name] for name in order])
    by = f"Welch's t-test, p = {p:.2g}" + (f" with Holm's correction for {tests} pairs" if tests > 1 else "")
    if p < SIGNIFICANT:
        return f"{best} is better than {second} by {size}, which is more than the noise of seeds ({by})."
    return (
        f"{best} leads {second} by {size}, but that is no more than seeds alone can make "
        f"({by}): call it a tie, or repeat over more seeds."
    )


def _corrected(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """The p of Welch's test of the first two with Holm's correction for all pairs that have one; how many these are.

    Arrays alone, since a page asks every second while a search with many settings runs.
    """
    ps = welch_of_pairs([values for values in groups if len(values) > 1])
    known = ps[~np.isnan(ps)]
    return holm(known)[0], len(known)
