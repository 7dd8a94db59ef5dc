"""Two to twelve runs side by side: what differs, how good each is and how sure that is, and where they disagree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError, UnknownRun
from mnist_core.evaluation import confusion_matrix
from mnist_core.explore.losses import not_one_measure
from mnist_core.explore.statistics import SIGNIFICANT, Interval, McNemar, holm, mcnemar, wilson
from mnist_core.store import RunStore
from mnist_core.store.run import Run

FEWEST, MOST = 2, 12


@dataclass(frozen=True)
class Mark:
    """How a run did on the test set: ``right`` of ``images``, and the Wilson interval of that share."""

    right: int
    images: int
    interval: Interval

    @property
    def accuracy(self) -> float:
        return self.right / self.images


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs on the same images.

    Attributes:
        only_first, only_second: indices of the images that only this one reads rightly.
        difference: confusion matrix of the second less that of the first, ``int64 (10, 10)``.
    """

    test: McNemar
    only_first: np.ndarray
    only_second: np.ndarray
    difference: np.ndarray


def find(store: RunStore, ids: Iterable[str]) -> tuple[list[Run], list[str]]:
    """The runs of a link, each once and in its order, and a sentence for every one that is not there."""
    runs, problems = [], []
    for run_id in dict.fromkeys(filter(None, ids)):
        try:
            run = store.get(run_id)
            run.settings  # noqa: B018 - of another version: cannot be compared
            runs.append(run)
        except (UnknownRun, ConfigError) as error:
            problems.append(str(error))
    return runs, problems


def names(runs: Sequence[Run]) -> dict[str, str]:
    """Run ids by names that are told apart: the run's own, with its id where two are alike."""
    counts = {run.name: sum(other.name == run.name for other in runs) for run in runs}
    return {run.id: run.name if counts[run.name] == 1 else f"{run.name} ({run.id})" for run in runs}


def require_enough(runs: Sequence[Run]) -> None:
    """``ConfigError`` unless there are two to twelve."""
    if not FEWEST <= len(runs) <= MOST:
        mend = "Add another." if len(runs) < FEWEST else "Take some out."
        found = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        raise ConfigError(f"A comparison takes {FEWEST} to {MOST} runs, and has {found}. {mend}")


