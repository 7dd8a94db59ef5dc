"""The most memory of a train worker in each recipe: while it begins, compiles, trains an epoch and is scored."""

from __future__ import annotations

import argparse
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.report import arguments, finish, say
from benchmarks.served import Served, served, wait_until_warm
from mnist_core.config import RunConfig
from mnist_core.recipes import RECIPES

STEPS = 500
"""Of a recipe that counts steps instead of epochs; memory does not grow after the first few."""

LOOK_SECONDS = 0.1


def main() -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        names = list(RECIPES)
        parser.add_argument(
            "--recipes", nargs="*", metavar="NAME", default=names, choices=names, help="these alone (all)"
        )
        parser.add_argument(
            "--together", action="store_true", help="one after the other in one server, not each in its own"
        )

    options = arguments(__doc__, None, add)
    finish(document((in_one if options.together else in_turn)(options.recipes)), options.json)


def in_turn(recipes: list[str]) -> list[dict[str, Any]]:
    """A worker of its own for each: what one has compiled stays in its memory."""
    rows = []
    for name in recipes:
        with served() as lab:
            wait_until_warm(lab)
            rows.append(row(lab, name))
    return rows


def in_one(recipes: list[str]) -> list[dict[str, Any]]:
    """All in the workers of one server, which renews those that have grown."""
    rows = []
    with served() as lab:
        wait_until_warm(lab)
        for name in recipes:
            for pid in workers(lab):
                forget_peak(pid)
            rows.append(row(lab, name))
    return rows


def row(lab: Served, recipe: str) -> dict[str, Any]:
    found = {"recipe": recipe, "train_worker_mb": most(lab, shortened(RECIPES[recipe].config)) / 1e6}
    say(f"{recipe}: {found['train_worker_mb']:.0f} MB")
    return found


def shortened(config: RunConfig) -> RunConfig:
    """The same on all of its data, for one epoch; classical models train to their end."""
    if config.architecture.family == "classical":
        return config
    return config.replace({"training.steps": STEPS} if config.training.steps else {"training.epochs": 1})


def most(lab: Served, config: RunConfig) -> int:
    """The most bytes that a train worker had in memory since its start, or since its peak was forgotten, to the end of
    a run.
    """
    run_id, found = lab.store.create(config), 0
    while lab.store.get(run_id).active:
        found = max(found, *map(peak, workers(lab)))
        time.sleep(LOOK_SECONDS)
    run = lab.store.get(run_id)
    if run.status != "finished" or run.deaths:
        raise RuntimeError(f"{run.name} ended as {run.status} after {run.deaths} deaths of its worker: {run.message}")
    return found


def workers(lab: Served) -> list[int]:
    return [row["pid"] for row in lab.engine.ensure().workers if row["kind"] == "train"]


def forget_peak(pid: int) -> None:
    """From now on ``peak`` is of what comes (proc(5), clear_refs)."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid: int) -> int:
    """Bytes that a process had in memory at most, as Linux keeps them (proc(5), VmHWM); 0 if it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return 0


def document(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rows": rows, "most_mb": max(row["train_worker_mb"] for row in rows)}


if __name__ == "__main__":
    main()
