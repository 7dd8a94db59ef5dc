"""Numbers written in a row are cut into their digits, and touching ones are told."""

import numpy as np
import pytest

from mnist_core import ink
from mnist_core.data import mnist
from mnist_core.errors import EmptyDrawing, ImageError
from tests import scans
from tests.drawings import apart


@pytest.fixture(scope="module")
def test_images():
    return mnist.load("test").images


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("dark", [False, True])
def test_a_row_of_digits_is_cut_where_they_were_put(test_images, count, dark):
    rng = np.random.default_rng(count)
    right, rounds = 0, 8
    for _ in range(rounds):
        chosen = test_images[rng.choice(len(test_images), count)]
        page, spans = scans.row(chosen, rng)
        number = ink.cut(255 - page if dark else page)
        right += len(number.digits) == count
        if len(number.digits) == count:
            for digit, span in zip(number.digits, spans, strict=True):
                assert abs(digit.box[1] - span[0]) < 16 and abs(digit.box[3] - span[1]) < 16
            differences = [apart(d.ink.image, image) for d, image in zip(number.digits, chosen, strict=True)]
            assert np.median(differences) < 15
    assert right >= rounds - 1


def test_a_bar_above_belongs_to_its_digit_and_a_speck_to_none():
    page = np.zeros((200, 300), np.uint8)
    page[60:150, 40:50] = page[140:150, 40:90] = 255  # a body
    page[40:50, 42:95] = 255  # and its bar, which does not touch
    page[40:150, 150:162] = 255
    page[10:14, 250:254] = 255
    number = ink.cut(page)
    assert [digit.box for digit in number.digits] == [(40, 40, 150, 95), (40, 150, 150, 162)]


def test_slanted_neighbours_are_two():
    page = np.zeros((200, 200), np.uint8)
    for row in range(40, 160):
        for left in (60, 85):
            column = left + (160 - row) // 3
            page[row, column : column + 9] = 255
    assert len(ink.cut(page).digits) == 2


def test_one_digit_is_one(test_images):
    found = [ink.cut(image) for image in test_images[:200]]
    assert np.mean([len(number.digits) == 1 for number in found]) > 0.97
    alone = [number for number in found if len(number.digits) == 1]
    assert np.mean([number.digits[0].touching for number in alone]) < 0.04
    for number in alone[:20]:
        np.testing.assert_array_equal(number.digits[0].ink.image, number.whole.image)


def test_the_only_digit_is_made_once_and_is_what_its_piece_would_give(test_images):
    once = 0
    for image in test_images[:300]:
        ink_found, _ = ink.found_on(image)
        number = ink.cut(image)
        if number.digits[0].ink is number.whole:
            once += 1
            top, left, bottom, right = number.digits[0].box
            piece = ink.digit(ink_found[top:bottom, left:right])
            np.testing.assert_array_equal(number.whole.image, piece.image)
    assert once > 280


def test_the_only_digit_is_more_than_its_piece_where_specks_or_paper_belong_to_it(test_images):
    seven = np.pad(test_images[0], 20)
    speck = seven.copy()
    speck[42, 28] = 255  # below the bar, left of the stem
    for number in (ink.cut(speck), ink.cut(seven, ink.ALL.without("cropped"))):
        assert len(number.digits) == 1 and (number.digits[0].ink.image != number.whole.image).any()


def test_touching_digits_are_told(test_images):
    page, _ = scans.row(test_images[[3, 10, 13]], np.random.default_rng(0), gap=(-0.1, -0.1))
    (digit,) = ink.cut(page).digits  # three zeros
    assert digit.touching
    rng, told = np.random.default_rng(1), []
    while len(told) < 40:
        page, _ = scans.row(test_images[rng.choice(len(test_images), 2)], rng, gap=(-0.12, -0.06))
        found = ink.cut(page).digits
        told += [digit.touching for digit in found] if len(found) == 1 else []
    assert np.mean(told) > 0.5


def test_what_is_no_number_is_told():
    with pytest.raises(EmptyDrawing):
        ink.cut(np.full((50, 50), 255, np.uint8))
    dots = np.zeros((300, 300), np.uint8)
    dots[10:290:20, 10:290:20] = 255
    with pytest.raises(ImageError, match="196 separate pieces"):
        ink.cut(dots)
