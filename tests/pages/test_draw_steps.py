"""Draw: steps of the ink pipeline that are switched off, by a network that reads a 7 in everything."""

import numpy as np
import pytest

from mnist_core import ink
from mnist_core.engine.client import EngineClient
from mnist_core.store.drawings import Drawings
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui.ink_strip import KEY, NAMES
from mnist_core.ui.once import once
from mnist_core.ui.sources import CANVAS
from mnist_core.visitors import visitor_id
from tests.drawings import line
from tests.pages.conftest import healthy, labelled, labels_of, words
from tests.pages.draw import png

YELLOW, WHITE = (255, 255, 100), 255
SHAPING = "fitted in 20 x 20", "centred by mass"


@pytest.fixture
def desk(visit, seven):
    """Draw with all steps shown, to be given a photo; some of the steps are off."""

    def desk(page, *off):
        app = visit("Draw", run=FLAGSHIP)
        labelled(app.segmented_control, "Read").set_value("a photo").run()
        app.session_state["how"] = True
        app.file_uploader[0].set_value(("photo.png", png(page), "image/png")).run()
        return switched(app, *off)

    return desk


def switched(app, *off):
    app.session_state[KEY] = [name for name in NAMES if name not in off]
    return healthy(app.run())


def written(pieces=1):
    """As many strokes with a yellow pen, which is as light as its paper, uint8 (H, W, 3)."""
    page = np.full((300, 300, 3), WHITE, np.uint8)
    for left in range(60, 60 + 80 * pieces, 80):
        page[60:240, left : left + 24] = YELLOW
    return page


@pytest.mark.parametrize(("pieces", "read"), [(1, "7"), (3, "777")])
def test_without_the_step_that_matters_nothing_can_be_read_and_it_can_be_switched_on_again(desk, pieces, read):
    app = desk(written(pieces))
    assert f"With all steps: **{read}**" in words(app, "markdown")
    switched(app, "pen's colour")
    assert "Nothing can be read without *pen's colour*" in words(app, "info")
    assert f"With all steps: **{read}**" in words(app, "markdown")
    assert "Without *pen's colour*: nothing can be read." in words(app, "markdown")
    assert "Without it: nothing can be read." in words(app, "html")
    switched(app)
    assert f"## {read}" in words(app, "markdown") and not app.info


def test_where_nothing_is_written_the_switches_are_there_and_no_step_is_blamed(desk):
    app = desk(np.full((300, 300, 3), WHITE, np.uint8), "even light")
    assert labels_of(app.pills) == ["Steps that are on"]
    assert "empty" in words(app, "info") and "Nothing can be read" not in words(app)


def test_what_is_a_number_with_all_steps_is_kept_as_no_digit_although_one_of_its_pieces_is_read(desk):
    page = written(2)
    page[:, :100][page[:, :100, 2] == YELLOW[2]] = 0  # the first stroke is black
    app = desk(page)
    assert "## 77" in words(app, "markdown")
    labelled(app.toggle, "It is one digit").set_value(True).run()
    assert "This is right" in labels_of(healthy(app).button)
    switched(app, "pen's colour")
    assert "## 7\n" in words(app, "markdown")
    assert "This is right" not in labels_of(app.button)


def test_what_is_kept_is_as_all_steps_make_it(desk, store, monkeypatch):
    secret = "5eed" * 8
    monkeypatch.setattr("mnist_core.ui.visitor.new_secret", lambda: secret)
    page = written()
    normal, bare = (ink.cut(ink.Picture(page), way).whole.image for way in (ink.ALL, ink.ALL.without(*SHAPING)))
    assert not np.array_equal(normal, bare)
    app = desk(page, *SHAPING)
    healthy(labelled(app.button, "This is right").click().run())
    own = Drawings(store.database, visitor_id("cookie", secret))
    (kept,) = own.kept()
    np.testing.assert_array_equal(kept.image, normal)


@pytest.fixture
def work(monkeypatch, seven):
    """What is cut, asked and noted from now on, by name."""
    work = []

    def counted(place, name):
        real = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *given, **named: work.append(name) or real(*given, **named))

    for place, name in ((ink, "cut"), (EngineClient, "predict"), (Drawings, "remember")):
        counted(place, name)
    return work


def test_what_has_not_changed_is_neither_cut_nor_asked_nor_noted_again(visit, work):
    app = visit("Draw", run=FLAGSHIP)
    app.session_state["how"] = True
    sheet = app.session_state[f"{CANVAS}-sheet"]
    sheet["heard"] = sheet["strokes"] = [line((160, 50), (160, 270))]
    healthy(app.run())
    assert work.count("remember") == 1 and work.count("predict") == 2, "the digit, and all ways without a step at once"
    assert len(set(work)) == 3
    work.clear()
    labelled(app.segmented_control, "Pen").set_value("thin").run()
    assert "With all steps: **7**" in words(healthy(app), "markdown") and not work
    labelled(app.slider, "Certainty needed").set_value(1.0).run()
    assert "With all steps: this does not look like a digit." in words(healthy(app), "markdown")
    assert work == ["remember"], "it is told as none now"
    work.clear()
    switched(app, "centred by mass")
    assert "Without *centred by mass*: " in words(app, "markdown")
    assert work.count("remember") == 0, "what all steps make of it is the same"
    work.clear()
    healthy(app.run())
    assert not work


def test_the_session_keeps_no_more_than_the_last_results(monkeypatch):
    monkeypatch.setattr("mnist_core.ui.once.st.session_state", {})
    made = []

    def made_now(key, most):
        return once("room", key, lambda: made.append(key) or key, most)

    assert [made_now(key, 2) for key in "abaca"] == list("abaca")
    assert made == list("abc"), "b went for c"
    made_now("b", 2)
    assert made == list("abcb")
