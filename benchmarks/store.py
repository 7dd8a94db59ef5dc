"""The Runs page in a real browser, with a thousand finished runs in the store."""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

from benchmarks.report import arguments, finish, say
from benchmarks.served import UP_SECONDS, served, visitor
from mnist_core.recipes import RECIPES
from mnist_core.store import RunStore

RUNS = 1000
BATCHES = 100
MODEL_BYTES = 20_000
"""Of each run's stand-in for a model: large enough that a page that read it would be seen to."""


def fill(store: RunStore, runs: int) -> None:
    """Finished runs of all recipes, with epochs, batches, a diary and files, written as a worker writes them."""
    rng = np.random.default_rng(0)
    recipes = list(RECIPES.items())
    for i in range(runs):
        name, recipe = recipes[i % len(recipes)]
        config = recipe.config.replace({"seed": i})
        run_id = store.create(config, f"{recipe.title} {i}", name)
        run = store.start(run_id, "benchmark:1", "Benchmark processor")
        accuracies = 1 - 0.5 * np.exp(-np.arange(1, config.epochs + 1) / 5) - 0.01 * rng.random(config.epochs)
        epochs = [
            {"epoch": n + 1, "step": 100 * (n + 1), "loss": 1 - a, "accuracy": a, "val_loss": 1 - a, "val_accuracy": a}
            for n, a in enumerate(accuracies.tolist())
        ]
        batches = [{"step": n + 1, "loss": 1 / (n + 1), "accuracy": 1 - 1 / (n + 2)} for n in range(BATCHES)]
        columns = {"status": "finished", "ended": time.time(), "epoch": config.epochs, "train_seconds": 9.5}
        columns |= {"step": 100 * config.epochs, "steps": 100 * config.epochs, "images_per_second": 1e5}
        columns |= {"test_accuracy": float(accuracies[-1]), "test_loss": float(1 - accuracies[-1])}
        files = {"model.keras": rng.bytes(MODEL_BYTES), "test_probabilities": rng.bytes(MODEL_BYTES)}
        store.record(run_id, columns, batches, epochs, files, "Finished.", run.holder)


def document(runs: int, seconds: list[float]) -> dict[str, float]:
    return {"runs": runs, "page_seconds": median(seconds)}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"how many ({RUNS:,})")


def main() -> None:
    options = arguments(__doc__, add=_options)
    seconds = []
    with served() as lab, visitor() as page:
        say(f"writing {options.runs} runs")
        fill(lab.store, options.runs)
        page.set_default_timeout(1000 * UP_SECONDS)
        page.goto(lab.url)
        page.get_by_text("Latest runs").wait_for()
        for _ in range(options.repeats):
            page.get_by_role("link", name="Runs", exact=True).click()
            began = time.perf_counter()
            page.wait_for_function("text => document.body.innerText.includes(text)", arg="Click a heading to sort")
            page.locator('[data-testid="stDataFrame"] canvas').first.wait_for()
            seconds.append(time.perf_counter() - began)
            say(f"{seconds[-1]:.2f} s")
            page.get_by_role("link", name="Data", exact=True).click()
            page.get_by_text("Shapes and types").wait_for()
    finish(document(options.runs, seconds), options.json)


if __name__ == "__main__":
    main()
