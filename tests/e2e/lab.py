"""The dashboard as its readers use it: verbs for what they do, and questions for what they see.

Everything is found by role and name, as a screen reader finds it, but for what only a picture shows: the
canvas, Plotly's charts and the grid of the table.
"""

import itertools
import math
import re
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import expect

from tests.e2e.charts import Charts
from tests.e2e.pad import SECONDS, Pad

PAGES = ("Home", "Data", "Train", "Evaluate", "Draw", "Runs", "Compare", "Explore", "Robustness", "Health")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
FAILURE = "Something in MNIST Lab went wrong"
KNOWN_NOISE = re.compile(r"/_stcore/(health|host-config)$")
"""Streamlit's browser part asks for these below the page's own address first, which gives a harmless 404."""

PIXELS_A_STEP = 16
"""How far the mouse moves at a time, in strokes and drags."""


class Lab(Pad, Charts):
    """One visitor with one window."""

    def __init__(self, context, url):
        self.context, self.url = context, url
        context.set_default_timeout(SECONDS * 1000)
        self.page = context.new_page()
        self._complaints = []
        self.page.on("pageerror", lambda error: self._complaints.append(f"uncaught in the browser: {error}"))
        self.page.on("console", self._listen)
        self.page.on("request", self._at_home)
        self.console_may_complain = False
        """Set by tests in which the browser is right to do so: the line is cut, or the address wrong."""
        self.browser_may_complain = False
        """Set by tests of what happens when Streamlit's part in the browser breaks."""

    def _listen(self, message):
        address = message.location.get("url", "")
        if message.type == "error" and not KNOWN_NOISE.search(address):
            self._complaints.append(f"console: {message.text} ({address})")

    def _at_home(self, request):
        """Nothing is fetched that a machine without internet does not have."""
        host = urlsplit(request.url).hostname
        if host and host != urlsplit(self.url).hostname:
            self._complaints.append(f"asked another server: {request.url}")

    def failures(self):
        """What has gone wrong so far, on the page and in the browser."""
        found = [c for c in self._complaints if not (self.console_may_complain and c.startswith("console"))]
        found = [] if self.browser_may_complain else found
        found += [box.inner_text() for box in self.page.get_by_test_id("stException").all()]
        found += [box.inner_text() for box in self.page.get_by_text(FAILURE).all()]
        return found

    # -- getting about ---------------------------------------------------------------------------------------

    def open(self, title, **link):
        """Opens a page by its address, as from a link."""
        pairs = [(name, value) for name, values in link.items() for value in np.atleast_1d(values)]
        query = "&".join(f"{name}={value}" for name, value in pairs)
        self.page.goto(f"{self.url}/{'' if title == 'Home' else title}{'?' + query if query else ''}")
        self.on(title)
        return self

    def follow(self, title, link):
        """Opens a page by the end of an address, from its question mark on."""
        self.page.goto(f"{self.url}/{title}{link}")
        self.on(title)

    def go(self, title):
        """Goes to a page by the menu at the side."""
        self.page.get_by_role("region", name="Sidebar").get_by_role("link", name=title, exact=True).click()
        self.on(title)

    def on(self, title):
        """Waits until the page of this title stands and rests."""
        name = "MNIST Lab" if title == "Home" else title
        expect(self.page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
        self.rest()

    def rest(self):
        """Waits until the whole page has been drawn."""
        expect(self.page.locator('[data-test-script-state="notRunning"]')).to_be_attached()
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0)

    def click(self, name):
        """Clicks the button of this name, where it has come to stay: what is still being drawn would push it away.

        What grows or arrives while the mouse is down leaves the click beside the button; a reader clicks again then.
        """
        self.rest()
        self.page.evaluate(
            """() => {
                window.pressed = true;  // where the page itself is left by the click
                const note = (event) => { window.pressed = Boolean(event.target.closest("button, a")); };
                document.addEventListener("mousedown", () => { window.pressed = false; }, {capture: true, once: true});
                document.addEventListener("click", note, {capture: true, once: true});
            }"""
        )
        self.button(name).click()
        if not self.page.evaluate("window.pressed ?? true"):
            self.rest()
            self.button(name).click()

    def button(self, name):
        """By its name, after which its shortcut may be told."""
        return self.main.get_by_role("button", name=re.compile(rf"^{re.escape(name)}(\s*Shortcut .*)?$"))

    def download(self, name):
        """Clicks the download button whose name has ``name`` in it; gives the downloaded file."""
        return self.take(self.main.get_by_test_id("stDownloadButton").get_by_role("button", name=name))

    def take(self, button):
        """Clicks a download button; gives the file, once it is there."""
        self.rest()
        with self.page.expect_download() as download:
            button.click()
        download.value.path()
        return download.value

    def choose(self, group, option):
        """Chooses one of a few segments."""
        self.page.get_by_role("radiogroup", name=group).get_by_role("radio", name=option, exact=True).click()

    def fill(self, label, value):
        """Writes a value into the field and leaves it."""
        field = self.page.get_by_label(label, exact=True)
        field.fill(str(value))
        field.press("Tab")

    def fields(self):
        """Every field of the page with its value, and whether it can be changed; but those for making links."""
        found = self.main.locator("input").evaluate_all(
            "all => all.map(one => [one.ariaLabel || one.closest('label')?.innerText, one.value, one.disabled])"
        )
        links = ("Locked", "Hidden", "Open all the same")
        return [field for field in found if not (field[0] or "").endswith(links)]

    @property
    def made_link(self):
        """The link that the page has made for others."""
        return self.link_with("")

    def link_with(self, part):
        """The same, once it carries this: it is made anew after what it carries has been changed."""
        box = self.main.get_by_test_id("stExpander").filter(has_text="Give this to others")
        link = box.get_by_test_id("stCode")
        if not link.is_visible():
            box.get_by_text("Give this to others").click()
        expect(link).to_contain_text(part)
        return link.inner_text().strip()

    @property
    def main(self):
        return self.page.get_by_role("main")

    @property
    def linked_run(self):
        """The run that the page's address names."""
        found = re.search(r"[?&]run=(\w+)", self.page.url)
        return found and found.group(1)

    def sees(self, text):
        """Waits until the page says this: text or a pattern."""
        expect(self.main.get_by_text(text).first).to_be_visible()

    def sees_button(self, name):
        expect(self.button(name)).to_be_visible()

    def engine_says(self, pattern, seconds=None):
        """Waits until the line at the side says this of the engine, for so long if not as usual."""
        status = self.page.get_by_role("region", name="Sidebar").get_by_role("status")
        expect(status).to_have_text(re.compile(pattern), timeout=seconds and seconds * 1000)

    def _drag(self, *points):
        """Presses the mouse on the first point of the window, and moves it along the others."""
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for here, there in itertools.pairwise(points):
            self.page.mouse.move(*there, steps=max(1, round(math.dist(here, there) / PIXELS_A_STEP)))
        self.page.mouse.up()

    # -- a run -----------------------------------------------------------------------------------------------

    def begin_training(self):
        """Clicks Train on the form; gives the run."""
        self.click("Train")
        self.sees_button("Set up another run")
        return self.linked_run

    def run_is(self, word):
        """Waits until the run's headline says how it is: waiting, training, paused, finished, stopped, …"""
        expect(self.main.get_by_role("heading", level=3).filter(has_text=word).first).to_be_visible()

    # -- the table of runs -----------------------------------------------------------------------------------

    ROW_HEIGHT = 35

    @property
    def grid(self):
        return self.page.get_by_test_id("data-grid-canvas")

    def lists(self, *names):
        """Waits until the table shows these runs, from top to bottom."""
        expect(self.grid.locator("tbody tr td:first-child")).to_have_text(names)

    def choose_row(self, name):
        """Chooses the run with this name; waits for what it opens."""
        self.click_box(name)
        expect(self.main.get_by_role("heading", name=name, exact=True, level=3)).to_be_visible()

    def click_box(self, name):
        """Clicks the box at the left of the run with this name, which chooses it or takes the choice back."""
        row = self.grid.locator("tbody tr").filter(has=self.page.get_by_text(name, exact=True))
        number = int(row.get_attribute("aria-rowindex")) - 1
        self._click_grid(16, self.ROW_HEIGHT * (number + 0.5))

    def sort_by_name(self):
        """Clicks the heading over the names."""
        self._click_grid(60, self.ROW_HEIGHT / 2)

    def _click_grid(self, x, y):
        """What can be clicked is painted, and lies under a layer that scrolls."""
        corner = self.grid.bounding_box()
        self.page.mouse.click(corner["x"] + x, corner["y"] + y)
