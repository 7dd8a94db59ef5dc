"""Draw: strokes, photos and test images, read by one to three networks."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from mnist_core.calibration import calibrated
from mnist_core.data import mnist
from mnist_core.ink import STAGES
from tests.helpers import eventually

pytestmark = pytest.mark.e2e

SEVEN = (90, 70), (230, 70), (150, 250)
ONE = (160, 50), (160, 270)
BAR = (70, 160), (250, 160)

NO_FILE = {"name": "notes.png", "mimeType": "image/png", "buffer": b"These are words, and no picture."}


@pytest.fixture
def desk(lab, trained):
    """The page Draw with one trained network."""
    return lab.open("Draw", run=trained.id)


def scan(image, name="digit.png"):
    """A file with the digit as on paper: dark on light, and larger."""
    paper = Image.new("L", (700, 900), 236)
    digit = Image.fromarray(image).resize((400, 400), Image.Resampling.BICUBIC)
    paper.paste(30, (150, 200), digit)
    packed = io.BytesIO()
    paper.save(packed, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": packed.getvalue()}


def likeness(one, other):
    """How alike two pictures are, 1 for equal: the cosine of the angle between them."""
    one, other = one.astype(float).ravel(), other.astype(float).ravel()
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def test_nothing_is_read_from_an_empty_canvas(desk):
    desk.answers_nothing()
    for name in ("Undo", "Clear"):
        expect(desk.button(name)).to_be_disabled()
    desk.ink_is(0)


def test_one_and_seven(desk):
    desk.draw(*ONE)
    assert desk.answers()[0][0] == 1
    desk.click("Clear")
    desk.answers_nothing()
    desk.ink_is(0)
    desk.draw(*SEVEN)
    assert desk.answers()[0][0] == 7


def test_undo(desk):
    desk.draw(*SEVEN)
    by_browser, answer, ink = desk.seen(), desk.answers(), desk.ink()
    desk.draw(*BAR)
    assert desk.ink() > ink
    desk.undo()
    by_python = desk.seen()
    # Python draws what is left; it must be what the browser would have sent.
    assert likeness(by_browser, by_python) > 0.98
    assert np.abs(by_browser.astype(int) - by_python).mean() < 4
    assert desk.answers()[0][0] == answer[0][0] == 7
    desk.ink_is(ink)
    desk.draw(*BAR)
    assert desk.ink() > ink, "the canvas takes strokes as before"
    desk.undo()
    desk.click("Undo")
    desk.answers_nothing()
    desk.ink_is(0)


def test_python_draws_as_the_browser_does(desk):
    curve = [(160 + 70 * np.sin(t), 150 - 90 * np.cos(t)) for t in np.linspace(0.3, 6, 24)]
    for pen in ("thin", "medium", "thick"):
        desk.choose("Pen", pen)
        desk.draw(*curve)
        by_browser = desk.seen()
        desk.draw(*BAR)
        desk.undo()
        assert likeness(by_browser, desk.seen()) > 0.98
        desk.click("Clear")
        desk.answers_nothing()


def test_a_drawing_survives_a_visit_to_another_page(desk):
    desk.draw(*SEVEN)
    answer, picture, ink = desk.answers(), desk.seen(), desk.ink()
    desk.go("Data")
    desk.go("Draw")
    assert desk.answers()[0][0] == answer[0][0]
    assert likeness(picture, desk.seen()) > 0.98
    desk.ink_is(ink)
    desk.draw(*BAR)
    assert desk.ink() > ink


def test_why_by_keyboard_and_for_the_next_drawing(desk):
    """Opened and chosen without a mouse; the way stays for what is drawn next."""
    keys = desk.page.keyboard
    desk.draw(*SEVEN)
    desk.answer_is(7)
    desk.page.locator("summary", has_text="Why this digit?").focus()
    keys.press("Enter")
    ways = desk.page.get_by_role("radiogroup", name="Ask the model by")
    expect(ways).to_be_visible()
    keys.press("Tab")
    keys.press("Space")
    expect(ways.get_by_role("radio", name="Saliency")).to_be_checked()
    expect(desk.page.get_by_role("img", name=re.compile(r"^Saliency: most in the .* for the 7;"))).to_be_visible()
    desk.click("Clear")
    desk.answers_nothing()
    desk.draw(*ONE)
    desk.answer_is(1)
    expect(desk.page.get_by_role("img", name=re.compile(r"^Saliency: most in the .* for the 1;"))).to_be_visible()
    desk.choose("Ask the model by", "Change it")
    desk.page.get_by_role("combobox", name=re.compile("Turn it into")).click()
    desk.page.get_by_role("option", name="7", exact=True).click()
    expect(desk.page.get_by_role("img", name="read as 7")).to_be_visible()


def test_what_is_drawn_last_counts_after_changing_the_pen(desk):
    desk.draw(*ONE)
    ink = desk.ink()
    desk.choose("Pen", "thick")
    desk.rest()
    assert desk.ink() == ink
    desk.draw(*BAR)
    assert desk.ink() > ink


def test_how_it_got_there(desk):
    desk.draw(*SEVEN)
    desk.main.get_by_text("How it got there").click()
    steps = desk.main.locator(".steps")
    expect(steps.get_by_role("img")).to_have_count(len(STAGES))
    desk.sees(re.compile("With all steps: 7, "))
    desk.main.get_by_role("button", name="centred by mass").click()
    desk.sees(re.compile("With all steps: 7, .* Without centred by mass: "))
    expect(steps.get_by_text("Switched off.")).to_have_count(1)


def test_a_number(desk):
    desk.choose("Pen", "thin")
    desk.draw((60, 110), (60, 210))
    for count, column in ((2, 160), (3, 260)):
        desk.stroke((column, 110), (column, 210))
        desk.sees(re.compile(f"reads {count} digits from left to right"))
    desk.sees("111")
    expect(desk.main.get_by_role("img", name="The picture with a box around each of 3 digits")).to_be_visible()


def test_a_photo(desk):
    test = mnist.load("test")
    desk.choose("Read", "a photo")
    for index in (0, 2, 4):
        desk.upload(scan(test.images[index]))
        desk.answer_is(test.labels[index])


def test_a_file_that_is_no_picture(desk):
    desk.choose("Read", "a photo")
    desk.upload(NO_FILE)
    alert = desk.main.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text(re.compile(r"^[^.]* cannot be read as a picture[^.]*\.$"))
    expect(desk.page.get_by_role("img", name=re.compile("^Probabilities"))).to_have_count(0)


def told(store, run_id):
    """What a run says of the test images, under its temperature."""
    return calibrated(store.load_array(run_id, "test_probabilities"), store.calibration(run_id).temperature)


def test_a_test_image(desk, trained, store):
    probabilities = told(store, trained.id)
    desk.choose("Read", "a test image")
    for index in (0, 1234):
        desk.fill("Number of the test image", index)
        desk.sees(f"It is a {mnist.load('test').labels[index]}.")
        ((digit, sure),) = desk.answers()
        assert digit == probabilities[index].argmax()
        assert sure == pytest.approx(probabilities[index].max(), abs=0.002)


def test_networks_side_by_side(lab, trained, also_trained, store):
    lab.open("Draw", run=[trained.id, also_trained.id])
    lab.choose("Read", "a test image")
    lab.fill("Number of the test image", 4321)
    lab.sees(f"It is a {mnist.load('test').labels[4321]}.")
    answers = lab.answers(count=2)
    for (digit, sure), run in zip(answers, (trained, also_trained), strict=True):
        expected = told(store, run.id)[4321]
        assert digit == expected.argmax()
        assert sure == pytest.approx(expected.max(), abs=0.002)


def test_the_whole_canvas_can_be_reached(lab, trained, also_trained):
    lab.open("Draw", run=[trained.id, also_trained.id])
    for width in (1280, 1024, 820, 390):
        lab.page.set_viewport_size({"width": width, "height": 900})
        lab.canvas.hover()
        side = lab.canvas.bounding_box()["width"]
        assert side >= 280
        for corner in ((8, 8), (side - 8, 8), (8, side - 8), (side - 8, side - 8)):
            # The component's tools move out of the way when the mouse comes.
            eventually(lambda corner=corner: lab.lies_on_top(*corner) == "CANVAS", 5)
