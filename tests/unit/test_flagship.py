"""What the flagship promises, by its own engine: how sure it may be, what it refuses, and that a drawing may change."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from mnist_core import ink
from mnist_core.calibration import calibrated, certainty
from mnist_core.data import mnist
from mnist_core.data.others import kinds, others
from mnist_core.errors import EmptyDrawing, ImageError
from mnist_core.evaluation import reliability
from mnist_core.robustness import FIGURES
from mnist_core.robustness.corruptions import CORRUPTIONS, corrupt
from mnist_core.store.shipped import FLAGSHIP
from tests import scans
from tests.helpers import assert_friendly


@pytest.fixture
def sure(engine):
    """Asks the flagship: uint8 (N, 28, 28) -> probabilities that it may be as sure of, and whether it refuses."""
    _, store, client = engine
    calibration = store.calibration(FLAGSHIP)

    def ask(images):
        found = calibrated(client.predict(FLAGSHIP, np.stack(images)), calibration.temperature)
        return found, certainty(found) < calibration.threshold

    return ask


def test_it_is_as_sure_as_it_is_right_and_refuses_hardly_a_digit(store):
    calibration, labels = store.calibration(FLAGSHIP), mnist.load("test").labels
    found = calibrated(store.load_array(FLAGSHIP, "test_probabilities"), calibration.temperature)
    assert reliability(labels, found).ece < 0.005
    assert (certainty(found) < calibration.threshold).mean() <= 0.01


def test_it_refuses_letters_and_scribbles_that_it_has_not_seen(sure):
    _, refused = sure(others(2000, seed=1))
    shares = {name: refused[which].mean() for name, which in kinds(2000).items()}
    assert all(shares[name] > 0.95 for name in ("letters and signs", "scribbles", "silhouettes")), shares


def test_two_digits_that_touch_are_seldom_taken_for_one(sure):
    """By their width, or since it has learned that digits side by side are none."""
    images, random, found = mnist.load("test").images, np.random.default_rng(0), []
    while len(found) < 200:
        page, _ = scans.row(images[random.choice(len(images), 2)], random, gap=(-0.12, -0.06))
        pieces = ink.cut(page).digits
        found += pieces if len(pieces) == 1 else []
    _, refused = sure([piece.ink.image for piece in found])
    wide = np.array([piece.touching for piece in found])
    assert (wide | refused).mean() > 0.88, (wide.mean(), refused.mean())


def test_it_withstands_corruptions(sure, store):
    kept, test = json.loads(store.load_blob(FLAGSHIP, FIGURES)), mnist.load("test")
    assert set(kept) == set(CORRUPTIONS) and np.mean(list(kept.values())) > 0.97
    for name in ("zigzag", "fog", "spatter"):
        found, _ = sure(corrupt(test.images, name)[::5])
        # Two standard deviations of a share of 2,000 images.
        assert (found.argmax(axis=1) == test.labels[::5]).mean() == pytest.approx(kept[name], abs=0.012)


@pytest.mark.parametrize("change", ["moved", "larger", "inverted", "thicker"])
def test_a_drawing_that_is_changed_is_read_as_before(sure, change):
    train, random = mnist.load("train"), np.random.default_rng(0)
    digits = [train.images[train.labels == label][place] for label in range(10) for place in (3, 4)]
    before, after = [], []
    for digit in digits:
        sheet, wide = (np.zeros((300, 300), np.uint8) for _ in range(2))
        drawn = scans.drawn(digit, random, pen=10, side=140)
        sheet[40 : 40 + len(drawn), 60 : 60 + len(drawn)] = drawn
        before.append(ink.trace(sheet).image)
        if change == "moved":
            sheet = np.roll(sheet, (90, 70), (0, 1))
        elif change == "larger":
            sheet = np.asarray(Image.fromarray(sheet).resize((520, 520)))
        elif change == "inverted":
            sheet = 255 - sheet
        else:
            drawn = scans.drawn(digit, random, pen=18, side=140)
            sheet = wide
            sheet[40 : 40 + len(drawn), 60 : 60 + len(drawn)] = drawn
        after.append(ink.trace(sheet).image)
    np.testing.assert_array_equal(sure(before)[0].argmax(axis=1), sure(after)[0].argmax(axis=1))


def dot(page):
    page[130:142, 130:142] = 0
    return page


@pytest.mark.parametrize("draw", [dot, np.zeros_like], ids=["one dot", "all ink"])
def test_a_sheet_without_a_digit_is_refused(sure, draw):
    page = draw(np.full((280, 280), 255, np.uint8))
    _, refused = sure([ink.trace(ink.Picture(page, paper=255)).image])
    assert refused.all()


def test_an_empty_sheet_says_so():
    with pytest.raises(EmptyDrawing):
        ink.trace(np.full((280, 280), 255, np.uint8))


@pytest.mark.parametrize("name", ["flower.jpg", "china.jpg"])
def test_a_photo_of_something_else_is_refused(sure, name):
    photo = load_sample_image(name)
    assert sure([ink.trace(photo).image])[1].all()
    try:
        pieces = ink.cut(photo).digits
    except ImageError as error:
        assert_friendly(str(error), "separate pieces of ink")
    else:
        assert sure([digit.ink.image for digit in pieces])[1].all()
