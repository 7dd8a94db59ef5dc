"""How long it takes to say why: every way of asking, for networks, a forest and a linear model, through the engine."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.report import arguments, finish, say
from benchmarks.served import served, wait_until_warm
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.explain.methods import kind_of, methods_for
from mnist_core.recipes import recipe
from mnist_core.store.shipped import FLAGSHIP

CONFIGS: dict[str, RunConfig] = {
    "cnn-fast": recipe("cnn-fast").config,
    "random-forest": recipe("random-forest").config,
    "sgd-classifier": recipe("sgd-classifier").config.replace({"architecture.max_iter": 5}),
}


def main() -> None:
    options = arguments(__doc__)
    images = mnist.load("test").images
    result = {}
    with served() as lab:
        wait_until_warm(lab)
        runs = {FLAGSHIP: FLAGSHIP} | {name: lab.store.create(config, name) for name, config in CONFIGS.items()}
        for name, run_id in runs.items():
            while lab.store.get(run_id).active:
                time.sleep(0.2)
            say(f"{name} is trained")
            kind = kind_of(lab.store.get(run_id).settings)
            lab.engine.predict(run_id, images[:1])  # A page has the answer before anybody asks why.
            for method in methods_for(kind):
                taken = []
                # The first time, what the way needs is compiled or read; then every drawing is another.
                for image in images[: options.repeats + 1]:
                    began = time.perf_counter()
                    lab.engine.explain(run_id, image, method)
                    taken.append(time.perf_counter() - began)
                result |= {
                    f"{name}: {method}, seconds": float(np.median(taken[1:])),
                    f"{name}: {method}, first time, seconds": taken[0],
                }
    finish(result, options.json)


if __name__ == "__main__":
    main()
