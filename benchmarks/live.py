"""From the click on Train to the first point of a curve in the browser, on a warm worker."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.report import arguments, finish, say
from benchmarks.served import served, visitor, wait_until_warm

POINTS = "[...document.querySelectorAll('.live-chart')].some(c => (c.data ?? []).some(t => t.x?.length > 0))"


def main() -> None:
    options = arguments(__doc__)
    seconds = []
    with served() as lab, visitor() as page:
        wait_until_warm(lab)
        for round_ in range(options.repeats):
            say(f"run {round_ + 1} of {options.repeats}")
            page.goto(f"{lab.url}/Train")
            page.get_by_text("Learning rate by step").wait_for()
            page.get_by_role("button", name="Train", exact=True).click()
            began = time.perf_counter()
            page.get_by_text("Batch by batch").wait_for()
            page.wait_for_function(POINTS, timeout=60_000)
            seconds.append(time.perf_counter() - began)
            page.get_by_role("button", name="See where it errs").wait_for(timeout=60_000)
    finish({"click_to_first_point_seconds": median(seconds), "seconds": [round(s, 2) for s in seconds]}, options.json)


if __name__ == "__main__":
    main()
