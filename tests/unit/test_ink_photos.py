"""The steps for photos: light, lines and the table go, and drawings are left as they are."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from mnist_core import ink
from mnist_core.ink import light, lines, surroundings
from tests import scans
from tests.drawings import apart, mnist_like, seven


@pytest.fixture(scope="module")
def digits():
    return scans.of_each_digit(4)


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


def test_a_scan_of_few_pixels_that_was_enlarged_keeps_its_light(digits):
    """Its blurred strokes are as broad as a shadow might be."""
    for number, digit in enumerate(digits):
        random = np.random.default_rng(number)
        coarse = scans.scanned(digit, random, 8, stretched=bool(number % 2))
        sheet = np.zeros((280, 280), np.uint8)
        sheet[40:220, 20:200] = scans.enlarged(coarse, 180)
        for either in (sheet, 255 - sheet):
            np.testing.assert_array_equal(light.even_light(either), either)


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
    """The sheet is white as no pen can make it, but for a shadow over nearly half of it and of the digit."""
    for digit in digits[::7]:
        page = np.full((400, 400), 255.0)
        page[120:280, 120:280] -= 200 * (scans.enlarged(digit, 160) / 255)
        page[:, 220:] *= 0.6
        found = ink.trace(np.clip(page, 0, 255).astype(np.uint8)).image
        assert apart(found, ink.trace(scans.enlarged(digit, 160)).image) < 16


def test_a_shadow_over_nearly_half_of_a_number_is_taken_from_its_paper(digits):
    for three in (digits[:12:4], digits[21:33:4]):
        page = np.full((200, 800), 255.0)
        for place, digit in enumerate(three):
            page[40:160, 60 + 240 * place : 180 + 240 * place] -= 200 * (scans.enlarged(digit, 120) / 255)
        page[:, 440:] *= 0.6
        found = ink.cut(page.astype(np.uint8)).digits
        assert len(found) == 3
        for piece, digit in zip(found, three, strict=True):
            assert apart(piece.ink.image, ink.trace(scans.enlarged(digit, 120)).image) < 16


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


@pytest.mark.parametrize("kind", ["table's edge", "broad table"])
def test_a_table_goes_however_small_the_digit_and_however_broad_the_table(digits, kind):
    for number, digit in enumerate(digits[::4]):
        found = ink.trace(scans.KINDS[kind](digit, np.random.default_rng(number))).image
        assert apart(found, ink.trace(scans.enlarged(digit, 100)).image) < 20


def zero(page, left, shorter, stroke):
    """A ring 80 pixels wide that ends so many rows from the picture's upper and lower side."""
    rows, columns = np.mgrid[: page.shape[0], : page.shape[1]]
    away, across = rows - (len(page) - 1) / 2, columns - (left + 40)
    high = len(page) / 2 - shorter
    page[(np.hypot(away / high, across / 40) <= 1) & (np.hypot(away / (high - stroke), across / (40 - stroke)) > 1)] = 1


@pytest.mark.parametrize("shorter", [0, 2, 6])
@pytest.mark.parametrize("stroke", [6, 10, 14])
def test_the_1_of_a_number_that_is_cut_close_stays(stroke, shorter):
    """100, of which the 1 is as high as the picture: neither a margin's line nor the table."""
    page = bar(np.zeros((200, 200 + stroke), np.float32), 0, 0, 200, stroke)
    for left in (stroke + 20, stroke + 119):
        zero(page, left, shorter, stroke)
    for found in (lines.without_lines(page), surroundings.without_surroundings(page)):
        np.testing.assert_array_equal(found, page)
    assert len(ink.cut((255 * page).astype(np.uint8)).digits) == 3


def test_a_small_digit_is_found_on_a_large_sheet(digits):
    """All of its ink is less than one pixel in 10,000 of the sheet."""
    for digit in digits[:10]:
        sheet = np.zeros((1400, 1300), np.uint8)
        sheet[1000:1028, 200:228] = digit
        np.testing.assert_array_equal(mnist_like(sheet), mnist_like(digit))


def test_a_border_that_is_half_of_ink_says_nothing_about_noise():
    """101, cut close: the strokes along two sides are no noise of the paper between them."""
    page = np.zeros((120, 110), np.uint8)
    page[:, :8] = page[:, -8:] = 255
    rows, columns = np.mgrid[:120, :110]
    page[abs(np.hypot((rows - 59.5) / 52, (columns - 54.5) / 32) - 1) < 0.12] = 255
    np.testing.assert_array_equal(ink.to_ink(page) > 0, page > 0)
