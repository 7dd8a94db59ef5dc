"""Each step that undoes a photo, a scan or a pen: against a plain loop, and on pictures made of MNIST's digits."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import ndimage

from mnist_core import ink
from mnist_core.data import mnist
from mnist_core.errors import EmptyDrawing, ImageError
from mnist_core.ink import light, lines, stroke, surroundings
from tests import scans
from tests.drawings import apart, seven


@pytest.fixture(scope="module")
def digits():
    """Every kind of digit four times, uint8 (40, 28, 28), of the training set."""
    train = mnist.load("train")
    return np.concatenate([train.images[train.labels == label][:4] for label in range(10)])


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


@pytest.mark.parametrize("light_ink", [False, True])
def test_a_slope_of_light_is_taken_from_paper_and_board(light_ink):
    slope = np.linspace(0.4, 1, 200)[:, None] * np.ones((1, 200))
    strokes = 1 - seven() / 255
    lit = (60 + 120 * slope + 70 * strokes) if light_ink else 230 * slope * (1 - 0.8 * strokes)
    even = light.even_light(lit.astype(np.uint8))
    blank = strokes == 0
    assert np.ptp(np.quantile(lit[blank], (0.01, 0.99))) > 60 > 30 > np.ptp(np.quantile(even[blank], (0.01, 0.99)))
    assert apart(ink.trace(lit.astype(np.uint8)).image, ink.trace(seven()).image) < 6


def test_lines_go_and_what_crosses_them_stays():
    page = np.zeros((200, 240), np.float32)
    page[40:160, 118:126] = 1
    clean = page.copy()
    for row in range(20, 200, 40):
        page[row : row + 2] = np.maximum(page[row : row + 2], 0.4)
    for column in (30, 70, 210):
        page[:, column] = np.maximum(page[:, column], 0.4)
    np.testing.assert_allclose(lines.without_lines(page), clean, atol=0.01)


@pytest.mark.parametrize("index", range(0, 40, 3))
def test_a_tightly_cropped_digit_keeps_its_own_bars(digits, index):
    drawing = scans.cropped(scans.drawn(digits[index], None, 3, 200)) / np.float32(255)
    np.testing.assert_array_equal(lines.without_lines(drawing), drawing)


def bar(page, top, left, bottom, right):
    page[top:bottom, left:right] = 1
    return page


def test_a_pens_own_level_bar_is_no_line_however_long_and_thin():
    seven = bar(np.zeros((280, 280), np.float32), 30, 35, 38, 245)
    rows, columns = np.mgrid[:280, :280]
    seven[(rows >= 30) & (rows < 250) & (abs(columns + 0.6 * rows - 255) < 5)] = 1
    np.testing.assert_array_equal(lines.without_lines(seven), seven)


def test_upright_digits_of_a_number_are_no_lines():
    """A row of 1 0 1 that fills three quarters of the picture's height."""
    page = bar(bar(np.zeros((200, 500), np.float32), 25, 90, 175, 102), 25, 400, 175, 412)
    rows, columns = np.mgrid[:200, :500]
    page[abs(np.hypot((rows - 100) / 75, (columns - 250) / 55) - 1) < 0.12] = 1
    np.testing.assert_array_equal(lines.without_lines(page), page)


def test_printed_lines_as_dark_as_the_pen_go():
    page = bar(np.zeros((200, 240), np.float32), 40, 118, 160, 126)
    lined = page.copy()
    lined[[19, 20, 79, 80, 139, 140, 189, 190]] = 1
    found = lines.without_lines(lined)
    np.testing.assert_array_equal(found[[19, 79, 139, 189], :100], 0)
    assert np.abs(found - page).mean() < 0.01


@pytest.mark.parametrize("kind", ["light", "dark"])
def test_a_drawing_without_a_camera_keeps_its_light_however_tightly_it_is_cut(digits, kind):
    for digit in digits[::3]:
        tight = scans.cropped(digit)
        large = np.asarray(Image.fromarray(tight).resize((15 * tight.shape[1], 15 * tight.shape[0])))
        large = 255 - large if kind == "dark" else large
        if tight.shape[1] > 7:  # the strokes of a narrow 1 leave no paper to be seen
            np.testing.assert_array_equal(light.even_light(large), large)


