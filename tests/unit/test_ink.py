"""Drawings end where MNIST would have put them, and nothing but a picture gets through."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from mnist_core import ink
from mnist_core.errors import EmptyDrawing, ImageError
from tests.drawings import apart, enlarged, mnist_like, placed, seven

MNIST = Path(ink.__file__).parents[1] / "data" / "mnist.npz"


@pytest.fixture(scope="module")
def digits():
    """Three hundred MNIST test images, uint8 (300, 28, 28)."""
    with np.load(MNIST) as data:
        return data["x_test"][::33][:300]


# ------------------------------------------------------------------------------ the whole way


def test_mnist_digits_come_out_as_they_were(digits):
    through = np.array([mnist_like(digit) for digit in digits])
    differences = np.array([apart(*pair) for pair in zip(through, digits, strict=True)])
    # The few others have a centre of mass half-way between two pixels, and move by one.
    assert np.mean(differences < 1.5) > 0.95
    assert differences.mean() < 1
    inverted = np.array([mnist_like(255 - digit) for digit in digits])
    np.testing.assert_array_equal(inverted, through)


def test_enlarged_mnist_digits_come_back_from_anywhere_on_the_page(digits):
    rng = np.random.default_rng(0)
    differences, untouched = [], []
    for digit in digits[:100]:
        page = placed(enlarged(digit, 280), *rng.integers(0, 121, 2))
        differences.append(apart(mnist_like(page), digit))
        untouched.append(apart(np.asarray(Image.fromarray(page).resize((28, 28))), digit))
    assert np.mean(differences) < 7.5 < 25 < np.mean(untouched)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 200), (200, 0), (123, 77)])
def test_a_moved_drawing_gives_the_same_picture(row, column):
    moved = placed(seven(), row, column, paper=255)
    np.testing.assert_array_equal(mnist_like(moved), mnist_like(seven()))


@pytest.mark.parametrize("scale", [0.3, 0.5, 2, 4])
def test_a_drawing_of_another_size_gives_nearly_the_same_picture(scale):
    other = seven(round(200 * scale), round(20 * scale))
    assert apart(mnist_like(other), mnist_like(seven())) < 4


def test_colours_and_contrast_do_not_matter():
    drawing = seven()
    expected = mnist_like(drawing)
    np.testing.assert_array_equal(mnist_like(255 - drawing), expected)
    pale = (180 - (255 - drawing.astype(float)) * 0.3).astype(np.uint8)
    assert apart(mnist_like(pale), expected) < 1
    noise = np.random.default_rng(0).normal(0, 6, drawing.shape)
    noisy = np.clip(60 + drawing * 0.6 + noise, 0, 255).astype(np.uint8)
    assert apart(mnist_like(noisy), expected) < 4


def test_a_dead_pixel_does_not_turn_the_picture_inside_out():
    grey = (seven() * 0.3 + 60).astype(np.uint8)
    expected = mnist_like(grey)
    grey[30, 190] = 255  # further from the paper, at 136, than the ink, at 60
    np.testing.assert_array_equal(mnist_like(grey), expected)


def test_dust_does_not_move_the_digit_and_strokes_are_not_dust():
    dusty = placed(seven(), 100, 100, paper=255)
    expected = mnist_like(dusty)
    dusty[5:8, 5:8] = 0
    dusty[390:393, 30:33] = 0
    np.testing.assert_array_equal(mnist_like(dusty), expected)

    dotted = np.zeros((200, 200), np.uint8)
    dotted[150:158, 20:180:16] = 255  # ten dots, each a tenth of the ink
    cropped = ink.crop(ink.to_ink(dotted))
    assert cropped.shape == (8, 145)


@settings(max_examples=300, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=64)))
def test_any_pixels_give_a_picture_or_an_image_error(grey):
    try:
        result = ink.digit(ink.to_ink(grey))
    except ImageError:
        return
    assert result.image.shape == (28, 28) and result.image.dtype == np.uint8
    assert result.image.max() == 255


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 64), st.integers(1, 64), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_scattered_pixels_give_a_picture_or_an_image_error(height, width, seed, share):
    grey = np.uint8(255) * (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8)
    try:
        result = ink.digit(ink.to_ink(grey))
    except EmptyDrawing:
        return
    assert result.image.max() == 255


@given(hnp.arrays(np.float32, (9, 7), elements=st.floats(0, 1, width=32)))
def test_any_ink_gives_a_picture_or_an_empty_drawing(amounts):
    try:
        result = ink.digit(amounts)
    except EmptyDrawing:
        assert amounts.max() < 1 / 255
        return
    assert result.image.max() == 255


def test_the_steps_lead_to_the_picture():
    result = ink.trace(seven())
    assert [step.name for step in result.steps] == [stage.name for stage in ink.STAGES]
    assert all(step.help and step.on and step.image.dtype == np.uint8 for step in result.steps)
    step = {step.name: step.image for step in result.steps}
    found, cropped, fitted, centred = (
        step[name] for name in ("ink found", "cropped", "fitted in 20 x 20", "centred by mass")
    )
    assert found.shape == (200, 200)
    np.testing.assert_array_equal(found, 255 - seven())
    assert cropped[0].any() and cropped[-1].any() and cropped[:, 0].any() and cropped[:, -1].any()
    assert max(fitted.shape) == 20 and fitted.max() == 255
    np.testing.assert_array_equal(centred, result.image)


# ------------------------------------------------------------------------------ each step against a loop


def test_to_ink_is_the_loop_of_its_description():
    rng = np.random.default_rng(3)
    grey = np.clip(seven(60, 6) * 0.7 + 30 + rng.normal(0, 3, (60, 60)), 0, 255).astype(np.uint8)
    border = sorted(int(grey[i, j]) for i in range(60) for j in range(60) if min(i, j) < 3 or max(i, j) >= 57)
    paper = np.median(border)
    noise = 1.4826 * np.median([abs(level - paper) for level in border])
    darkest = paper - int(grey.min())
    assert darkest > int(grey.max()) - paper
    gate = max(5 * noise, darkest / 16)
    inside = [paper - level for level in grey.ravel().tolist() if paper - level >= darkest / 2]
    full = np.quantile(inside, 0.9)
    expected = np.zeros((60, 60))
    for i in range(60):
        for j in range(60):
            if paper - int(grey[i, j]) > gate:
                expected[i, j] = min((paper - int(grey[i, j])) / full, 1)
    found = ink.to_ink(grey)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (found[:5] == 0).all() and (found == 1).any()


def test_crop_is_the_bounding_box():
    amounts = np.zeros((30, 40), np.float32)
    amounts[7:19, 11:31] = np.random.default_rng(0).random((12, 20)) + 1e-3
    np.testing.assert_array_equal(ink.crop(amounts / 2), amounts[7:19, 11:31] / 2)


def hamming_resized(picture, length):
    """Resample the first axis with Hamming's windowed sinc, widened when it reduces; one pixel at a time."""
    scale = picture.shape[0] / length
    width = max(scale, 1.0)
    result = np.zeros((length, *picture.shape[1:]))
    for i in range(length):
        total = 0.0
        for k in range(picture.shape[0]):
            x = (k + 0.5 - (i + 0.5) * scale) / width
            if abs(x) < 1:
                weight = np.sinc(x) * (0.54 + 0.46 * math.cos(math.pi * x))
                result[i] += weight * picture[k]
                total += weight
        result[i] /= total
    return result


