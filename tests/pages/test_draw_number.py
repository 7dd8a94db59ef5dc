"""Draw: numbers, pieces that touch, and answers that are not sure enough; with the real engine."""

from dataclasses import replace

import numpy as np

from mnist_core import ink
from mnist_core.calibration import calibrated
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.ui import ink_strip
from mnist_core.ui.answer import NONE
from mnist_core.ui.number import NOTHING, _judged, boxes
from mnist_core.ui.sources import CANVAS
from tests import scans
from tests.drawings import line
from tests.pages.conftest import PAGES, healthy, labelled, labels_of, words
from tests.pages.draw import expected, png, said, train

SMALL = RunConfig.parse({"data": {"subset": 4000}, "training": {"epochs": 2}})


def number_on_paper():
    """2 0 2 as the bytes of a PNG."""
    page, _ = scans.row(mnist.load("test").images[[1, 3, 1]], np.random.default_rng(0))
    return png(255 - page)


def touching_zeros():
    """Three that overlap, light on black, uint8 (H, W)."""
    return scans.row(mnist.load("test").images[[3, 10, 13]], np.random.default_rng(0), gap=(-0.1, -0.1))[0]


def on_a_photo(visit, run_id, data, how=False):
    """Draw with a photo, and all steps shown if ``how``."""
    app = visit("Draw", run=run_id)
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    app.session_state["how"] = how
    app.file_uploader[0].set_value(("photo.png", data, "image/png")).run()
    return healthy(app)


def test_a_number_on_a_photo(visit, networks, answers):
    app = visit("Draw", run=networks)
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    data = number_on_paper()
    app.file_uploader[0].set_value(("number.png", data, "image/png")).run()
    found = ink.cut(ink.open_picture(data))
    assert len(found.digits) == 3 and not any(digit.touching for digit in found.digits)
    read = ["".join(str(answers(run, digit.ink.image).argmax()) for digit in found.digits) for run in networks]
    assert all(f"## {number}" in words(healthy(app), "markdown") for number in read)
    assert "reads 3 digits from left to right" in words(app, "caption")
    labelled(app.toggle, "It is one digit").set_value(True).run()
    assert expected(answers(networks[0], found.whole.image)) in said(healthy(app))[0]


def test_pieces_that_look_like_no_digits_are_no_number(visit, networks, answers):
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    data = number_on_paper()
    app.file_uploader[0].set_value(("number.png", data, "image/png")).run()
    found = ink.cut(ink.open_picture(data))
    rows = [answers(networks[0], digit.ink.image) for digit in found.digits]
    least = int(np.argmin([row.max() for row in rows]))
    needed = round(float(rows[least].max()) + 0.01, 2)
    labelled(app.slider, "Certainty needed").set_value(needed).run()
    read = "".join("?" if row.max() < needed else str(row.argmax()) for row in rows)
    assert "?" in read and (f"## {read}" in words(healthy(app), "markdown") or set(read) == {"?"})
    assert "no digit?" in words(app)
    left = [row.max() for row in rows if row.max() >= needed]
    told = f"reads {len(left)} of 3 pieces from left to right, {np.prod(left):.1%} sure of what it reads."
    assert told in words(app, "caption") or not left
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    assert NOTHING in words(healthy(app), "markdown")


def test_a_number_is_as_sure_as_the_pieces_that_are_told():
    def row(digit, sure):
        return np.where(np.arange(10) == digit, sure, (1 - sure) / 9)

    rows = [row(2, 0.9), row(0, 0.3), row(2, 0.8), row(6, 0.9)]
    judged = _judged([False] * 4, rows, 0.5)
    assert (judged.read, judged.digits, round(judged.sure, 3)) == ("2?26", 3, 0.648)
    assert _judged([False, True], rows[:2], 0.95).sure == 0


def test_a_number_is_read_without_each_step(visit, engine, networks, answers):
    app = on_a_photo(visit, networks[0], number_on_paper(), how=True)
    needed, photo = engine[1].calibration(networks[0]).threshold, ink.open_picture(number_on_paper())

    def told(steps):
        rows = [answers(networks[0], digit.ink.image) for digit in ink.cut(photo, steps).digits]
        read = "".join("?" if row.max() < needed else str(row.argmax()) for row in rows)
        sure = f"{np.prod([row.max() for row in rows if row.max() >= needed]):.0%}"
        return read, sure + " of what it reads" * ("?" in read)

    read, sure = told(ink.ALL)
    assert read == "202" and f"With all steps: **{read}**, {sure}." in words(app, "markdown")
    for name in ("fitted in 20 x 20", "centred by mass"):
        (figure,) = (part for part in words(app, "html").split("<figure") if f"<b>{name}</b>" in part)
        read, sure = told(ink.ALL.without(name))
        assert f"Without it: {read}, {sure}." in figure or (set(read) == {"?"} and "not look like a number" in figure)
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    assert "With all steps: this does not look like a number." in words(healthy(app), "markdown")
    labelled(app.toggle, "It is one digit").set_value(True).run()
    assert "With all steps: this does not look like a digit." in words(healthy(app), "markdown")


