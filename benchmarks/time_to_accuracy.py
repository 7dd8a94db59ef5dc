"""How long the quick recipe takes to 97 % test accuracy, from a warm worker taking the run to its end."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.report import arguments, finish, say
from benchmarks.served import served, wait_until_warm
from mnist_core.recipes import recipe

TARGET = 0.97


def main() -> None:
    options = arguments(__doc__)
    seconds, accuracies = [], []
    with served() as lab:
        wait_until_warm(lab)
        for seed in range(1, options.repeats + 1):
            run_id = lab.store.create(recipe("quick").config.replace({"seed": seed}))
            while lab.store.get(run_id).active:
                time.sleep(0.05)
            run = lab.store.get(run_id)
            seconds.append(run.ended - run.queued)
            accuracies.append(run.test_accuracy)
            say(f"seed {seed}: {run.test_accuracy:.2%} after {seconds[-1]:.1f} s")
    result = {"target": TARGET, "median_seconds": median(seconds), "seconds": [round(s, 2) for s in seconds]}
    finish(result | {"test_accuracy": median(accuracies), "reached": min(accuracies) >= TARGET}, options.json)


if __name__ == "__main__":
    main()
