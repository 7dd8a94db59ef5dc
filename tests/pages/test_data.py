"""Data: pictures, counts, means and single images, against the file itself."""

import re

import numpy as np
import pytest

from mnist_core.data import mnist
from mnist_core.ui import dataset
from tests.pages.conftest import healthy, labelled, words


def captions(app):
    """``(label, number)`` of every picture in the gallery at the top."""
    gallery = next(html.proto.body for html in app.get("html") if "no. " in html.proto.body)
    found = re.findall(r"<figcaption>(\d)<br>no\. ([\d,]+)</figcaption>", gallery)
    return [(int(label), int(number.replace(",", ""))) for label, number in found]


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("digit", ["all", "0", "7"])
def test_pictures_carry_their_own_labels(visit, part, digit):
    app = visit("Data")
    labelled(app.segmented_control, "Set").set_value(part)
    labelled(app.segmented_control, "Which").set_value(digit).run()
    labels = mnist.load(part).labels
    shown = captions(healthy(app))
    assert len({number for _, number in shown}) == len(shown) >= 40
    assert all(labels[number] == label for label, number in shown)
    assert digit == "all" or {label for label, _ in shown} == {int(digit)}


def test_others_at_random(visit):
    app = visit("Data")
    before = captions(app)
    labelled(app.button, "Others at random").click().run()
    assert captions(healthy(app)) != before


@pytest.mark.parametrize("how", ["random", "stratified", "first"])
@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9])
def test_counts_add_up(visit, how, fraction):
    app = visit("Data")
    labelled(app.slider, "Held out for validation").set_value(fraction)
    labelled(app.selectbox, "How they are held out").set_value(how).run()
    counts = dict(re.findall(r"(training|validation|test): ([\d,]+)", words(healthy(app), "caption")))
    counts = {name: int(text.replace(",", "")) for name, text in counts.items()}
    assert counts["test"] == 10_000
    assert counts["training"] == round(60_000 * (1 - fraction))
    assert counts["training"] + counts.get("validation", 0) == 60_000


@pytest.mark.parametrize("part, index", [("train", 0), ("train", 59_999), ("test", 9_999)])
def test_one_image_before_and_after_scaling(visit, part, index):
    app = visit("Data")
    labelled(app.segmented_control, "Set").set_value(part).run()
    labelled(app.number_input, "Image number").set_value(index).run()
    image, label = mnist.load(part).images[index], mnist.load(part).labels[index]
    assert f"A **{label}**" in words(healthy(app), "markdown")
    stored, scaled = (np.array(code.value.split(), float) for code in app.code)
    np.testing.assert_array_equal(stored, image[12:17, 12:17].ravel())
    np.testing.assert_allclose(scaled, image[12:17, 12:17].ravel() / 255, atol=0.005)


def test_the_mean_image_of_each_class(visit):
    digits, random = mnist.load("train"), np.random.default_rng(0)
    for digit, mean in enumerate(dataset.means()):
        of_it = digits.images[digits.labels == digit]
        row, column = random.integers(6, 22, 2)
        assert mean[row, column] == int(sum(map(int, of_it[:, row, column])) / len(of_it))
        np.testing.assert_allclose(mean, of_it.astype(float).mean(axis=0), atol=1)
    pictures = [html.proto.body for html in healthy(visit("Data")).get("html")]
    shown = next(body for body in pictures if "no. " not in body and body.count("<figure") == 10)
    assert re.findall(r"<figcaption>(\d)</figcaption>", shown) == list("0123456789")


def test_shapes_and_types(visit):
    told = words(visit("Data"), "markdown")
    for part in ("train", "test"):
        digits = mnist.load(part)
        for name, array in ((f"x_{part}", digits.images), (f"y_{part}", digits.labels)):
            assert f"| `{name}` | `{array.shape}` | `{array.dtype}` |" in told


def test_a_shorter_set_takes_a_number_it_has(visit):
    app = visit("Data")
    labelled(app.number_input, "Image number").set_value(59_999).run()
    labelled(app.segmented_control, "Set").set_value("test").run()
    assert labelled(healthy(app).number_input, "Image number").value <= 9_999


def test_choices_can_be_taken_back(visit):
    """A second click on a chosen segment leaves none chosen."""
    app = visit("Data")
    labelled(app.segmented_control, "Set").set_value(None)
    labelled(app.segmented_control, "Which").set_value(None).run()
    assert captions(healthy(app))
