"""Draw: which networks read, and what they read, where no canvas is needed; with the real engine."""


import numpy as np
import pytest
from streamlit.runtime.caching.cache_data_api import clear_session_cache

from mnist_core import ink
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui import canvas, digits
from mnist_core.ui.canvas import _hear as hear
from mnist_core.ui.sources import CANVAS, PHOTO_MEGABYTES
from tests.drawings import line
from tests.helpers import assert_friendly
from tests.pages.conftest import healthy, labelled, words
from tests.pages.draw import expected, picture, said

SESSION = "test session id"
"""Of every visitor in tests of pages."""

SMALL = RunConfig.parse({"data": {"subset": 4000}, "training": {"epochs": 2}})


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


def test_a_photo_goes_with_its_visitor(visit, networks, monkeypatch):
    photo, opened, open_picture = picture(mnist.load("test").images[1]), [], ink.open_picture
    monkeypatch.setattr(ink, "open_picture", lambda content: opened.append(1) or open_picture(content))
    before = digits._encoded.cache_info().currsize
    for visitors in (1, 2):
        app = visit("Draw", run=networks[0])
        labelled(app.segmented_control, "Read").set_value("a photo").run()
        app.file_uploader[0].set_value(("photo.png", photo, "image/png")).run()
        healthy(app.run())
        assert len(opened) == visitors, "once for each, however often their page is drawn"
        clear_session_cache(SESSION)  # as Streamlit does when somebody leaves
    assert digits._encoded.cache_info().currsize == before, "what is shown of it is not kept beside MNIST's"


def test_a_photo_that_is_too_large_is_not_even_opened(visit, networks, monkeypatch):
    monkeypatch.setattr(ink, "open_picture", lambda content: pytest.fail("it was opened"))
    app = visit("Draw", run=networks[0])
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    photo = picture(mnist.load("test").images[1]) + bytes(PHOTO_MEGABYTES * 2**20)
    app.file_uploader[0].set_value(("*holiday*.png", photo, "image/png")).run()
    assert_friendly(healthy(app).error[0].value, r"\*holiday\*.png", "larger than 20 MB", "save it smaller")


class Interrupted(dict):
    """A session that ends whoever looks into it after the sheet was emptied, as where another run is wanted by then."""

    def __getitem__(self, key):
        if not self.get(key, {"strokes": True})["strokes"]:
            raise SystemExit
        return super().__getitem__(key)

    def setdefault(self, key, default=None):
        return self[key]


def test_clear_is_done_as_a_whole_or_not_at_all(monkeypatch):
    """Else the next drawing would take the place of the one before among the last ones."""
    sheet = {"layout": 0, "strokes": [line((60, 40), (220, 40))], "begin": [], "heard": None, "drawing": "first"}
    monkeypatch.setattr(canvas.st, "session_state", Interrupted({f"{CANVAS}-sheet": sheet}))
    canvas._keep(CANVAS, slice(0))
    assert not sheet["strokes"] and sheet["drawing"] != "first"
    with pytest.raises(SystemExit):
        canvas.sheet_of(CANVAS)