@pytest.mark.parametrize(
    ("shape", "size"), [((97, 61), (20, 13)), ((20, 20), (20, 20)), ((9, 12), (15, 20)), ((33, 90), (7, 20))]
)
def test_fit_is_the_loop_of_an_anti_aliased_resize(shape, size):
    amounts = np.random.default_rng(1).random(shape).astype(np.float32)
    expected = hamming_resized(hamming_resized(amounts, size[0]).T, size[1]).T
    fitted = ink.fit(amounts)
    assert fitted.shape == size
    np.testing.assert_allclose(fitted, expected / expected.max(), atol=1e-4)


@pytest.mark.parametrize("shape", [(20, 20), (20, 9), (3, 20), (1, 1)])
def test_centre_puts_the_centre_of_mass_where_mnist_does(shape):
    amounts = np.random.default_rng(2).random(shape).astype(np.float32)
    whole = ink.centre(amounts)
    assert whole.shape == (28, 28) and whole.sum() == pytest.approx(amounts.sum())
    mass = row = column = 0.0
    for i in range(28):
        for j in range(28):
            mass += whole[i, j]
            row += i * whole[i, j]
            column += j * whole[i, j]
    assert abs(row / mass - 14) <= 0.501 and abs(column / mass - 14) <= 0.501


def test_mnist_centres_mass_at_pixel_14(digits):
    """The constant behind ``centre``: MNIST's centres of mass lie within half a pixel of index 14."""
    index = np.arange(28)
    mass = digits.sum(axis=(1, 2), dtype=float)
    rows, columns = digits.sum(axis=2) @ index / mass, digits.sum(axis=1) @ index / mass
    assert np.abs(rows - 14).max() < 0.501 and np.abs(columns - 14).max() < 0.501


