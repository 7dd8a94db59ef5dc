"""Each step that undoes a photo, a scan or a pen: against a plain loop, and on pictures made of MNIST's digits."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import ndimage

from mnist_core import ink
from mnist_core.data import mnist
from mnist_core.errors import EmptyDrawing, ImageError
from mnist_core.ink import light, lines, stroke
from tests import scans
from tests.drawings import apart, seven


@pytest.fixture(scope="module")
def digits():
    return scans.of_each_digit(4)


# ------------------------------------------------------------------------------ the whole way


@pytest.mark.parametrize(
    ("kind", "step", "most"),
    [
        ("shadow", "even light", 13),
        ("ruled", "no ruled lines", 10),
        ("squared", "no ruled lines", 12),
        ("table", "paper's edge", 12),
        ("pencil", "even light", 16),
        ("8 x 8", "smooth", 21),
        ("16 x 16", "smooth", 10),
        ("pen 1", "pen's width", 22),
        ("pen 30", "cropped", 26),
    ],
)
def test_what_is_made_of_a_digit_comes_back_and_less_so_without_the_step(digits, kind, step, most):
    def differences(steps):
        found = []
        for number, digit in enumerate(digits[::2]):
            try:
                image = ink.trace(scans.KINDS[kind](digit, np.random.default_rng(number)), steps).image
            except EmptyDrawing:
                image = np.zeros_like(digit)
            found.append(apart(image, digit))
        return np.mean(found)

    assert differences(ink.ALL) < min(most, differences(ink.ALL.without(step)))


def test_a_pen_of_any_width_gives_nearly_the_same_picture(digits):
    for digit in digits[::5]:
        thin, bold = (ink.trace(scans.drawn(digit, None, pen), ink.ALL).image for pen in (2, 24))
        before = [ink.trace(scans.drawn(digit, None, pen), ink.ALL.without("pen's width")).image for pen in (2, 24)]
        assert apart(thin, bold) < apart(*before)


def test_a_set_is_read_as_its_pictures_are(digits):
    small = np.array([scans.scanned(digit, None) for digit in digits[:6]])
    images, inked = ink.many(np.concatenate([small, np.zeros((1, 8, 8), np.uint8)]))
    assert inked.tolist() == [True] * 6 + [False] and not images[6].any()
    np.testing.assert_array_equal(images[:6], [ink.trace(picture).image for picture in small])
    # The same counted from 0 to 16, as such scans often are.
    counted, _ = ink.many(np.rint(small / 255 * 16).astype(np.uint8))
    assert apart(counted, images[:6]) < 2
    for wrong in (small.astype(float), small[0], np.zeros((0, 8, 8), np.uint8)):
        with pytest.raises(ImageError, match="needed is uint8"):
            ink.many(wrong)


def test_each_step_can_be_switched_off(digits):
    picture = scans.shadowed(digits[0], np.random.default_rng(0))
    for stage in ink.STAGES:
        off = ink.Steps().without(stage.name)
        # Without even light, this shadow hides the ink.
        plain = stage.name == "even light"
        result = ink.trace(seven(40, 4) if plain else picture, off)
        assert result.image.shape == (28, 28)
        assert [step.name for step in result.steps if not step.on] == [stage.name]
    with pytest.raises(ImageError, match="no step 'sharper'; there are upright"):
        ink.Steps(frozenset({"sharper"}))


def test_without_the_fit_a_digit_is_squashed_and_without_the_centre_it_is_in_the_middle():
    drawing = seven()
    squashed = ink.trace(drawing, ink.ALL.without("fitted in 20 x 20")).image
    assert squashed[0].any() and squashed[:, 0].any() and squashed[-1].any() and squashed[:, -1].any()
    placed = ink.trace(drawing, ink.ALL.without("centred by mass")).image
    rows, columns = np.flatnonzero(placed.any(axis=1)), np.flatnonzero(placed.any(axis=0))
    assert (rows[0], rows[-1]) == (4, 23) and abs(columns[0] - (27 - columns[-1])) <= 1


# ------------------------------------------------------------------------------ one step at a time


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_pillows(orientation):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(light.upright(pixels, orientation), np.asarray(ImageOps.exif_transpose(image)))


def test_luminance_is_pillows():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L")).astype(int)
    assert np.abs(light.luminance(pixels) - expected).max() <= 1


@pytest.mark.parametrize("pen", scans.PENS)
def test_a_coloured_pen_stands_out_as_no_single_mixture_does(digits, pen):
    picture = scans.coloured(digits[3], np.random.default_rng(1), pen)

    def signal(grey_of):
        """The pen's contrast in standard deviations of the paper's noise."""
        grey = grey_of(picture).astype(float)
        return np.ptp(np.quantile(grey, (0.01, 0.95))) / grey[:20].std()

    # A single channel keeps more of a JPEG's noise than their mean; a faint pen gains most.
    assert signal(light.pen_colour) > 0.8 * signal(light.luminance)
    if pen == "yellow":
        assert signal(light.pen_colour) > 2 * signal(light.luminance)
    assert apart(ink.trace(picture).image, digits[3]) < 14


def test_pens_colour_is_the_first_direction_of_all_changes():
    pixels = scans.coloured(mnist.load("train").images[0], np.random.default_rng(2), "red")
    colours, table = pixels.astype(float), np.zeros((3, 3))
    for y in range(len(colours)):
        for x in range(colours.shape[1]):
            for other in ((y + 1, x), (y, x + 1)):
                if other[0] < len(colours) and other[1] < colours.shape[1]:
                    change = colours[other] - colours[y, x]
                    table += np.outer(change, change)
    direction = np.array([1.0, 1.0, 1.0])
    for _ in range(200):  # power iteration
        direction = table @ direction / np.linalg.norm(table @ direction)
    assert (direction > 0).all()
    np.testing.assert_allclose(light.pen_colour(pixels), colours @ (direction / direction.sum()), atol=0.6)


def test_a_grey_picture_keeps_its_levels():
    grey = seven()
    np.testing.assert_array_equal(light.pen_colour(np.dstack([grey] * 3)), grey)
    np.testing.assert_array_equal(light.even_light(grey), grey)
    np.testing.assert_array_equal(lines.without_lines(ink.to_ink(grey)), ink.to_ink(grey))


@pytest.mark.parametrize(("height", "width"), [(60, 4), (60, 10), (5, 90)])
def test_thickness_is_that_of_a_bar(height, width):
    bar = np.zeros((120, 120), np.float32)
    bar[20 : 20 + height, 10 : 10 + width] = 1
    area, outline = height * width, 2 * (height + width)
    assert stroke.thickness(bar) == pytest.approx(2 * area / outline, rel=0.02)


def test_thickness_is_four_times_the_mean_distance_to_the_edge(digits):
    """Across a stroke of width w, distances run from 0 to w / 2, so that their mean is w / 4."""
    for digit in digits:
        large = scans.enlarged(digit, 280) > 127
        distance = ndimage.distance_transform_edt(large) - 0.5
        expected = 4 * distance[large].mean() / 10
        assert stroke.thickness(digit / np.float32(255)) == pytest.approx(expected, rel=0.3)


def test_the_limits_of_thickness_are_mnists():
    found = [stroke.thickness(image / np.float32(255)) for image in mnist.load("train").images[::60]]
    assert np.quantile(found, 0.01) == pytest.approx(stroke.THINNEST, abs=0.08)
    assert np.quantile(found, 0.99) == pytest.approx(stroke.THICKEST, abs=0.35)


@pytest.mark.parametrize("pen", [1, 2, 24, 40])
def test_a_pen_is_brought_within_the_limits(digits, pen):
    for digit in digits[::7]:
        steps = {step.name: step for step in ink.trace(scans.drawn(digit, None, pen)).steps}
        found = stroke.thickness(steps["fitted in 20 x 20"].image / np.float32(255))
        before = stroke.thickness(ink.fit(steps["smooth"].image / np.float32(255)))
        if before < stroke.THINNEST:
            assert before < found < stroke.THINNEST + 0.9
        elif before > stroke.THICKEST:
            # As far as no stroke breaks.
            assert found < 1.02 * before
        else:
            assert not steps["pen's width"].changed
