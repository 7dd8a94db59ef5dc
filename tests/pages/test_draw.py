"""Draw: which networks read, and what they read, where no canvas is needed; with the real engine."""

import io

import numpy as np
import pytest
from PIL import Image

from mnist_core import ink
from mnist_core.calibration import calibrated
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui.answer import NONE
from mnist_core.ui.canvas import _hear as hear
from mnist_core.ui.number import NOTHING
from mnist_core.ui.sources import CANVAS
from tests import scans
from tests.drawings import line
from tests.helpers import assert_friendly, eventually
from tests.pages.conftest import healthy, labelled, words

SMALL = RunConfig.parse({"data": {"subset": 4000}, "training": {"epochs": 2}})


def train(engine, config, name):
    """A network that the engine has really trained."""
    _, store, _ = engine
    run_id = store.create(config, name)
    eventually(lambda: store.get(run_id).status in ("finished", "failed"), 120)
    assert store.get(run_id).status == "finished", store.get(run_id).message
    return run_id


@pytest.fixture(scope="session")
def networks(engine):
    return [train(engine, SMALL.replace({"seed": seed}), f"small {seed}") for seed in (1, 2)]


@pytest.fixture
def answers(engine):
    """What the model of a run says, asked past the page, under its temperature."""
    _, store, client = engine

    def ask(run_id, image):
        return calibrated(client.predict(run_id, image[None]), store.calibration(run_id).temperature)[0]

    return ask


def said(app):
    """What the bars say to a screen reader, network by network."""
    bars = [html.proto.body for html in app.get("html") if 'class="bars"' in html.proto.body]
    return [body.split('aria-label="')[1].split('"')[0] for body in bars]


def expected(probabilities):
    return f"most likely {probabilities.argmax()} with {probabilities.max():.1%}"


def picture(image, form="PNG"):
    """The digit as a scan: dark on light paper, 20 times as large."""
    packed = io.BytesIO()
    Image.fromarray(255 - image).resize((560, 560), Image.Resampling.BICUBIC).save(packed, form)
    return packed.getvalue()


def test_an_empty_sheet_predicts_nothing(visit, finish):
    app = visit("Draw", run=finish())
    assert not said(app)
    assert all(labelled(app.button, name).disabled for name in ("Undo", "Clear"))


def test_a_drawing_outlives_an_interrupted_page(visit, networks):
    """Streamlit forgets what the browser has said of a canvas that an interrupted run did not come to."""
    app = visit("Draw", run=networks[0])
    sheet = app.session_state[f"{CANVAS}-sheet"]
    sheet["heard"] = sheet["strokes"] = [line((60, 40), (220, 40)), line((220, 40), (130, 270))]
    app.run()
    assert len(healthy(app).session_state[f"{CANVAS}-sheet"]["strokes"]) == 2
    assert len(said(app)) == 1
    labelled(app.button, "Undo").click().run()
    assert len(healthy(app).session_state[f"{CANVAS}-sheet"]["strokes"]) == 1


@pytest.mark.parametrize("index", [0, 7, 9999])
def test_a_test_image(visit, networks, answers, index):
    app = visit("Draw", run=networks)
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    labelled(app.number_input, "Number of the test image").set_value(index).run()
    test = mnist.load("test")
    assert f"It is a {test.labels[index]}." in words(healthy(app), "caption")
    for words_of_it, run_id in zip(said(app), networks, strict=True):
        assert expected(answers(run_id, test.images[index])) in words_of_it


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP"])
def test_a_photo(visit, networks, answers, form):
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    data = picture(mnist.load("test").images[0], form)
    app.file_uploader[0].set_value((f"seven.{form.lower()}", data, f"image/{form.lower()}")).run()
    assert expected(answers(networks[0], ink.trace(ink.open_picture(data)).image)) in said(healthy(app))[0]
    assert "most likely 7" in said(app)[0]
    assert "How it got there" in [box.label for box in app.expander]


def number_on_paper():
    """2 0 2 as the bytes of a PNG."""
    page, _ = scans.row(mnist.load("test").images[[1, 3, 1]], np.random.default_rng(0))
    packed = io.BytesIO()
    Image.fromarray(255 - page).save(packed, "PNG")
    return packed.getvalue()


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
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    assert NOTHING in words(healthy(app), "markdown")


