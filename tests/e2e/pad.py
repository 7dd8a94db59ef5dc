"""Drawing and reading, as a visitor does it: strokes with mouse and finger, and the answers they get."""

import base64
import io
import re

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.helpers import eventually

SECONDS = 60
"""How long anything may take to be seen: two cores may be busy with a training and other tests."""


class Pad:
    """The part of a visitor's window that is drawn on and read. The rest is in ``Lab``."""

    def answers(self, count=1):
        """What so many networks read, from left to right: ``(digit, probability)`` of each."""
        bars = self.page.get_by_role("img", name=re.compile("^Probabilities"))
        expect(bars).to_have_count(count)
        self.rest()
        said = [bar.get_attribute("aria-label") for bar in bars.all()]
        found = [re.search(r"most likely (\d) with ([\d.]+)%", words) for words in said]
        return [(int(match[1]), float(match[2]) / 100) for match in found]

    def answer_is(self, digit):
        """Waits until the first network reads this digit."""
        bars = self.page.get_by_role("img", name=re.compile(f"^Probabilities: most likely {digit} "))
        expect(bars.first).to_be_visible()

    def answers_nothing(self):
        """Waits until no network says anything, and the page says what to do."""
        expect(self.page.get_by_role("img", name=re.compile("^Probabilities"))).to_have_count(0)
        self.sees(re.compile("here appears what the network", re.IGNORECASE))

    @property
    def canvas(self):
        return self.page.locator("canvas.upper-canvas")

    def draw(self, *points):
        """One stroke with the mouse, along points in pixels of the canvas; waits until it has been read."""
        before = self.seen_source()
        self.stroke(*points)
        self.wait_for_another_picture(before)

    def stroke(self, *points):
        """One stroke with the mouse, without waiting."""
        self.canvas.scroll_into_view_if_needed()
        self.canvas.hover()
        corner = self.canvas.bounding_box()
        self._drag(*((corner["x"] + x, corner["y"] + y) for x, y in points))

    def wait_for_another_picture(self, before):
        """Waits until what the network sees is another picture than ``before``."""
        if before is None:
            expect(self._seen).to_be_visible()
        else:
            expect(self._seen).not_to_have_attribute("src", before)
        self.rest()

    @property
    def _seen(self):
        return self.page.get_by_role("img", name="Your digit as 28 by 28 pixels")

    def seen_source(self):
        """Of the picture that the network sees; ``None`` where there is none, at one look: it may go meanwhile."""
        return self._seen.evaluate_all("pictures => pictures[0]?.getAttribute('src') ?? null")

    def seen(self):
        """The picture that the network sees, uint8 (28, 28)."""
        data = base64.b64decode(self._seen.get_attribute("src").split(",")[1])
        return np.asarray(Image.open(io.BytesIO(data)).convert("L"))

    def upload(self, file):
        """Chooses a file for the page to read."""
        self.page.locator("input[type=file]").set_input_files(file)

    def undo(self):
        """Takes back a stroke, and waits until that has been read."""
        before = self.seen_source()
        self.click("Undo")
        self.wait_for_another_picture(before)

    def lies_on_top(self, x, y):
        """The kind of element that a click on this pixel of the canvas meets."""
        corner = self.canvas.bounding_box()
        return self.page.evaluate(
            """([x, y]) => {
                let element = document.elementFromPoint(x, y);
                while (element?.shadowRoot) element = element.shadowRoot.elementFromPoint(x, y);
                return element?.tagName;
            }""",
            [corner["x"] + x, corner["y"] + y],
        )

    def touch(self, *points):
        """One stroke with a finger, along points in pixels of the canvas."""
        self.canvas.scroll_into_view_if_needed()
        corner = self.canvas.bounding_box()
        finger = self.context.new_cdp_session(self.page)
        for kind, (x, y) in (("touchStart", points[0]), *(("touchMove", point) for point in points[1:])):
            touches = [{"x": corner["x"] + x, "y": corner["y"] + y}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def write(self, *points):
        """One stroke with a pen that the screen knows as one, along points in pixels of the canvas."""
        self.canvas.scroll_into_view_if_needed()
        corner = self.canvas.bounding_box()
        pen = self.context.new_cdp_session(self.page)
        kinds = ["mousePressed", *("mouseMoved" for _ in points[1:]), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            place = {"x": corner["x"] + x, "y": corner["y"] + y}
            held = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
            pen.send("Input.dispatchMouseEvent", {"type": kind, "pointerType": "pen", **place, **held})

    def ink(self):
        """How many pixels of the canvas are white, as it stands on the screen."""
        return self.page.locator("canvas.lower-canvas").evaluate_all(
            """layers => layers.map(layer => {
                const {data} = layer.getContext("2d").getImageData(0, 0, layer.width, layer.height);
                let white = 0;
                for (let i = 0; i < data.length; i += 4) white += data[i] > 127 && data[i + 3] > 127;
                return white;
            }).reduce((all, white) => all + white, 0)"""
        )

    def ink_is(self, pixels):
        """Waits until about so many pixels of the canvas are white."""
        eventually(lambda: abs(self.ink() - pixels) <= 0.02 * pixels, SECONDS)