def test_strokes_that_touch_the_border_stay():
    """2 0, cut close to the 2, which is the larger one; and a 5 whose bar leaves the picture."""
    page = np.zeros((200, 400), np.float32)
    rows, columns = np.mgrid[:200, :400]
    page[abs(np.hypot((rows - 100) / 70, (columns - 300) / 50) - 1) < 0.15] = 1
    bar(bar(bar(bar(page, 0, 20, 16, 120), 0, 104, 100, 120), 90, 20, 106, 120), 90, 20, 200, 36)
    bar(page, 184, 20, 200, 150)
    np.testing.assert_array_equal(surroundings.without_surroundings(page), page)


@pytest.mark.parametrize("label", range(10))
def test_a_speck_in_a_digit_that_is_cut_close_does_not_make_a_table_of_it(digits, label):
    """A spot of 3 % of the ink, on paper: in the ring of the 0, else in a corner."""
    for digit in digits[4 * label : 4 * label + 4]:
        tight = scans.cropped(digit)
        large = np.asarray(Image.fromarray(tight).resize((8 * tight.shape[1], 8 * tight.shape[0]))) / np.float32(255)
        if min(large.shape) < surroundings.LEAST_SIDE:
            continue
        away = ndimage.distance_transform_edt(np.pad(large == 0, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(away.argmax(), away.shape)
        half = min(int(away.max()) - 2, int(np.sqrt(0.03 * large.sum()) / 2))
        if half < 1 or row <= half or column <= half:
            continue
        page = bar(large.copy(), row - half, column - half, row + half, column + half)
        np.testing.assert_array_equal(surroundings.without_surroundings(page) > 0.5, page > 0.5)


def test_a_shadow_is_taken_from_paper_that_is_too_bright_elsewhere(digits):
    """Half of the sheet is white as no pen can make it, and a shadow lies over the other half and the digit."""
    for digit in digits[::7]:
        page = np.full((400, 400), 255.0)
        page[120:280, 120:280] -= 200 * (scans.enlarged(digit, 160) / 255)
        page[:, 200:] *= 0.6
        found = ink.trace(np.clip(page, 0, 255).astype(np.uint8)).image
        assert apart(found, ink.trace(scans.enlarged(digit, 160)).image) < 16


def test_a_dark_margin_goes_if_it_lies_beside_the_digit():
    page = np.zeros((400, 400), np.float32)
    rows, columns = np.mgrid[:400, :400]
    page[abs(np.hypot((rows - 200) / 90, (columns - 230) / 60) - 1) < 0.15] = 1
    with_margin, underlined = page.copy(), page.copy()
    with_margin[:, 60:64] = 1
    underlined[330:334] = 1
    np.testing.assert_array_equal(lines.without_lines(with_margin), page)
    np.testing.assert_array_equal(lines.without_lines(underlined), page)


def test_a_table_goes_even_if_there_is_more_of_it_than_of_the_digit():
    page = ink.to_ink(seven())
    height, width = page.shape
    rows, columns = np.mgrid[:height, :width]
    with_corner = page.copy()
    with_corner[rows + columns > 1.6 * height] = 1
    with_corner[:, :6] = 1
    assert (with_corner - page).sum() > page.sum()
    np.testing.assert_array_equal(surroundings.without_surroundings(with_corner), page)


def test_what_the_border_cuts_off_goes_if_the_digit_is_whole():
    page = ink.to_ink(seven())
    with_table = page.copy()
    with_table[:, -9:] = 1
    np.testing.assert_array_equal(surroundings.without_surroundings(with_table), page)
    cut = page[:, 60:]
    cut = np.pad(cut[50:], ((0, 50), (0, 0)))
    np.testing.assert_array_equal(surroundings.without_surroundings(cut), cut)


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