def test_a_number_is_read_without_each_step(visit, networks):
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    data = number_on_paper()
    app.session_state["how"] = True
    app.file_uploader[0].set_value(("number.png", data, "image/png")).run()
    said_of_steps = words(healthy(app))
    assert "With all steps" in said_of_steps and "Without it" in said_of_steps


def test_touching_digits_on_a_photo(visit, networks):
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    zeros = mnist.load("test").images[[3, 10, 13]]
    page, _ = scans.row(zeros, np.random.default_rng(0), gap=(-0.1, -0.1))
    packed = io.BytesIO()
    Image.fromarray(page).save(packed, "PNG")
    app.file_uploader[0].set_value(("number.png", packed.getvalue(), "image/png")).run()
    assert "two digits that touch" in words(healthy(app), "warning")


@pytest.mark.parametrize("content", [b"", b"I am no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_file_that_is_no_picture(visit, networks, content):
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    app.file_uploader[0].set_value(("seven.png", content, "image/png")).run()
    assert len(healthy(app).error) == 1
    assert_friendly(app.error[0].value)
    assert not said(app)


def test_a_blank_photo(visit, networks):
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    app.file_uploader[0].set_value(("blank.png", picture(np.zeros((28, 28), np.uint8)), "image/png")).run()
    assert "empty" in words(healthy(app), "info")
    assert not said(app)


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


def test_the_flagship_reads_where_nothing_has_been_trained(visit, engine):
    app = visit("Draw", run=FLAGSHIP)
    labelled(app.segmented_control, "Read").set_value("a test image").run()
    labelled(app.number_input, "Number of the test image").set_value(1).run()
    assert "most likely 2" in said(healthy(app))[0] and "Flagship is" in words(app, "caption")


def test_the_networks_can_be_changed(visit, finish):
    first, second = finish("first"), finish("second")
    app = visit("Draw", run=first)
    chosen = labelled(app.multiselect, "Networks that read it")
    assert chosen.value == [first]
    chosen.set_value([second, first]).run()
    assert healthy(app).query_params["run"] == [second, first]
    labelled(app.multiselect, "Networks that read it").set_value([]).run()
    assert "Choose" in words(healthy(app), "info")


def test_one_click_trains_when_there_is_nothing(visit, store):
    app = visit("Draw")
    labelled(app.button, "Train the quick recipe").click().run()
    (run,) = store.list()
    assert (run.recipe, run.status) == ("quick", "queued")
    assert healthy(app).title[0].value == "Train"


def test_a_network_deleted_while_it_is_used(visit, store, finish):
    gone, other = finish("gone"), finish("other")
    app = visit("Draw", run=[gone, other])
    store.delete(gone)
    healthy(app.run())
    assert labelled(app.multiselect, "Networks that read it").value == [other]


def test_late_words_of_an_empty_canvas_change_nothing():
    """The browser says that it has been cleared when something else has been laid out already."""
    strokes = [line((60, 40), (220, 40))]
    sheet = {"strokes": strokes, "begin": strokes, "heard": [line((9, 9), (99, 99))], "drawing": "seven"}
    hear(sheet, {"objects": []}, "data:image/png;base64,")
    assert sheet["strokes"] is strokes
    longer = [*strokes, line((220, 40), (130, 270))]
    hear(sheet, {"objects": longer}, "data:image/png;base64,")
    assert (sheet["strokes"], sheet["drawing"]) == (longer, "seven")


def test_a_stroke_that_came_too_late_to_be_cleared_goes_all_the_same():
    """It ends with the click on Clear, and is told before the canvas has been emptied."""
    sheet = {"strokes": [], "begin": [], "heard": None}
    hear(sheet, {"objects": [line((60, 40), (220, 40))]}, "data:image/png;base64,")
    assert len(sheet["strokes"]) == 1
    hear(sheet, {"objects": []}, "data:image/png;base64,")
    assert sheet["strokes"] == []


def test_what_is_drawn_after_clearing_is_another_drawing(visit, networks):
    app = visit("Draw", run=networks[0])
    sheet = app.session_state[f"{CANVAS}-sheet"]
    sheet["heard"] = sheet["strokes"] = [line((60, 40), (220, 40)), line((220, 40), (130, 270))]
    first = sheet["drawing"]
    labelled(app.run().button, "Undo").click().run()
    assert app.session_state[f"{CANVAS}-sheet"]["drawing"] == first
    labelled(app.button, "Clear").click().run()
    assert healthy(app).session_state[f"{CANVAS}-sheet"]["drawing"] != first
