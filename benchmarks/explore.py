"""Sweeps and comparisons: 40 trials from the click, TPE against random search, large pages; or the questions."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from typing import Any

import numpy as np
import psutil

from benchmarks.report import arguments, finish, p95, say
from benchmarks.served import served, visitor, wait_until_warm
from mnist_core.config import RunConfig
from mnist_core.explore import pictures
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.questions import QUESTIONS
from mnist_core.explore.size import UNITS
from mnist_core.explore.space import Dimension, shown
from mnist_core.store import RunStore
from mnist_core.store.sweeps import SweepStore

SMALL = {"architecture": {"hidden_units": [64]}, "data": {"subset": 10_000}, "training": {"epochs": 3}}
RATE = "optimizer.learning_rate=log:1e-5..1"
THREE = (RATE, f"{UNITS}=log:16..256", "architecture.dropout=0..0.5")
SEEDS_OF_CHANCE = 2
"""Of the long search by chance, whose best is partly luck as well."""
COMPARED = "twelfth"
"""In the names of the runs that are compared."""

GIVEN_UP = 0.65
"""Final accuracy below which a pruner has given the trial up: a third of those that are made here."""

ROUNDS = 5
"""Comparisons, after one that does not count."""

CLICKED = """() => addEventListener("click", () => window.clicked = performance.now(), {capture: true, once: true})"""
"""Notes when the browser has the next click: Playwright itself takes some hundredths of a second to find a button."""

HEADED = "document.querySelector('h1')?.textContent.includes('Compare') && performance.now()"
"""When the page's heading is there."""

DRAWN = """least => {
    const charts = [...document.querySelectorAll(".live-chart:has(.main-svg)")].map(chart => chart.ariaLabel);
    const expected = [/of 12 runs/, /^Test accuracies/, /^Difference/].slice(0, least);
    const curves = document.querySelector('.live-chart[aria-label$="of 12 runs."]');
    return expected.every(name => charts.some(chart => name.test(chart))) && curves.data.length === 12
        && document.body.textContent.includes("Two of them, image by image") && performance.now();
}"""
"""When the page of a comparison has its words and so many of its charts, from the top, with a curve for each run, in
milliseconds since the tab loaded this page or, by a click, the one before. It is looked at with every frame; a locator
looks again after up to half a second.
"""


SHOWN = """name => [...document.querySelectorAll(".live-chart:has(.main-svg)")].some(
    chart => chart.ariaLabel.startsWith(name)
)"""
"""Whether the picture of this name is drawn."""


def main() -> None:
    parts = {"trials": trials, "comparison": twelve_runs, "sweep": large_sweep}

    def add(parser):
        parser.add_argument("--only", choices=parts, help="one part alone")
        parser.add_argument(
            "--questions", nargs="*", metavar="NAME",
            help="instead, these ready-made questions, or all of them, each from its first trial to its last",
        )  # fmt: skip

    options = arguments(__doc__, 1, add)
    if options.questions is not None:
        with served() as lab:
            wait_until_warm(lab)
            finish({name: answered(lab, name) for name in options.questions or QUESTIONS}, options.json)
        return
    result = {}
    with served() as lab, visitor() as page:
        page.goto(f"{lab.url}/Explore")
        wait_until_warm(lab)
        for name, part in parts.items():
            if options.only in (None, name):
                result |= part(lab, page, options.repeats)
    finish(result, options.json)


def design(*over: str, **search) -> Design:
    return Design(RunConfig.parse(SMALL), tuple(map(Dimension.parse, over)), make_search(search)).check()


def answered(lab, name: str) -> dict[str, Any]:
    """A question as one click starts it, in full: how long it takes, and what each of its trials came to.

    The seconds of processor time are of engine and workers together; a busy machine changes them little.
    """
    sweeps = SweepStore(lab.store.database)
    before = processor_seconds(lab)
    spent = dict(before)
    began = time.perf_counter()
    sweep_id = sweeps.create(QUESTIONS[name].design, name, name)
    while sweeps.get(sweep_id).active:
        spent |= processor_seconds(lab)
        time.sleep(0.2)
    seconds = time.perf_counter() - began
    trials = sweeps.trials(sweep_id)
    work = sum(now - before.get(pid, 0.0) for pid, now in (spent | processor_seconds(lab)).items())
    say(f"{name}: {len(trials)} trials in {seconds:.1f} s, {work:.1f} s of processor time")
    values = {shown(trial.params): trial.value for trial in trials}
    return {"seconds": seconds, "processor_seconds": work, "trials": len(trials), "values": values}


