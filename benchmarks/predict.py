"""How soon the flagship answers while a run trains: through the engine, and from stroke to answer in the browser."""

from __future__ import annotations

import time

from benchmarks.report import arguments, finish, p95, say
from benchmarks.served import draw_stroke, served, visitor, wait_until_warm
from mnist_core.data import mnist
from mnist_core.recipes import recipe
from mnist_core.store.shipped import FLAGSHIP

STROKES = [[(90 + 4 * i, 70), (200, 80 + 3 * i), (150 - 3 * i, 250)] for i in range(10)]
"""More than a session keeps answers of (``ui/answer.py``), so that each is asked for."""


def main() -> None:
    options = arguments(__doc__, repeats=20)
    images = mnist.load("test").images
    with served() as lab, visitor() as page:
        wait_until_warm(lab)
        busy = lab.store.create(recipe("cnn-32-64-64").config)
        while not lab.store.batches(busy):
            time.sleep(0.1)
        engine = []
        for i in range(10 * options.repeats):
            began = time.perf_counter()
            lab.engine.predict(FLAGSHIP, images[i : i + 1])
            engine.append(1000 * (time.perf_counter() - began))
        say("drawing in the browser")
        page.goto(f"{lab.url}/Draw?run={FLAGSHIP}")
        strokes = [stroke_to_answer(page, i) for i in range(options.repeats)]
        still_training = lab.store.get(busy).status == "running"
        lab.store.ask(busy, "stop")
    finish(document(engine[1:], strokes) | {"training_went_on": still_training}, options.json)


def document(engine: list[float], strokes: list[float]) -> dict[str, float]:
    return {"engine_p95_ms_while_training": p95(engine), "stroke_to_answer_p95_ms": p95(strokes)}


def stroke_to_answer(page, i: int) -> float:
    """Milliseconds from the mouse's release to bars that were not there before."""
    page.locator("canvas.upper-canvas").wait_for()
    draw_stroke(page, STROKES[i % len(STROKES)])
    began = time.perf_counter()
    # Looks at every frame; a locator looks again after up to half a second.
    page.wait_for_function("document.querySelector('.bars') !== null")
    taken = 1000 * (time.perf_counter() - began)
    page.get_by_role("button", name="Clear", exact=True).click()
    page.locator(".bars").first.wait_for(state="detached")
    page.get_by_role("button", name="Clear", exact=True).and_(page.locator(":disabled")).wait_for()
    return taken


if __name__ == "__main__":
    main()
