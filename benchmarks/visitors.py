"""A class at once: visitors over real websockets, half watching a run and half drawing, while training goes on."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from benchmarks.report import arguments, finish, p95, say
from benchmarks.served import Served, served, wait_until_warm
from benchmarks.visitor import Visitor, arrive
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.store.shipped import FLAGSHIP

THINK_SECONDS = 3.0
"""Between two strokes of one visitor."""

APART_SECONDS = 0.25
"""Between two who come through the door."""

AFTER_SECONDS = 150.0
"""After the last has left, until memory is looked at once more; Streamlit keeps their sessions for two minutes."""

CONFIG = RunConfig.parse(
    {"architecture": {"hidden_units": [1024, 512]}, "training": {"epochs": 500, "precision": "float32"}}
)
"""Longer than anybody watches: in the sixteen minutes of two classes a fast host trains half as wide a one to its
end."""


@dataclass
class Met:
    """What a class has met: how long each of these took to come, in milliseconds, and what went wrong.

    Attributes:
        pages: updates of a page that watches.
        answers: from a stroke to its answer; one that never came is among the errors, and not here.
        drawings: from a stroke to the last of the page, with what stands below the answer.
    """

    pages: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    drawings: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def main() -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--visitors", type=int, default=40, help="how many (40)")
        parser.add_argument("--minutes", type=float, default=5.0, help="how long they stay (5)")
        help_after = f"seconds after the last has left until memory is looked at once more ({AFTER_SECONDS:.0f})"
        parser.add_argument("--after", type=float, default=AFTER_SECONDS, help=help_after)
        help_classes = "classes, one after the other has left: does a later one need more memory? (1)"
        parser.add_argument("--classes", type=int, default=1, help=help_classes)

    options = arguments(__doc__, None, add)
    with served() as lab:
        wait_until_warm(lab)
        finish(measure(lab, options.visitors, options.minutes, options.after, options.classes), options.json)


def measure(lab: Served, visitors: int, minutes: float, after: float = 0.0, classes: int = 1) -> dict[str, Any]:
    """Everything, with a training of its own, which is stopped in the end."""
    run_id = lab.store.create(CONFIG, "watched by a class")
    while not lab.store.batches(run_id):
        time.sleep(0.1)
    try:
        return asyncio.run(_classes(lab, run_id, visitors, minutes, after, classes))
    finally:
        lab.store.ask(run_id, "stop")


async def _classes(
    lab: Served, run_id: str, visitors: int, minutes: float, after: float, classes: int
) -> dict[str, Any]:
    digits = mnist.load("test").images
    # The first of each kind loads what all later ones share, and does not count.
    for page, query in (("Train", f"run={run_id}"), ("Draw", f"run={FLAGSHIP}")):
        first = await arrive(lab.url, page, query)
        if page == "Draw":
            await first.draw(digits[0])
        await first.connection.close()
    web = psutil.Process(lab.process.pid)
    before, used, met = web.memory_info().rss, 0.0, Met()
    most, left = [], []
    for _ in range(classes):
        used -= sum(web.cpu_times()[:2])
        most.append(await _class(lab.url, web, run_id, visitors, minutes, met) - before)
        used += sum(web.cpu_times()[:2])
        if not lab.store.get(run_id).active:
            raise RuntimeError("The training that was watched has ended. Let fewer or shorter classes come.")
        await asyncio.sleep(after)
        left.append(web.memory_info().rss - before)
    for error, count in Counter(met.errors).most_common(5):
        say(f"{count} x {error}")
    return document(visitors, minutes, met, most, left, used)


async def _class(url: str, web: psutil.Process, run_id: str, visitors: int, minutes: float, met: Met) -> int:
    """Visitors come, stay and leave; gives the most memory of the web process meanwhile, in bytes."""
    digits = mnist.load("test").images
    end = time.monotonic() + 60 * minutes + visitors * APART_SECONDS
    stays = []
    for number in range(visitors):
        watches = number % 2 == 0
        staying = _watch(url, run_id, end, met) if watches else _draw(url, digits[number::visitors], end, met)
        stays.append(asyncio.create_task(staying))
        await asyncio.sleep(APART_SECONDS)
    most, *_ = await asyncio.gather(_peak(web, end), *stays)
    return most


def document(
    visitors: int, minutes: float, met: Met, most: Sequence[int], left: Sequence[int], used: float
) -> dict[str, Any]:
    """What was found, for JSON.

    Args:
        most: of the web process in bytes at each class's most, over what it had before the first; ``left``: after each.
        used: processor seconds of the web process; what an answer costs, however busy the machine is with other things.
    """
    return {
        "visitors": visitors,
        "minutes": minutes,
        "page_p95_ms": p95(met.pages),
        "draw_p95_ms": p95(met.answers),
        "draw_and_below_p95_ms": p95(met.drawings),
        "errors": len(met.errors),
        "mb_per_visitor": most[0] / 1e6 / visitors,
        "page_updates": len(met.pages),
        "drawings": len(met.drawings),
        "mb_at_most_in_each_class": [size / 1e6 for size in most],
        "mb_after_each_class": [size / 1e6 for size in left],
        "web_cpu_ms_each": 1000 * used / (len(met.pages) + len(met.drawings)),
    }


async def _watch(url: str, run_id: str, end: float, met: Met) -> None:
    """Looks at the run's page once at least, whose fragments ask to be run anew at their own pace."""
    visitor = await _enter(url, "Train", f"run={run_id}", met)
    if visitor is None:
        return
    due = {fragment: time.monotonic() + seconds for fragment, seconds in visitor.timers.items()}
    try:
        while due:
            fragment = min(due, key=due.get)
            await asyncio.sleep(max(0.0, due[fragment] - time.monotonic()))
            met.pages.append(await visitor.run(fragment))
            now = time.monotonic()
            due = {known: due.get(known, now) for known in visitor.timers}
            if fragment in due:
                due[fragment] = now + visitor.timers[fragment]
            if now >= end:
                break
    except Exception as error:
        # Whatever goes wrong for a visitor is what is counted here.
        met.errors.append(f"{type(error).__name__}: {error}")
    await _leave(visitor, met)


async def _draw(url: str, digits: np.ndarray, end: float, met: Met) -> None:
    """Draws digit after digit, one at least, with time to look at each answer."""
    visitor = await _enter(url, "Draw", f"run={FLAGSHIP}", met)
    if visitor is None:
        return
    try:
        for digit in digits:
            answer, whole = await visitor.draw(digit)
            met.drawings.append(whole)
            if answer is not None:
                met.answers.append(answer)
            if time.monotonic() >= end:
                break
            await asyncio.sleep(THINK_SECONDS)
    except Exception as error:
        # The same.
        met.errors.append(f"{type(error).__name__}: {error}")
    await _leave(visitor, met)


async def _enter(url: str, page: str, query: str, met: Met) -> Visitor | None:
    try:
        return await arrive(url, page, query)
    except Exception as error:
        # The same.
        met.errors.append(f"{type(error).__name__}: {error}")
        return None


async def _leave(visitor: Visitor, met: Met) -> None:
    met.errors += visitor.errors
    await visitor.connection.close()


async def _peak(web: psutil.Process, end: float) -> int:
    """The most memory of the web process, in bytes."""
    most = 0
    while time.monotonic() < end:
        most = max(most, web.memory_info().rss)
        await asyncio.sleep(1.0)
    return max(most, web.memory_info().rss)


if __name__ == "__main__":
    main()
