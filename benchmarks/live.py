"""What reporting and watching cost, and how soon it shows: three visitors against none, and the way of a point to the
curve.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

import psutil

from benchmarks.report import arguments, finish, p95, say
from benchmarks.served import Served, served, visitors, wait_until_warm
from mnist_core.config import RunConfig
from mnist_core.store import RunStore

if TYPE_CHECKING:
    from playwright.sync_api import Page

WATCHERS = 3
LOOK_SECONDS = 0.02

CONFIG = RunConfig.parse(
    {
        "architecture": {"hidden_units": [512, 256]},
        "training": {"epochs": 12, "precision": "float32"},
        "data": {"subset": 30_000},
    }
)
"""Epochs of about a second, as in a lesson."""

POINTS = "[...document.querySelectorAll('.live-chart')].some(c => (c.data ?? []).some(t => t.x?.length > 0))"
EPOCHS_SEEN = "n => (document.querySelector('.live-chart')?.data?.[0].x.length ?? 0) >= n"


def main() -> None:
    options = arguments(__doc__)
    alone, watched, clicks, delays, shares = [], [], [], [], []
    reporting = reported(options.repeats)
    with served() as lab, visitors() as newcomer:
        wait_until_warm(lab)
        web = psutil.Process(lab.process.pid)
        images_per_second(lab, [])  # compiles, and does not count
        for round_ in range(options.repeats):
            say(f"round {round_ + 1} of {options.repeats}")
            alone.append(images_per_second(lab, []))
            pages = [newcomer() for _ in range(WATCHERS)]
            before, began = sum(web.cpu_times()[:2]), time.perf_counter()
            watched.append(images_per_second(lab, pages))
            used = sum(web.cpu_times()[:2]) - before
            shares.append(used / (psutil.cpu_count() * (time.perf_counter() - began)))
            delays += epoch_to_curve(lab, pages[0])
            clicks.append(click_to_first_point(lab, pages[0]))
            for page in pages:
                page.context.close()
    finish(document(alone, watched, delays, clicks, shares) | {"reporting_ratio": reporting}, options.json)


def document(
    alone: list[float], watched: list[float], delays: list[float], clicks: list[float], shares: list[float]
) -> dict[str, float]:
    """``web_process_share`` is the part of the whole machine that the web process takes for the watchers' pages: what
    they cost where browsers run on machines of their own. The ratio counts the browsers too, which run here.
    """
    return {
        "throughput_ratio": median(with_ / without for with_, without in zip(watched, alone, strict=True)),
        "epoch_to_curve_p95_seconds": p95(delays),
        "click_to_first_point_seconds": median(clicks),
        "images_per_second_unwatched": median(alone),
        "web_process_share": median(shares),
    }


def reported(repeats: int) -> float:
    """Throughput of a training that tells all to a store, over that of one that tells nobody; interleaved, medians.

    Both train in this process as a worker does, with nothing else on the machine.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mnist_core.data import mnist
    from mnist_core.engine.recorder import Recorder
    from mnist_core.training.fit import Trainer
    from mnist_core.training.metrics import MetricsCallback
    from mnist_core.training.programs import Programs

    programs, ratios = Programs(mnist.load("train")), []

    def seconds(callbacks: Callable[[], list]) -> float:
        trainer, callbacks = Trainer(CONFIG, programs), callbacks()
        began = time.perf_counter()
        trainer.fit(callbacks)
        return time.perf_counter() - began

    with tempfile.TemporaryDirectory() as home:
        store = RunStore(f"sqlite:///{home}/runs.sqlite")

        def recording() -> list:
            sink, run = {}, store.start(store.create(CONFIG), "benchmark", "CPU")
            return [MetricsCallback(sink), Recorder(store, run.id, sink, run.holder)]

        seconds(recording)  # compiles, and does not count
        for _ in range(repeats):
            alone = seconds(list)
            ratios.append(alone / seconds(recording))
            say(f"reporting: {ratios[-1]:.3f}")
    return median(ratios)


def images_per_second(lab: Served, pages: list[Page]) -> float:
    """Of a whole run with these pages on it, from its start to its end: callbacks, store and validation included."""
    run_id = lab.store.create(CONFIG)
    for page in pages:
        page.goto(f"{lab.url}/Train?run={run_id}", wait_until="commit")
    finished(lab, run_id)
    run = lab.store.get(run_id)
    return CONFIG.training_images * CONFIG.training.epochs / (run.ended - run.started)


def epoch_to_curve(lab: Served, page: Page) -> list[float]:
    """Seconds from an epoch's standing in the store to its point in the browser, for every epoch but the first.

    The worker writes an epoch when it ends; the store is asked every few milliseconds for when that was.
    """
    run_id = lab.store.create(CONFIG)
    ended: dict[int, float] = {}

    def watch() -> None:
        while len(ended) < CONFIG.training.epochs:
            for row in lab.store.epochs(run_id, after=len(ended)):
                ended[row["epoch"]] = time.perf_counter()
            time.sleep(LOOK_SECONDS)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    page.goto(f"{lab.url}/Train?run={run_id}")
    seen = {}
    for epoch in range(1, CONFIG.training.epochs + 1):
        page.wait_for_function(EPOCHS_SEEN, arg=epoch, timeout=120_000)
        seen[epoch] = time.perf_counter()
    watcher.join()
    finished(lab, run_id)
    return [seen[epoch] - ended[epoch] for epoch in seen if epoch > 1]


def click_to_first_point(lab: Served, page: Page) -> float:
    """Seconds, on a warm worker."""
    page.goto(f"{lab.url}/Train")
    page.get_by_text("Learning rate by step").wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    began = time.perf_counter()
    page.get_by_text("Batch by batch").wait_for()
    page.wait_for_function(POINTS, timeout=60_000)
    seconds = time.perf_counter() - began
    page.get_by_role("button", name="See where it errs").wait_for(timeout=120_000)
    return seconds


def finished(lab: Served, run_id: str) -> None:
    while lab.store.get(run_id).active:
        time.sleep(0.1)


if __name__ == "__main__":
    main()