def test_a_lopsided_stroke_stays_whole():
    amounts = np.zeros((20, 20), np.float32)
    amounts[:3, :] = 1
    amounts[:, 0] = 0.05
    whole = ink.centre(amounts)
    assert whole.sum() == pytest.approx(amounts.sum())
    assert whole[27].any()


# ------------------------------------------------------------------------------ odd drawings


def test_a_dot_stays_small_and_a_long_line_stays_a_line():
    dot = np.zeros((100, 100), np.uint8)
    dot[3:6, 90:93] = 255
    image = mnist_like(dot)
    assert 81 <= np.count_nonzero(image) <= 100 and image[14, 14] == 255

    line = np.full((10, 1000), 255, np.uint8)
    line[5, 2:998] = 0
    image = mnist_like(line)
    # About as thick as MNIST's thinnest pens and no more.
    assert (image[14, 4:24] > 200).all() and not image[:12].any() and not image[17:].any()
    assert 20 <= image.sum() / 255 <= 44


@pytest.mark.parametrize("level", [0, 90, 255])
@pytest.mark.parametrize("noise", [0, 2, 8])
def test_a_blank_picture_is_empty_however_noisy(level, noise):
    for shape in [(1, 1), (28, 28), (280, 300)]:
        paper = np.random.default_rng(noise).normal(level, noise, shape)
        with pytest.raises(EmptyDrawing, match="picture is empty"):
            ink.to_ink(np.clip(paper, 0, 255).astype(np.uint8))


def test_no_ink_is_empty_and_wrong_arrays_are_told():
    with pytest.raises(EmptyDrawing, match="picture is empty"):
        ink.digit(np.zeros((5, 5), np.float32))
    for wrong in [np.zeros((2, 2, 2)), np.zeros((0, 4)), np.full((2, 2), 2.0), np.full((2, 2), np.nan)]:
        with pytest.raises(ImageError, match="needed are numbers from 0 to 1"):
            ink.digit(wrong)
    for wrong in [np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8)]:
        with pytest.raises(ImageError, match=r"needed is uint8 \(H, W\)"):
            ink.to_ink(wrong)
    for wrong in [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4)), np.zeros((0, 4, 4), np.uint8)]:
        with pytest.raises(ImageError, match=r"needed is uint8 \(H, W, 4\)"):
            ink.found_on(ink.canvas(wrong))[0]


@pytest.mark.parametrize(
    ("pen", "background"),
    [((0, 0, 0), (255, 255, 255)), ((255, 255, 255), (0, 0, 0)), ((0, 120, 0), (204, 17, 34))],
)
def test_a_canvas_of_any_colours_gives_its_ink(pen, background):
    strokes = 255 - seven()
    transparent = np.zeros((200, 200, 4), np.uint8)
    transparent[..., :3], transparent[..., 3] = pen, strokes
    painted = np.full((200, 200, 4), 255, np.uint8)
    share = strokes[..., None] / 255
    painted[..., :3] = np.rint(share * np.array(pen) + (1 - share) * np.array(background))
    for canvas in (transparent, painted):
        amounts = ink.found_on(ink.canvas(canvas, background))[0]
        assert amounts.dtype == np.float32 and amounts.shape == (200, 200)
        assert apart(ink.digit(amounts).image, mnist_like(seven())) < 0.5


def test_a_canvas_knows_its_paper_even_when_ink_covers_the_border():
    canvas = np.full((50, 50, 4), 255, np.uint8)
    canvas[:, :, :3] = 0
    canvas[10:40, 10:40, :3] = 255
    assert ink.found_on(ink.canvas(canvas))[0][0, 0] == 1
    with pytest.raises(EmptyDrawing):
        ink.found_on(ink.canvas(np.full((50, 50, 4), 255, np.uint8)))[0]
