"""First page after the server is up, switching between pages, and the memory of the web process after each of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median

import psutil

from benchmarks.explore import searched
from benchmarks.report import arguments, finish, p95, say
from benchmarks.served import draw_stroke, served, visitor, wait_until_warm
from mnist_core.recipes import recipe
from mnist_core.store.sweeps import SweepStore

MENU = {
    "Home": "Latest runs",
    "Data": "Shapes and types",
    "Train": "Recipe to start from",
    "Evaluate": "Inside the network",
    "Draw": "What the network sees",
    "Runs": "Click a heading to sort",
    "Compare": "Choose 2 to 12 runs above",
    "Explore": "Each takes some seconds to half a minute on two cores",
    "Robustness": "Accuracy under each corruption",
    "Health": "Latest warnings of engine and workers",
}
"""Pages by the words of the menu, and what stands at the end of each: when that is there, it is drawn."""

NOTHING_DRAWN = "Nothing to read yet"
ONE = [(150, 60), (160, 150), (155, 260)]
"""A stroke on the canvas."""

TIMED, TIMES = 2, 10
"""How often every page is visited: until its switches have been timed, and until memory must have stopped growing."""

FIRST, DRAWING, SWEEP = "the first page", "a drawing", "a sweep's pictures"

Memory = tuple[float, float]
"""Of a process, in MB: resident, and private. Code that is read from a library's file is resident but not private, for
the system can drop it and read it again, and shares it among all processes that use the library."""


def main() -> None:
    options = arguments(__doc__)
    firsts, switches, walks = [], [], []
    for round_ in range(options.repeats):
        say(f"server {round_ + 1} of {options.repeats}")
        with served() as lab, visitor() as page:
            began = time.perf_counter()
            page.goto(lab.url)
            page.get_by_text("Latest runs").wait_for()
            firsts.append(time.perf_counter() - began)
            web = psutil.Process(lab.process.pid)
            walk = {FIRST: memory(web)}
            train_quickly(lab)
            for time_ in range(1, TIMES + 1):
                for name in MENU:
                    seconds = switch(page, name)
                    if time_ <= TIMED:
                        switches.append(seconds)
                    if time_ == 1:
                        walk[name] = memory(web)
                walk[every_page(time_)] = memory(web)
            switch(page, "Draw")
            draw_stroke(page, ONE)
            page.wait_for_function("text => !document.body.innerText.includes(text)", arg=NOTHING_DRAWN)
            walk[DRAWING] = memory(web)
            sweep_id = searched(lab.store, SweepStore(lab.store.database), 500)
            page.goto(f"{lab.url}/Explore?sweep={sweep_id}")
            page.get_by_text("All 500 trials").wait_for()
            walk[SWEEP] = memory(web)
            walks.append(walk)
    finish(document(firsts, switches, walks), options.json)


def every_page(times: int) -> str:
    return f"every page, {times} times"


def switch(page, name: str) -> float:
    """Goes to another page; gives the seconds until the end of it is there."""
    page.get_by_role("link", name=name, exact=True).click()
    began = time.perf_counter()
    # Looks at every frame; a locator looks again after up to half a second.
    end = NOTHING_DRAWN if name == "Draw" else MENU[name]
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=end)
    return time.perf_counter() - began


def memory(web: psutil.Process) -> Memory:
    info = web.memory_full_info()
    return info.rss / 1e6, info.uss / 1e6


def document(firsts: Sequence[float], switches: Sequence[float], walks: Sequence[Mapping[str, Memory]]) -> dict:
    """``walks``: of each server, its memory after each thing that was done, one after the other."""
    rss, private = ({step: median(walk[step][kind] for walk in walks) for step in walks[0]} for kind in (0, 1))
    after, last = every_page(TIMED), every_page(TIMES)
    return {
        "first_page_seconds": median(firsts),
        "page_switch_p95_seconds": p95(switches),
        "web_process_mb": rss[FIRST],
        "web_process_mb_after_all_pages": rss[after],
        "web_process_mb_after_ten_times": rss[last],
        "web_process_private_mb": private[FIRST],
        "web_process_private_mb_after_all_pages": private[after],
        "web_process_private_mb_after_ten_times": private[last],
        "mb_after_each": {step: [round(rss[step], 1), round(private[step], 1)] for step in rss},
    }


def train_quickly(lab) -> None:
    """Evaluate and Draw need a network."""
    wait_until_warm(lab)
    config = recipe("quick").config.replace({"training.epochs": 1})
    run_id = lab.store.create(config)
    while lab.store.get(run_id).active:
        time.sleep(0.1)


if __name__ == "__main__":
    main()