def processor_seconds(lab) -> dict[int, float]:
    """Of the engine and each of its workers since they began, by process."""
    engine = psutil.Process(lab.engine.ensure().pid)
    found = {}
    for process in (engine, *engine.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


def trials(lab, page, repeats: int) -> dict[str, Any]:
    found = forty_trials(lab, page)
    return found | sampler_against_chance(lab, repeats) if repeats > 1 else found


def forty_trials(lab, page) -> dict[str, float]:
    """From the click on the page to the last trial, and how far apart the page's updates were meanwhile."""
    page.goto(f"{lab.url}/Explore{Lesson(design=design(RATE, trials=40)).link()}")
    button = page.get_by_role("button", name="Start the sweep")
    button.wait_for()
    began = time.perf_counter()
    button.click()
    page.get_by_text("of 40 trials").wait_for()
    seen, gaps, sweeps = "", [], SweepStore(lab.store.database)
    moment = time.perf_counter()
    while sweeps.list()[0].active:
        shown = page.get_by_text("of 40 trials").first.inner_text()
        if shown != seen:
            gaps.append(time.perf_counter() - moment)
            seen, moment = shown, time.perf_counter()
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    say(f"40 trials: {seconds:.1f} s")
    return {"forty_trials_seconds": seconds, "page_update_gap_p95_seconds": p95(gaps or [seconds])}


def sampler_against_chance(lab, repeats: int) -> dict[str, Any]:
    """Best held-out accuracy of 30 trials of TPE, from so many seeds, and of 200 drawn by chance, from a few.

    It takes minutes, so that it is measured only with ``--repeats`` above 1.
    """
    tpe = [best(lab, trials=30, seed=seed) for seed in range(repeats)]
    chance = [best(lab, trials=200, sampler="random", seed=seed) for seed in range(SEEDS_OF_CHANCE)]
    say(f"TPE {tpe}, chance {chance}")
    return {
        "tpe_30_best_accuracy": float(np.median(tpe)), "tpe_30_all": tpe,
        "random_200_best_accuracy": float(np.median(chance)), "random_200_all": chance,
    }  # fmt: skip


def best(lab, **search) -> float:
    sweeps = SweepStore(lab.store.database)
    sweep_id = sweeps.create(design(*THREE, **search))
    while sweeps.get(sweep_id).active:
        lab.engine.ensure()
        time.sleep(0.5)
    return max(trial.value for trial in sweeps.trials(sweep_id) if trial.value is not None)


def twelve_runs(lab, page, repeats: int) -> dict[str, float]:
    """The comparison of 12 runs of 50 epochs, the web server being warm: from the click on the Runs page, as soon as it
    can be clicked, and by a link in a new window, from the address and from the page's heading on.
    """
    ids = ",".join(finished_run(lab.store, number) for number in range(12))
    rounds = []
    for _ in range(1 + max(ROUNDS, repeats)):
        page.goto(f"{lab.url}/Runs")
        choose_all(page, COMPARED)
        button = page.get_by_role("button", name="Compare these 12")
        button.wait_for()
        page.evaluate(CLICKED)
        button.click()
        moments = drawn(page)
        clicked = page.evaluate("window.clicked")
        seconds = {f"click_{name}": (moment - clicked) / 1000 for name, moment in moments.items()}
        with page.context.new_page() as window:
            window.goto(f"{lab.url}/Compare?runs={ids}", wait_until="commit")
            heading = window.wait_for_function(HEADED).json_value()
            for name, moment in drawn(window).items():
                seconds |= {f"link_{name}": (moment - heading) / 1000, f"address_{name}": moment / 1000}
        rounds.append(seconds)
        say(str(seconds))
    return {f"compare_12_by_{way}_seconds": float(np.median([one[way] for one in rounds[1:]])) for way in rounds[0]}


def drawn(page) -> dict[str, float]:
    """When a comparison has its words and its curves, which is what one sees of it, and when its other charts too: by
    the page's own clock, in milliseconds.
    """
    return {
        name: page.wait_for_function(DRAWN, arg=charts).json_value() for name, charts in (("seen", 1), ("whole", 3))
    }


def choose_all(page, word: str) -> None:
    """Chooses all runs with this word, by the box at the left of the table's headings, which is painted."""
    page.get_by_text("Click a heading to sort").wait_for()
    page.get_by_label("Filter").fill(word)
    page.get_by_label("Filter").press("Enter")
    page.wait_for_function("document.querySelectorAll('[data-testid=data-grid-canvas] tbody tr').length == 12")
    corner = page.get_by_test_id("data-grid-canvas").bounding_box()
    page.mouse.click(corner["x"] + 16, corner["y"] + 17)


def large_sweep(lab, page, repeats: int) -> dict[str, float]:
    """The page of 500 trials in the browser: from the click on a picture's name until it is drawn, for which the server
    makes all of the page from the store, as for an update; and the page's first chart, from its heading on.
    """
    sweeps = SweepStore(lab.store.database)
    sweep_id = searched(lab.store, sweeps, 500)
    kinds = pictures.available(sweeps.get(sweep_id))
    page.goto(f"{lab.url}/Explore?sweep={sweep_id}")
    page.get_by_role("heading", name="Explore").wait_for()
    began = time.perf_counter()
    page.wait_for_function(SHOWN, arg=pictures.PICTURES[kinds[0]])
    first, seconds = time.perf_counter() - began, {kind: [] for kind in kinds}
    for _ in range(1 + max(ROUNDS, repeats)):
        for kind in (*kinds[1:], kinds[0]):
            page.get_by_label("Picture").click()
            option = page.get_by_role("option", name=pictures.PICTURES[kind])
            option.wait_for()
            began = time.perf_counter()
            option.click()
            page.wait_for_function(SHOWN, arg=pictures.PICTURES[kind])
            seconds[kind].append(time.perf_counter() - began)
    medians = {kind: float(np.median(found[1:])) for kind, found in seconds.items()}
    say(str(medians))
    return {"update_500_trials_seconds": max(medians.values()), "page_500_trials_seconds": first}


def finished_run(store: RunStore, number: int) -> str:
    """A run of 50 epochs as a worker leaves it, its numbers made by a formula: only drawing is measured.

    Each has a learning rate of its own: runs that differ by their seed alone would be drawn as one band.
    """
    rate = 0.001 * (1 + number / 10)
    config = RunConfig.parse({"training": {"epochs": 50}, "optimizer": {"learning_rate": rate}})
    run_id = store.create(config, f"{COMPARED} {number}")
    store.ask(run_id, "stop")
    rows = [
        {"epoch": e, "step": e * 400, "loss": 1 / e, "accuracy": 1 - 0.3 / e, "val_loss": 1.1 / e, "seconds": 0.5}
        | {"val_accuracy": 1 - (0.32 + number / 100) / e, "learning_rate": rate}
        for e in range(1, 51)
    ]
    probabilities = np.random.default_rng(number).dirichlet(np.ones(10), 10_000).astype(np.float32)
    packed = io.BytesIO()
    np.save(packed, probabilities)
    columns = {"status": "finished", "test_accuracy": 0.1, "test_loss": 2.3, "epoch": 50, "ended": time.time()}
    store.record(run_id, columns, epoch_rows=rows, files={"test_probabilities": packed.getvalue()})
    return run_id


def searched(store: RunStore, sweeps: SweepStore, count: int) -> str:
    """A search of so many trials as an engine leaves it: those that began worst were given up after an epoch or two."""
    made = design(*THREE, trials=count, sampler="random", pruner="median")
    sweep_id, reached = sweeps.create(made, f"{count} trials"), []
    sweeps.update(sweep_id, status="finished", ended=time.time(), importances={d.key: 1 / 3 for d in made.space})
    random = np.random.default_rng(0)
    for number in range(count):
        values = {
            "optimizer.learning_rate": float(10 ** random.uniform(-5, 0)),
            UNITS: int(random.integers(16, 256)),
            "architecture.dropout": float(random.uniform(0, 0.5)),
        }
        run_id = sweeps.add_trial(sweep_id, number, values, made.configure(values), f"trial {number}")
        score = float(random.uniform(0.5, 0.95))
        rows = [
            {"epoch": e, "step": e * 80, "loss": 1.0, "accuracy": score, "val_loss": 1.0, "val_accuracy": score * e / 3}
            | {"learning_rate": 0.1, "seconds": 0.1}
            for e in (1, 2, 3)
        ]
        if pruned := score < GIVEN_UP:
            rows = rows[: 1 + number % 2]
        store.record(run_id, {"status": "stopped" if pruned else "finished", "epoch": len(rows)}, epoch_rows=rows)
        reached.append(("pruned" if pruned else "complete", rows[-1]["val_accuracy"], len(rows) / 3))
    for trial, (state, value, seconds) in zip(sweeps.trials(sweep_id), reached, strict=True):
        sweeps.update_trial(trial, state=state, value=value, seconds=seconds)
    return sweep_id


if __name__ == "__main__":
    main()
