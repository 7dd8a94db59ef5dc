"""What bfloat16 costs in accuracy and gains in time: the convolutional recipes, whole, over several seeds."""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from statistics import mean

from benchmarks.report import arguments, finish, say
from mnist_core.data import mnist
from mnist_core.recipes import RECIPES, recipe
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs

PRECISIONS = ("float32", "bfloat16")

CONVOLUTIONAL = [r for r in RECIPES.values() if r.config.architecture.convolutional]
DEFAULT = [r.name for r in CONVOLUTIONAL if r.config.training.precision == "auto" and not r.costly]
COSTLY = [r.name for r in CONVOLUTIONAL if r.costly]


def main() -> None:
    options = arguments(__doc__, add=_add_arguments)
    programs, test = Programs(mnist.load("train")), mnist.load("test")
    rows = []
    for name in options.recipes:
        accuracies, seconds = {p: [] for p in PRECISIONS}, {p: [] for p in PRECISIONS}
        for seed in range(1, options.repeats + 1):
            for precision in PRECISIONS:
                config = recipe(name).config.replace({"seed": seed, "training.precision": precision})
                trainer = Trainer(config, programs)
                trainer.fit()
                accuracies[precision].append(trainer.evaluation.evaluate(test)[0]["accuracy"])
                seconds[precision].append(trainer.position.train_seconds)
                found = f"{accuracies[precision][-1]:.2%} in {seconds[precision][-1]:.0f} s"
                say(f"{name}, seed {seed}, {precision}: {found}")
        rows.append(
            {
                "recipe": name,
                "float32_accuracy": mean(accuracies["float32"]),
                "bfloat16_accuracy": mean(accuracies["bfloat16"]),
                "points_lost": 100 * (mean(accuracies["float32"]) - mean(accuracies["bfloat16"])),
                "float32_seconds": mean(seconds["float32"]),
                "bfloat16_seconds": mean(seconds["bfloat16"]),
            }
        )
    finish({"rows": rows}, options.json)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    told = f"{', '.join(DEFAULT)} unless told otherwise; of those that take long, {', '.join(COSTLY)}"
    parser.add_argument("recipes", nargs="*", default=DEFAULT, metavar="RECIPE", help=told)


if __name__ == "__main__":
    main()
