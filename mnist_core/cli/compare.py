"""``compare``: runs side by side on the test set, with what differs between them."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from mnist_core.cli.command import Command, UsageError, json_option, open_store, print_json, tell
from mnist_core.data import mnist
from mnist_core.explore import compare, seeds
from mnist_core.store import RunStore
from mnist_core.store.run import Run


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help=f"ids of {compare.FEWEST} to {compare.MOST} runs")
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    _, store = open_store()
    runs, problems = compare.find(store, options.runs)
    if problems:
        raise UsageError(" ".join(problems))
    compare.require_enough(runs)
    document = compare.summary(runs, mnist.load("test").labels, read(store, runs)) | repeated(store, runs)
    if options.json:
        print_json(document)
        return 0
    for row in document["runs"]:
        print(_line(row))
        if row["test_accuracy"] is None:
            tell(f"{row['run_id']} has no marks on the test set: only its settings are compared.")
    if document["remark_on_losses"]:
        print(document["remark_on_losses"])
    print("\nWhat differs:" if document["differs"] else "\nTheir settings are the same.")
    for setting in document["differs"].items():
        key, values = compare.in_words(setting[0], list(setting[1].values()))
        told = ("–" if value is None else compare.whole(value) for value in values)
        print(f"  {key}: " + ", ".join(f"{run_id} {value}" for run_id, value in zip(setting[1], told, strict=True)))
    print()
    _print_seeds(document["seeds"])
    for pair in document["pairs"]:
        first, second, corrected = pair.pop("first"), pair.pop("second"), pair.pop("p_holm")
        several = len(document["pairs"]) > 1
        print(compare.verdict(first, second, compare.McNemar(**pair), corrected if several else None))
    return 0


def read(store: RunStore, runs: list[Run]) -> dict[str, np.ndarray]:
    """By run id, the digits that it read on the test set; without runs that were not scored there."""
    found = {run.id: store.load_array(run.id, "test_probabilities") for run in runs}
    return {run_id: array.argmax(axis=1) for run_id, array in found.items() if array is not None}


def repeated(store: RunStore, runs: list[Run]) -> dict[str, Any]:
    """Where runs differ by their seed alone: how good each setting is, and whether settings differ by more than seeds
    do. As plain data for JSON; nothing where no seed was repeated."""
    groups = seeds.by_all_but_seed(runs)
    if all(len(group) == 1 for _, group in groups):
        return {"seeds": None}
    measure, values, fates = seeds.ends(groups, lambda run: store.epochs(run.id))
    rows = [
        {"setting": name, "run_ids": [run.id for run in group]}
        | (seeds.spread(values[name])._asdict() if values[name] else {"runs": 0})
        for name, group in groups
    ]
    remarks = [*seeds.without_number(fates), *([seeds.noise(values)] if any(values.values()) else [])]
    return {"seeds": {"measure": measure, "settings": rows, "remarks": remarks}}


def _print_seeds(document: dict[str, Any] | None) -> None:
    if document is None:
        return
    print(f"{document['measure'].capitalize()} over seeds:")
    for row in document["settings"]:
        deviation = f" (standard deviation {row['deviation']:.2%})" if row["runs"] > 1 else ""
        told = f"{row['mean']:.2%}{deviation}" if row["runs"] else "no number"
        print(f"  {row['setting']}: {told} of {row['runs']} of {len(row['run_ids'])} seeds")
    print(*document["remarks"], "", sep="\n")


def _line(row: dict[str, Any]) -> str:
    name = "".join(char if char.isprintable() else " " for char in row["name"])[:40]
    if row["test_accuracy"] is None:
        return f"{row['run_id']}  {name:40}  {row['status']}"
    low, high = row["interval"]
    loss = "" if row["test_loss"] is None else f", loss {row['test_loss']:.4f}"
    return f"{row['run_id']}  {name:40}  {row['test_accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%}){loss}"


COMMAND = Command(
    "compare",
    "Compare runs: marks with intervals, McNemar's test for each two, and what differs.",
    _arguments,
    _run,
    ("RUN RUN", "RUN RUN RUN --json"),
)
"""``python -m mnist_core compare``; ids as ``runs`` lists them."""
