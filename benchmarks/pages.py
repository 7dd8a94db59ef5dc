"""First page after the server is up, switching between pages, and the memory of the web process."""

from __future__ import annotations

import time
from statistics import median

import psutil

from benchmarks.report import arguments, finish, p95, say
from benchmarks.served import served, visitor, wait_until_warm
from mnist_core.recipes import recipe

MENU = {
    "Home": "Latest runs",
    "Data": "Shapes and types",
    "Train": "Recipe to start from",
    "Evaluate": "Inside the network",
    "Draw": "What the network sees",
    "Runs": "Click a heading to sort",
    "Compare": "Choose 2 to 12 runs above",
    "Explore": "Begin with a question",
    "Robustness": "Accuracy under each corruption",
    "Health": "Latest warnings of engine and workers",
}
"""Pages by the words of the menu, and what stands at the end of each: when that is there, it is drawn."""


def main() -> None:
    options = arguments(__doc__)
    firsts, memories, switches, after_all = [], [], [], []
    for round_ in range(options.repeats):
        say(f"server {round_ + 1} of {options.repeats}")
        with served() as lab, visitor() as page:
            began = time.perf_counter()
            page.goto(lab.url)
            page.get_by_text("Latest runs").wait_for()
            firsts.append(time.perf_counter() - began)
            web = psutil.Process(lab.process.pid)
            memories.append(web.memory_info().rss / 1e6)
            train_quickly(lab)
            for name in [*MENU, *MENU]:
                page.get_by_role("link", name=name, exact=True).click()
                began = time.perf_counter()
                end = "Nothing to read yet" if name == "Draw" else MENU[name]
                # Looks at every frame; a locator looks again after up to half a second.
                page.wait_for_function("text => document.body.innerText.includes(text)", arg=end)
                switches.append(time.perf_counter() - began)
            after_all.append(web.memory_info().rss / 1e6)
    finish(document(firsts, switches, memories, after_all), options.json)


def document(
    firsts: list[float], switches: list[float], memories: list[float], after_all: list[float]
) -> dict[str, float]:
    return {
        "first_page_seconds": median(firsts),
        "page_switch_p95_seconds": p95(switches),
        "web_process_mb": median(memories),
        "web_process_mb_after_all_pages": median(after_all),
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
