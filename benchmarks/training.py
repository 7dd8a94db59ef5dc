"""One epoch, ours against what people write: ``model.fit``, a GradientTape loop, and PyTorch where it is installed.

All train the same network on the same images in one process, in turn, so that a machine whose pace wanders is the
same for all. Every contestant trains an epoch first that does not count: building, tracing and compiling are in there.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import sys
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.contestants import Fit, Ours, Tape, Torch, torch_installed
from benchmarks.report import arguments, finish, machine, say
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.recipes import recipe
from mnist_core.training.execution import cpu_flags


@dataclass(frozen=True)
class Workload:
    """A network on so many images, in the precisions worth comparing, and the ratios that are aimed at."""

    name: str
    images: int
    changes: dict[str, Any]
    over_fit: dict[str, float]
    over_torch: float

    def config(self, precision: str) -> RunConfig:
        base = {"data.validation_fraction": 0.0, "data.subset": self.images, "training.precision": precision}
        return recipe("quick").config.replace(base | self.changes)


WORKLOADS = (
    Workload(
        "MLP 64, batch 16",
        60_000,
        {"architecture.hidden_units": [64], "optimizer.name": "sgd", "training.batch_size": 16},
        {"float32": 15.0},
        3.5,
    ),
    Workload(
        "MLP 100-64-32, batch 128",
        60_000,
        {"architecture.hidden_units": [100, 64, 32], "optimizer.name": "sgd", "training.batch_size": 128},
        {"float32": 4.5},
        1.5,
    ),
    Workload(
        "CNN 32-64-64, batch 200",
        20_000,
        {
            "architecture.name": "cnn",
            "architecture.blocks": [{"filters": 32}, {"filters": 64}, {"filters": 64, "pooling": "none"}],
            "optimizer.name": "rmsprop",
            "training.batch_size": 200,
        },
        {"float32": 1.0, "bfloat16": 2.3},
        4.0,
    ),
    Workload(
        "CNN 5x5 32-64 + 1024, batch 100",
        10_000,
        {
            "architecture.name": "cnn",
            "architecture.blocks": [
                {"filters": 32, "kernel": 5, "padding": "same"},
                {"filters": 64, "kernel": 5, "padding": "same"},
            ],
            "architecture.hidden_units": [1024],
            "architecture.dropout": 0.4,
            "optimizer.name": "sgd",
            "training.batch_size": 100,
        },
        {"float32": 1.05, "bfloat16": 2.5},
        2.0,
    ),
)


def main() -> None:
    options = arguments(__doc__, add=_add_arguments)
    chosen = [workload for workload in WORKLOADS if options.only in workload.name]
    rows = [row for workload in chosen for row in measure(workload, options.repeats)]
    if options.json:
        finish(document(rows), as_json=True)
        return
    print(machine())
    print(table(rows))


def document(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rows": rows}


def measure(workload: Workload, repeats: int) -> list[dict[str, Any]]:
    """A row for each precision that this processor has. Others always compute with 32 bits, as their code says."""
    digits = mnist.load("train")
    precisions = [p for p in workload.over_fit if p == "float32" or {"amx_bf16", "avx512_bf16"} & cpu_flags()]
    ours = {precision: Ours(workload.config(precision), digits) for precision in precisions}
    config = workload.config("float32")
    others = {"fit": Fit(config, digits), "tape": Tape(config, digits)}
    if torch_installed():
        others["torch"] = Torch(config, digits)
    contestants = {**ours, **others}
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(repeats + 1):
        for name, contestant in contestants.items():
            taken = contestant.epoch()
            if round_:
                seconds[name].append(taken)
        say(f"{workload.name}: round {round_} of {repeats}")
    middle = {name: median(values) for name, values in seconds.items()}
    return [_row(workload, precision, middle) for precision in precisions]


def _row(workload: Workload, precision: str, seconds: dict[str, float]) -> dict[str, Any]:
    ours, torch = seconds[precision], seconds.get("torch")
    return {
        "workload": workload.name,
        "images": workload.images,
        "precision": precision,
        "ours_seconds": round(ours, 3),
        "fit_seconds": round(seconds["fit"], 3),
        "tape_seconds": round(seconds["tape"], 3),
        "torch_seconds": torch and round(torch, 3),
        "over_fit": round(seconds["fit"] / ours, 2),
        "over_tape": round(seconds["tape"] / ours, 2),
        "over_torch": torch and round(torch / ours, 2),
        "aim_over_fit": workload.over_fit[precision],
        "aim_over_torch": workload.over_torch if precision == list(workload.over_fit)[-1] else None,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown, seconds an epoch."""
    heads = ["network", "images", "precision", "ours", "`fit`", "tape", "PyTorch", "over `fit`", "over PyTorch"]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for row in rows:
        torch = f"{row['torch_seconds']:.2f} s" if row["torch_seconds"] else "–"
        over_torch = f"{row['over_torch']:.1f} x" if row["over_torch"] else "–"
        if row["aim_over_torch"]:
            over_torch += f" (aim {row['aim_over_torch']:g} x)"
        lines.append(
            f"| {row['workload']} | {row['images']:,} | {row['precision']} | {row['ours_seconds']:.2f} s | "
            f"{row['fit_seconds']:.2f} s | {row['tape_seconds']:.2f} s | {torch} | "
            f"{row['over_fit']:.1f} x (aim {row['aim_over_fit']:g} x) | {over_torch} |"
        )
    return "\n".join(lines)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", help="measure the networks whose name holds this")


if __name__ == "__main__":
    sys.exit(main())