def test_a_step_that_changed_only_the_second_digit_has_changed_the_number():
    def piece(changed):
        step = ink.Step("smooth", "", np.zeros((2, 2), np.uint8), changed)
        return ink.Ink(np.zeros((28, 28), np.uint8), (step, replace(step, name="cropped", changed=False)))

    assert [step.changed for step in ink_strip._steps([piece(False), piece(True)])] == [True, False]


def test_the_picture_of_a_long_number_shows_its_thin_outer_digit(monkeypatch):
    page = np.zeros((140, 1000), np.uint8)
    page[20:120, 20:24] = 255
    for left in range(80, 980, 90):
        page[20:120, left : left + 60] = 255
    found, shown = ink.cut(ink.Picture(page, paper=0)), []
    assert len(found.digits) == 11
    monkeypatch.setattr("mnist_core.ui.number.picture", lambda image, *words: shown.append(image) or "<img>")
    boxes(found)
    margin = 6 * (1000 // 160)
    assert shown[0].shape == (100 + 2 * margin, 950 - 20 + 2 * margin, 3)


def test_touching_digits_are_no_digit(visit, networks, answers):
    app = on_a_photo(visit, networks[0], png(touching_zeros()), how=True)
    (piece,) = ink.cut(ink.open_picture(png(touching_zeros()))).digits
    assert "two digits that touch" in words(app, "warning")
    assert "## ?" in words(app, "markdown").splitlines() and not said(app)
    assert "reads no digit: this may be two that touch." in words(app, "caption")
    assert "With all steps: no digit, since this may be two that touch." in words(app, "markdown")
    assert "reads a" not in words(app, "html") and "This is right" not in labels_of(app.button)
    labelled(app.toggle, "It is one digit").set_value(True).run()
    assert expected(answers(networks[0], piece.ink.image)) in said(healthy(app))[0]
    assert not app.warning


def test_a_drawing_as_wide_as_two_digits_is_kept_as_a_question(visit, networks):
    app = visit("Draw", run=networks[0])
    sheet = app.session_state[f"{CANVAS}-sheet"]
    sheet["heard"] = sheet["strokes"] = [line((30, 140), (250, 140))]
    app.run()
    assert "## ?" in words(healthy(app), "markdown").splitlines()
    labelled(app.button, "Clear").click().run()
    (again,) = (button for button in healthy(app).button if button.key.startswith("again-"))
    assert again.label.endswith(")?")


def test_touching_digits_beside_what_is_none_are_told_apart(visit, networks):
    page = np.hstack([touching_zeros(), scans.row(mnist.load("test").images[[1]], np.random.default_rng(0))[0]])
    app = on_a_photo(visit, networks[0], png(page))
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    assert "of the 2 pieces, 1 may be two that touch, and the rest looks like none." in words(healthy(app), "caption")
    assert NOTHING not in words(app) and "takes none" not in words(app)


def test_an_answer_that_is_not_sure_enough_is_none(visit, engine, networks):
    _, store, _ = engine
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    assert "## 7" in words(app, "markdown") and NONE not in words(app)
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    assert NONE in words(healthy(app), "markdown") and "most likely a 7" in words(app, "caption")
    sure = calibrated(store.load_array(networks[0], "test_probabilities"), store.calibration(networks[0]).temperature)
    labelled(app.slider, "Certainty needed").set_value(0.8).run()
    refused = sum(max(row) < 0.8 for row in sure.tolist()) / len(sure)
    assert 0 < refused < 1
    assert f"So {refused:.2%} of MNIST's test digits are refused" in words(app, "caption")


def test_the_certainty_needed_is_the_commands_until_it_is_moved(visit, engine):
    _, store, _ = engine
    forest = {"architecture": {"name": "random_forest", "trees": 1}, "data": {"subset": 2000}}
    run_id = train(engine, RunConfig.parse(forest), "as sure of everything")
    needed = store.calibration(run_id).threshold
    assert round(needed, 2) > needed, "rounded, it would refuse all"
    app = visit("Draw", run=run_id)
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    assert NONE not in words(healthy(app)) and "So 0.00% of MNIST's test digits" in words(app, "caption")
    slider = labelled(app.slider, "Certainty needed")
    assert slider.value <= needed
    slider.set_value(0.97).run()
    assert NONE in words(healthy(app)) and "So 100.00% of MNIST's test digits" in words(app, "caption")


def test_the_certainty_that_was_set_stays_for_the_session(visit, networks):
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    labelled(app.segmented_control, "Read").set_value("my drawing").run()
    assert "Certainty needed" not in labels_of(healthy(app).slider)
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    assert NONE in words(healthy(app)) and labelled(app.slider, "Certainty needed").value == 1.0
    healthy(app.switch_page(PAGES["Health"]).run())
    app.query_params["run"] = [networks[0]]
    healthy(app.switch_page(PAGES["Draw"]).run())
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    assert NONE in words(healthy(app)) and labelled(app.slider, "Certainty needed").value == 1.0
