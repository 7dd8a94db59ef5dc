"""How long it takes to 97, 99 or 99.7 % test accuracy, from a warm worker taking the run to its end."""

from __future__ import annotations

import argparse
import time
from statistics import mean, median
from typing import Any

from benchmarks.report import arguments, finish, say
from benchmarks.served import served, wait_until_warm
from mnist_core.recipes import recipe

RECIPES = {0.97: "quick", 0.99: "cnn-fast", 0.997: "champion"}
"""By what share of the test images is to be read rightly."""


def main() -> None:
    options = arguments(__doc__, add=_add_arguments)
    seconds, accuracies = [], []
    name = options.recipe or RECIPES[options.target]
    config = recipe(name).config
    for seed in range(1, options.repeats + 1):
        # A server of its own for each: in a worker that has trained this shape before, nothing would be compiled.
        with served() as lab:
            wait_until_warm(lab)
            run_id = lab.store.create(config.replace({"seed": seed}))
            while lab.store.get(run_id).active:
                time.sleep(0.05)
            run = lab.store.get(run_id)
        seconds.append(run.ended - run.queued)
        accuracies.append(run.test_accuracy)
        say(f"seed {seed}: {run.test_accuracy:.2%} after {seconds[-1]:.1f} s")
    finish(document(options.target, seconds, accuracies, name), options.json)


def document(target: float, seconds: list[float], accuracies: list[float], name: str) -> dict[str, Any]:
    return {
        "target": target,
        "recipe": name,
        "median_seconds": median(seconds),
        "seconds": [round(s, 2) for s in seconds],
        "test_accuracy": median(accuracies),
        "mean_test_accuracy": mean(accuracies),
        "lowest_test_accuracy": min(accuracies),
    }


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", type=float, choices=list(RECIPES), default=0.99, help="test accuracy to reach")
    parser.add_argument("--recipe", help="another recipe than the one that is made for it")


if __name__ == "__main__":
    main()
