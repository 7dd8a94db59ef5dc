"""A class at once: visitors over real websockets, half watching a run and half drawing, while training goes on."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence
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
    {"architecture": {"hidden_units": [512, 256]}, "training": {"epochs": 500, "precision": "float32"}}
)
"""Longer than anybody watches."""


def main() -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--visitors", type=int, default=40, help="how many (40)")
        parser.add_argument("--minutes", type=float, default=5.0, help="how long they stay (5)")
        help_after = f"seconds after the last has left until memory is looked at once more ({AFTER_SECONDS:.0f})"
        parser.add_argument("--after", type=float, default=AFTER_SECONDS, help=help_after)

    options = arguments(__doc__, add=add)
    with served() as lab:
        wait_until_warm(lab)
        finish(measure(lab, options.visitors, options.minutes, options.after), options.json)


def measure(lab: Served, visitors: int, minutes: float, after: float = 0.0) -> dict[str, Any]:
    """Everything, with a training of its own, which is stopped in the end."""
    run_id = lab.store.create(CONFIG, "watched by a class")
    while not lab.store.batches(run_id):
        time.sleep(0.1)
    web = psutil.Process(lab.process.pid)
    try:
        return asyncio.run(_class(lab.url, web, run_id, visitors, minutes, after))
    finally:
        lab.store.ask(run_id, "stop")


async def _class(
    url: str, web: psutil.Process, run_id: str, visitors: int, minutes: float, after: float
) -> dict[str, Any]:
    digits = mnist.load("test").images
    errors: list[str] = []
    # The first of each kind loads what all later ones share, and does not count.
    for page, query in (("Train", f"run={run_id}"), ("Draw", f"run={FLAGSHIP}")):
        first = await arrive(url, page, query)
        if page == "Draw":
            await first.draw(digits[0])
        await first.connection.close()
    before, used = web.memory_info().rss, sum(web.cpu_times()[:2])
    pages: list[float] = []
    drawings: list[float] = []
    end = time.monotonic() + 60 * minutes + visitors * APART_SECONDS
    stays = []
    for number in range(visitors):
        staying = (
            _watch(url, run_id, end, pages, errors)
            if number % 2 == 0
            else _draw(url, digits[number::visitors], end, drawings, errors)
        )
        stays.append(asyncio.create_task(staying))
        await asyncio.sleep(APART_SECONDS)
    most, *_ = await asyncio.gather(_peak(web, end), *stays)
    used = sum(web.cpu_times()[:2]) - used
    await asyncio.sleep(after)
    for error, count in Counter(errors).most_common(5):
        say(f"{count} x {error}")
    left = web.memory_info().rss - before
    return document(visitors, minutes, pages, drawings, len(errors), most - before, left, used)


def document(
    visitors: int,
    minutes: float,
    pages: Sequence[float],
    drawings: Sequence[float],
    errors: int,
    growth: int,
    left: int,
    used: float,
) -> dict[str, Any]:
    """What was found, for JSON.

    Args:
        pages, drawings: how long each took to arrive, in milliseconds.
        growth: of the web process in bytes, and what is ``left`` of it in the end.
        used: processor seconds of the web process; what an answer costs, however busy the machine is with other things.
    """
    return {
        "visitors": visitors,
        "minutes": minutes,
        "page_p95_ms": p95(pages),
        "draw_p95_ms": p95(drawings),
        "errors": errors,
        "mb_per_visitor": growth / 1e6 / visitors,
        "page_updates": len(pages),
        "drawings": len(drawings),
        "mb_after_they_left": left / 1e6,
        "web_cpu_ms_each": 1000 * used / (len(pages) + len(drawings)),
    }


async def _watch(url: str, run_id: str, end: float, pages: list[float], errors: list[str]) -> None:
    """Looks at the run's page once at least, whose fragments ask to be run anew at their own pace."""
    visitor = await _enter(url, "Train", f"run={run_id}", errors)
    if visitor is None:
        return
    due = {fragment: time.monotonic() + seconds for fragment, seconds in visitor.timers.items()}
    try:
        while due:
            fragment = min(due, key=due.get)
            await asyncio.sleep(max(0.0, due[fragment] - time.monotonic()))
            pages.append(await visitor.run(fragment))
            now = time.monotonic()
            due = {known: due.get(known, now) for known in visitor.timers}
            if fragment in due:
                due[fragment] = now + visitor.timers[fragment]
            if now >= end:
                break
    except Exception as error:
        # Whatever goes wrong for a visitor is what is counted here.
        errors.append(f"{type(error).__name__}: {error}")
    await _leave(visitor, errors)


async def _draw(url: str, digits: np.ndarray, end: float, drawings: list[float], errors: list[str]) -> None:
    """Draws digit after digit, one at least, with time to look at each answer."""
    visitor = await _enter(url, "Draw", f"run={FLAGSHIP}", errors)
    if visitor is None:
        return
    try:
        for digit in digits:
            drawings.append(await visitor.draw(digit))
            if time.monotonic() >= end:
                break
            await asyncio.sleep(THINK_SECONDS)
    except Exception as error:
        # The same.
        errors.append(f"{type(error).__name__}: {error}")
    await _leave(visitor, errors)


async def _enter(url: str, page: str, query: str, errors: list[str]) -> Visitor | None:
    try:
        return await arrive(url, page, query)
    except Exception as error:
        # The same.
        errors.append(f"{type(error).__name__}: {error}")
        return None


async def _leave(visitor: Visitor, errors: list[str]) -> None:
    errors += visitor.errors
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
