"""Takes the documents' pictures from the running dashboard: ``python -m tools.pictures``."""

from __future__ import annotations

import re
import time
from pathlib import Path

from benchmarks.served import draw_stroke, served, visitor, wait_until_warm
from mnist_core.recipes import recipe

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
SEVEN = [[(90, 80), (225, 85), (150, 265)], [(120, 170), (215, 170)]]
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
TALL = {"width": 1280, "height": 1300}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with served() as lab:
        wait_until_warm(lab)
        config = recipe("mlp-100-64-32").config.replace({"optimizer.learning_rate": 0.05})
        run_id = lab.store.create(config, name="MLP 100-64-32")
        with visitor() as page:
            page.set_viewport_size(WIDE)
            page.goto(f"{lab.url}/Train?run={run_id}")
            page.get_by_text(re.compile(r"Epoch [1-4]\d of")).wait_for(timeout=120_000)
            take(page, "train")
        while lab.store.get(run_id).active:
            time.sleep(0.2)
        for dark in (False, True):
            with visitor(dark=dark) as page:
                page.set_viewport_size(WIDE)
                page.goto(f"{lab.url}/Evaluate?run={run_id}")
                page.get_by_text("Is it as good as it thinks?").wait_for()
                page.get_by_text("true label").wait_for()
                take(page, "evaluate-dark" if dark else "evaluate")
                draw(page, lab.url, run_id)
                take(page, "draw-dark" if dark else "draw")
        with visitor(phone=True) as page:
            page.set_viewport_size(PHONE)
            draw(page, lab.url, run_id)
            take(page, "draw-phone")
        with visitor() as page:
            page.set_viewport_size(TALL)
            why(page, lab.url)
            take(page, "why")
            page.set_viewport_size(WIDE)
            page.goto(f"{lab.url}/Robustness?run=flagship")
            page.get_by_role("combobox", name="How").click()
            page.get_by_role("option", name="fog").click()
            page.get_by_text("Clouds over everything").wait_for()
            take(page, "robustness")
            page.goto(f"{lab.url}/Explore?question=learning-rate")
            page.get_by_role("button", name="Find out").first.click()
            page.get_by_text("finished after").wait_for(timeout=180_000)
            take(page, "explore")


def why(page, url: str) -> None:
    """What of a seven speaks for it."""
    draw(page, url, "flagship")
    page.get_by_text("Why this digit?").click()
    page.get_by_role("radio", name="Saliency").click()
    page.get_by_text("Orange").first.wait_for()


def draw(page, url: str, run_id: str) -> None:
    page.goto(f"{url}/Draw?run={run_id}")
    page.locator("canvas.upper-canvas").wait_for()
    for stroke in SEVEN:
        draw_stroke(page, stroke)
    page.locator(".bars").first.wait_for()
    page.mouse.move(5, 5)


def take(page, name: str) -> None:
    # Streamlit fades elements in after it has drawn them; nothing says when it has done.
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
