"""One's own hand on the page Draw: eraser, keyboard, last drawings, what is kept of them, and training on it."""

import re
import secrets

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_core.store.drawings import Drawings
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui.visitor import COOKIE
from mnist_core.visitors import visitor_id
from tests.e2e.test_draw import BAR, ONE, SEVEN, likeness
from tests.helpers import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
def own(store, lab):
    """What this visitor's drawings are. Each test has another visitor: the page of the last one may still write."""
    secret = secrets.token_hex(16)
    lab.context.add_cookies([{"name": COOKIE, "value": secret, "url": lab.url}])
    own = Drawings(store.database, visitor_id("cookie", secret))
    yield own
    own.remove([drawing.id for drawing in (*own.kept(), *own.last(99))])


@pytest.fixture
def desk(lab, own):
    """The page Draw with the network that is there from the first second on."""
    return lab.open("Draw", run=FLAGSHIP)


def test_the_eraser_takes_ink_away_and_can_be_undone(desk):
    desk.draw(*SEVEN)
    whole = desk.ink()
    desk.choose("Pen", "eraser")
    desk.draw((60, 70), (180, 70))
    by_browser, left = desk.seen(), desk.ink()
    assert 0 < left < 0.8 * whole
    desk.choose("Pen", "medium")
    desk.draw(*BAR)
    desk.undo()
    assert likeness(by_browser, desk.seen()) > 0.98, "Python erases as the browser does"
    desk.ink_is(left)
    desk.undo()
    desk.ink_is(whole)
    desk.choose("Pen", "eraser")
    for points in (SEVEN, SEVEN):
        desk.stroke(*points)
    desk.answers_nothing()


def test_undo_by_keyboard(desk):
    desk.draw(*SEVEN)
    before, ink = desk.seen(), desk.ink()
    desk.draw(*BAR)
    source = desk.seen_source()
    desk.page.keyboard.press("Control+z")
    desk.wait_for_another_picture(source)
    assert likeness(before, desk.seen()) > 0.98
    desk.ink_is(ink)


def test_the_answer_is_told_to_those_who_cannot_see_it(desk):
    told = desk.main.get_by_role("status")
    desk.draw(*SEVEN)
    expect(told.filter(has_text="reads a 7")).to_have_count(1)
    place = told.filter(has_text="reads a 7").element_handle()
    desk.click("Clear")
    desk.answers_nothing()
    desk.draw(*ONE)
    # The same element says something new: only that is read aloud.
    desk.page.wait_for_function("place => place.isConnected && place.textContent.includes('reads a 1')", arg=place)


def test_last_drawings_are_a_click_away(desk):
    desk.draw(*SEVEN)
    desk.answer_is(7)
    ink = desk.ink()
    desk.click("Clear")
    desk.answers_nothing()
    desk.draw(*ONE)
    desk.answer_is(1)
    strip = desk.main.locator(".st-key-last-drawings")
    expect(strip.get_by_role("button")).to_have_text(["7"])
    strip.get_by_role("button").click()
    desk.answer_is(7)
    desk.ink_is(ink)
    expect(strip.get_by_role("button")).to_have_text(["1"])
    desk.page.reload()
    desk.on("Draw")
    expect(strip.get_by_role("button")).to_have_count(2)


def test_a_wrong_answer_is_kept_with_its_label_and_taken_along(desk, own):
    desk.draw(*SEVEN)
    desk.answer_is(7)
    desk.click("This is right")
    desk.sees(re.compile("Kept as a 7"))
    desk.click("Clear")
    desk.answers_nothing()
    desk.draw(*ONE)
    desk.answer_is(1)
    desk.main.get_by_role("button", name="This is wrong, it is a …").click()
    desk.page.get_by_role("radiogroup", name="It is a").get_by_text("9", exact=True).click()
    desk.sees(re.compile("Kept as a 9"))
    desk.main.locator("summary", has_text="My handwriting").click()
    desk.sees("2 of 500 drawings are kept.")
    desk.sees(re.compile("at least 10 drawings"))
    with np.load(desk.download("As .npz").path()) as content:
        assert content["images"].shape == (2, 28, 28) and content["images"].dtype == np.uint8
        assert content["labels"].tolist() == [9, 7] == [drawing.label for drawing in own.kept()]
        assert likeness(content["images"][0], desk.seen()) > 0.98
    with open(desk.download("As CSV").path()) as table:
        assert [line.split(",")[0] for line in table] == ["label", "9", "7"]


def test_a_network_learns_this_hand(trained, desk, own, store):
    """Strokes of a hand that writes a 1 as a bar that lies: no network knows it before."""
    write_lying_one(desk)
    (first,) = own.last()
    random = np.random.default_rng(0)
    for number in range(24):
        digit = number % 2
        image = first.image if digit else first.image.T
        image = np.roll(image, random.integers(-2, 3, 2), (0, 1))
        own.remember(f"d{number}", image, [], "?", 0.5)
        own.keep(f"d{number}", digit)
    desk.open("Draw", run=trained.id)
    desk.main.locator("summary", has_text="My handwriting").click()
    desk.sees("24 of 500 drawings are kept.")
    desk.click("Fine-tune on my handwriting")
    desk.sees_button("Set up another run")
    run_id = desk.linked_run
    eventually(lambda: not store.get(run_id).active, 180)
    desk.run_is("finished")
    desk.sees("My held-back drawings")
    desk.sees(re.compile("of 6"))
    desk.main.get_by_text("The 6 drawings that were held back").click()
    expect(desk.main.get_by_role("img", name=re.compile("^a 1"))).to_have_count(3)
    desk.click("Draw a digit for it")
    desk.on("Draw")
    write_lying_one(desk)
    desk.answer_is(1)


def write_lying_one(desk):
    """As wide as two digits, which it is not."""
    desk.stroke(*BAR)
    desk.sees(re.compile("this may be two that touch"))
    desk.main.get_by_role("switch", name="It is one digit").click(force=True)
    desk.wait_for_another_picture(None)