def settings(runs: Sequence[Run]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """What differs, as ``{key: a value per run}`` (``None`` where a run has no such setting), and what is the same."""
    flats = [run.settings.flat() for run in runs]
    keys = list(dict.fromkeys(key for flat in flats for key in flat))
    values = {key: [flat.get(key) for flat in flats] for key in keys}
    differing = {key: row for key, row in values.items() if any(value != row[0] for value in row)}
    return differing, {key: row[0] for key, row in values.items() if key not in differing}


DRAWINGS = "fine_tuning.digest"
"""The setting that tells sets of own drawings apart, by a number that tells a reader nothing."""


def in_words(key: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """A setting's name and its values of several runs as readers are told them: own drawings as *set 1*, *set 2*."""
    if key != DRAWINGS:
        return key, list(values)
    sets = {digest: f"set {number}" for number, digest in enumerate(dict.fromkeys(filter(None, values)), 1)}
    sets |= {None: None, "": "not written down"}
    return "own drawings", [sets[digest] for digest in values]


def short(value: Any) -> str:
    """A setting's value in few letters: the sizes of layers and the filters of blocks as ``32-64``."""
    if isinstance(value, Mapping):
        return "-".join([str(value["filters"])] * value["convolutions"]) if "filters" in value else str(dict(value))
    return "-".join(map(short, value)) or "none" if isinstance(value, (list, tuple)) else _told(value)


def whole(value: Any) -> str:
    """A setting's value with all that it says: the sizes of layers as ``32-64``, a block with each of its settings."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        blocks = any(isinstance(part, Mapping) for part in value)
        return ("; " if blocks else "-").join(map(whole, value)) or "none"
    return _told(value)


def _told(value: Any) -> str:
    """Numbers without the last digits, in which 0.0013 may be 0.0013000000000000002."""
    return str(float(f"{value:.8g}")) if isinstance(value, float) else str(value)


ORDER = ("seed", "data.", "fine_tuning.", "training.batch_size", "training.shuffle", "training.reshuffle")
"""How settings begin that decide which images come in which batch."""

NO_ORDER = ("data.scaled", "fine_tuning.run")
"""Settings among them that do not: how pixels are scaled, and which weights a fine-tuning begins with."""


def all_networks(runs: Sequence[Run]) -> bool:
    """Whether no classical model is among them, which begins from no weights and has no batches."""
    return all(run.settings.architecture.family == "network" for run in runs)


def same_order(runs: Sequence[Run]) -> bool:
    """Whether all of them are known to see the same images in the same batches, as long as each trains."""
    orders = [_order(run.settings) for run in runs]
    known = all_networks(runs) and all(run.told for run in runs)
    return known and all(order == orders[0] for order in orders)


def _order(config: RunConfig) -> dict[str, Any]:
    found = {key: value for key, value in config.flat().items() if key.startswith(ORDER) and key not in NO_ORDER}
    # Counted by steps, a buffer goes on from one pass through the data to the next (training.order).
    return found | {"stream": bool(config.training.shuffle_buffer and config.training.steps)}


def same_start(prints: Sequence[bytes | None]) -> tuple[list[str], list[str]]:
    """Layers that begin from the same weights in all runs that have them, and those that do not.

    Args:
        prints: of each run what ``training.fingerprint`` made; ``None`` where it is not known.
    """
    starts = [json.loads(text) for text in prints if text]
    names = list(dict.fromkeys(name for start in starts for name in start))
    known = {name: [start[name] for start in starts if name in start] for name in names}
    same = [name for name, found in known.items() if len(found) > 1 and len(set(found)) == 1]
    return same, [name for name in names if name not in same]


def mark(labels: np.ndarray, predicted: np.ndarray) -> Mark:
    """Both ``(N,)`` integers 0..9."""
    right = int((labels == predicted).sum())
    return Mark(right, len(labels), wilson(right, len(labels)))


def pair(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> Pair:
    """All ``(N,)`` integers 0..9: the truth, and what each of two runs read."""
    first_right, second_right = first == labels, second == labels
    only_first, only_second = np.flatnonzero(first_right & ~second_right), np.flatnonzero(second_right & ~first_right)
    difference = confusion_matrix(labels, second) - confusion_matrix(labels, first)
    return Pair(mcnemar(len(only_first), len(only_second)), only_first, only_second, difference)


def tests_of_pairs(labels: np.ndarray, predicted: Mapping[str, np.ndarray]) -> dict[tuple[str, str], McNemar]:
    """McNemar's test of every two runs, by their ids in the order of ``predicted``.

    Args:
        predicted: by run id, the digits read on the test set.
    """
    right = {run_id: read == labels for run_id, read in predicted.items()}
    return {
        (a, b): mcnemar(int((right[a] & ~right[b]).sum()), int((right[b] & ~right[a]).sum()))
        for a, b in combinations(right, 2)
    }


def holm_of_pairs(tests: Mapping[tuple[str, str], McNemar]) -> dict[frozenset[str], float]:
    """By the ids of every two runs, the p of their test with Holm's correction, since so many pairs are tested."""
    corrected = holm([test.p for test in tests.values()])
    return {frozenset(ids): p for ids, p in zip(tests, corrected, strict=True)}


def verdict(first: str, second: str, test: McNemar, corrected: float | None = None) -> str:
    """McNemar's test in words; the names are put in as they are.

    Args:
        corrected: the p by which it is judged where these are two of several runs; see ``holm_of_pairs``.
    """
    if not test.only_first + test.only_second:
        return f"{first} and {second} get the very same images right: nothing tells them apart."
    split = f"{test.only_first:,} images only {first} reads rightly, {test.only_second:,} only {second}"
    better = first if test.only_first > test.only_second else second
    if corrected is not None and test.p < SIGNIFICANT:
        words = f"{split}. With Holm's correction for all pairs of these runs p is {corrected:.2g}"
        if corrected < SIGNIFICANT:
            return f"{words}: {better} is better here."
        return f"{words}, for among so many pairs one splits so unevenly by chance: call it a tie."
    if test.p >= SIGNIFICANT:
        return f"{split}. So even a split is no surprise between equals (p = {test.p:.2g}): call it a tie."
    return f"{split}. Equals would split so unevenly with probability {test.p:.2g} only: {better} is better here."


def summary(runs: Sequence[Run], labels: np.ndarray, predicted: dict[str, np.ndarray]) -> dict[str, Any]:
    """The whole comparison as plain data for JSON.

    Args:
        predicted: by run id, the digits read on the test set; runs without are compared by settings alone.

    Returns:
        ``remark_on_losses`` among others: why these cannot be compared, empty if they can.
    """
    differing, same = settings(runs)
    rows = []
    for run in runs:
        row = {"run_id": run.id, "name": run.name, "status": run.status, "parameters": run.parameters}
        row |= {"test_accuracy": None, "interval": None, "test_loss": run.test_loss}
        if run.id in predicted:
            scored = mark(labels, predicted[run.id])
            row |= {"test_accuracy": scored.accuracy, "interval": list(scored.interval)}
        rows.append(row)
    tests = tests_of_pairs(labels, {run.id: predicted[run.id] for run in runs if run.id in predicted})
    corrected = holm_of_pairs(tests)
    pairs = [
        {"first": ids[0], "second": ids[1], **test._asdict(), "p_holm": corrected[frozenset(ids)]}
        for ids, test in tests.items()
    ]
    ids = [run.id for run in runs]
    differs = {key: dict(zip(ids, values, strict=True)) for key, values in differing.items()}
    unlike = not_one_measure(run.settings for run in runs)
    return {"runs": rows, "remark_on_losses": unlike, "differs": differs, "same": same, "pairs": pairs}
