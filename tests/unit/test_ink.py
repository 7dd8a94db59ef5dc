"""Drawings end where MNIST would have put them, and nothing but a picture gets through."""

import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from mnist_core import ink
from mnist_core.errors import EmptyDrawing, ImageError

MNIST = Path(ink.__file__).parent / "data" / "mnist.npz"


@pytest.fixture(scope="module")
def digits():
    """Three hundred MNIST test images, uint8 (300, 28, 28)."""
    with np.load(MNIST) as data:
        return data["x_test"][::33][:300]


def seven(side=200, pen=20):
    """A 7 in black on white, uint8 (side, side), drawn with a round anti-aliased pen.

    Its centre of mass is not half-way between two pixels, where a hair's breadth moves the picture by one.
    """
    picture = Image.new("L", (4 * side, 4 * side), 255)
    corners = [(0.35 * side, 0.2 * side), (0.7 * side, 0.2 * side), (0.5 * side, 0.8 * side)]
    corners = [(4 * x, 4 * y) for x, y in corners]
    draw = ImageDraw.Draw(picture)
    draw.line(corners, fill=0, width=4 * pen)
    for x, y in corners:
        draw.ellipse((x - 2 * pen, y - 2 * pen, x + 2 * pen, y + 2 * pen), fill=0)
    return np.array(picture.reduce(4))


def mnist_like(grey):
    return ink.normalize(ink.to_ink(grey)).image


def apart(one, other):
    """The mean absolute difference of two pictures in grey levels."""
    return np.abs(one.astype(int) - other.astype(int)).mean()


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def enlarged(digit, side):
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))


def placed(picture, row, column, shape=(400, 400), paper=0):
    page = np.full(shape, paper, np.uint8)
    page[row : row + picture.shape[0], column : column + picture.shape[1]] = picture
    return page


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
        result = ink.normalize(ink.to_ink(grey))
    except ImageError:
        return
    assert result.image.shape == (28, 28) and result.image.dtype == np.uint8
    assert result.image.max() == 255


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 64), st.integers(1, 64), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_scattered_pixels_give_a_picture_or_an_image_error(height, width, seed, share):
    grey = np.uint8(255) * (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8)
    try:
        result = ink.normalize(ink.to_ink(grey))
    except EmptyDrawing:
        return
    assert result.image.max() == 255


@given(hnp.arrays(np.float32, (9, 7), elements=st.floats(0, 1, width=32)))
def test_any_ink_gives_a_picture_or_an_empty_drawing(amounts):
    try:
        result = ink.normalize(amounts)
    except EmptyDrawing:
        assert amounts.max() < 1 / 255
        return
    assert result.image.max() == 255


def test_the_steps_lead_to_the_picture():
    result = ink.normalize(ink.to_ink(seven()))
    assert [step.name for step in result.steps] == [
        "ink found",
        "cropped",
        "fitted in 20 x 20",
        "centred by mass",
    ]
    assert all(step.help and step.image.dtype == np.uint8 for step in result.steps)
    found, cropped, fitted, centred = (step.image for step in result.steps)
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
    assert 49 <= np.count_nonzero(image) <= 64 and image[14, 14] == 255

    line = np.full((10, 1000), 255, np.uint8)
    line[5, 2:998] = 0
    image = mnist_like(line)
    assert np.count_nonzero(image) == 20 and (image[14, 4:24] == 255).all()


@pytest.mark.parametrize("level", [0, 90, 255])
@pytest.mark.parametrize("noise", [0, 2, 8])
def test_a_blank_picture_is_empty_however_noisy(level, noise):
    for shape in [(1, 1), (28, 28), (280, 300)]:
        paper = np.random.default_rng(noise).normal(level, noise, shape)
        with pytest.raises(EmptyDrawing, match="picture is empty"):
            ink.to_ink(np.clip(paper, 0, 255).astype(np.uint8))


def test_no_ink_is_empty_and_wrong_arrays_are_told():
    with pytest.raises(EmptyDrawing, match="picture is empty"):
        ink.normalize(np.zeros((5, 5), np.float32))
    for wrong in [np.zeros((2, 2, 2)), np.zeros((0, 4)), np.full((2, 2), 2.0), np.full((2, 2), np.nan)]:
        with pytest.raises(ImageError, match="needed are numbers from 0 to 1"):
            ink.normalize(wrong)
    for wrong in [np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8)]:
        with pytest.raises(ImageError, match=r"needed is uint8 \(H, W\)"):
            ink.to_ink(wrong)
    for wrong in [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4)), np.zeros((0, 4, 4), np.uint8)]:
        with pytest.raises(ImageError, match=r"needed is uint8 \(H, W, 4\)"):
            ink.from_canvas(wrong)


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
        amounts = ink.from_canvas(canvas, background)
        assert amounts.dtype == np.float32 and amounts.shape == (200, 200)
        assert apart(ink.normalize(amounts).image, mnist_like(seven())) < 0.5


def test_a_canvas_knows_its_paper_even_when_ink_covers_the_border():
    canvas = np.full((50, 50, 4), 255, np.uint8)
    canvas[:, :, :3] = 0
    canvas[10:40, 10:40, :3] = 255
    assert ink.from_canvas(canvas)[0, 0] == 1
    with pytest.raises(EmptyDrawing):
        ink.from_canvas(np.full((50, 50, 4), 255, np.uint8))


# ------------------------------------------------------------------------------ files


@pytest.mark.parametrize("kind", ink.FORMATS)
def test_every_format_is_read_from_bytes_and_from_a_path(kind, tmp_path):
    picture = Image.fromarray(seven(80, 8)).convert("RGB")
    data = encoded(picture, kind)
    path = tmp_path / "seven"
    path.write_bytes(data)
    grey = ink.read_image(data)
    assert grey.dtype == np.uint8 and apart(grey, seven(80, 8)) < 2
    for source in (path, str(path)):
        np.testing.assert_array_equal(ink.read_image(source), grey)
    assert apart(ink.normalize_picture(data).image, mnist_like(seven(80, 8))) < 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_kind_of_png_pixel_is_read(mode):
    drawing = seven(80, 8)
    if mode == "I;16":
        picture = Image.fromarray(drawing.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(drawing).convert(mode)
    assert picture.mode == mode
    assert apart(ink.read_image(encoded(picture)), drawing) < (4 if mode == "1" else 0.5)


def test_cmyk_and_32_bit_pictures_are_read():
    drawing = seven(80, 8)
    cmyk = encoded(Image.fromarray(drawing).convert("RGB").convert("CMYK"), "JPEG", quality=95)
    assert apart(ink.read_image(cmyk), drawing) < 2
    for levels in (drawing.astype(np.float32) / 255, drawing.astype(np.int32) * 1000):
        picture = encoded(Image.fromarray(levels), "TIFF")
        np.testing.assert_array_equal(ink.read_image(picture), drawing)
    blank = encoded(Image.fromarray(np.full((5, 5), np.nan, np.float32)), "TIFF")
    assert not ink.read_image(blank).any()


@pytest.mark.parametrize(("pen", "paper"), [(0, 255), (40, 255), (255, 0), (220, 0)])
def test_a_transparent_drawing_gets_paper_it_can_be_seen_on(pen, paper):
    strokes = 255 - seven(80, 8)
    drawing = Image.merge("LA", [Image.new("L", (80, 80), pen), Image.fromarray(strokes)])
    for mode in ("LA", "RGBA"):
        grey = ink.read_image(encoded(drawing.convert(mode)))
        assert grey[0, 0] == paper and abs(int(grey[16, 40]) - pen) <= 1
        assert apart(mnist_like(grey), mnist_like(seven(80, 8))) < 1


def test_a_palette_with_a_transparent_colour_is_flattened():
    picture = Image.fromarray(np.where(seven(80, 8) < 128, 1, 0).astype(np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 0, 0, 0])
    grey = ink.read_image(encoded(picture, transparency=0))
    assert grey[0, 0] == 255 and grey[16, 40] == 0


def test_holes_in_a_pictures_own_paper_become_paper():
    alpha = np.full((80, 80), 255, np.uint8)
    alpha[:9, :9] = alpha[-9:, -9:] = 0
    for grey in (seven(80, 8), 255 - seven(80, 8)):
        picture = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
        assert apart(ink.normalize_picture(encoded(picture)).image, mnist_like(seven(80, 8))) == 0


def test_nothing_visible_is_an_empty_drawing():
    with pytest.raises(EmptyDrawing):
        ink.normalize_picture(encoded(Image.new("RGBA", (30, 30), (0, 0, 0, 0))))


def test_the_first_frame_of_an_animation_is_read():
    first, second = Image.fromarray(seven(80, 8)), Image.new("L", (80, 80), 0)
    data = encoded(first, "GIF", save_all=True, append_images=[second])
    np.testing.assert_array_equal(ink.read_image(data), seven(80, 8))


def test_a_photo_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: show it turned clockwise by 90 degrees
    on_its_side = Image.fromarray(np.rot90(seven(160, 16)).copy())
    data = encoded(on_its_side, "JPEG", exif=exif, quality=95)
    assert apart(ink.read_image(data), seven(160, 16)) < 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_is_reduced_on_reading(kind):
    large = Image.fromarray(seven(250, 25)).resize((3000, 3000))
    for mode in ("L", "RGBA") if kind == "PNG" else ("L", "RGB"):
        grey = ink.read_image(encoded(large.convert(mode), kind))
        assert 512 <= grey.shape[0] == grey.shape[1] <= 1024
        assert apart(mnist_like(grey), mnist_like(seven(250, 25))) < 2


def png_header(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((20_000, 20_000), "too large"),
        ((10_000, 10_000), "10,000 x 10,000 pixels; allowed are 1 to 40 million"),
        ((8_000, 5_001), "8,000 x 5,001 pixels"),
    ],
)
def test_the_size_is_refused_before_decoding(size, told, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("a pixel was decoded"))
    with pytest.raises(ImageError, match=told):
        ink.read_image(png_header(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"this is a text, not a picture",
        encoded(Image.fromarray(seven()))[:-100],
        encoded(Image.fromarray(seven()))[:20],
        encoded(Image.fromarray(seven()), "JPEG")[:900],
        encoded(Image.fromarray(seven()), "GIF")[:60],
        encoded(Image.fromarray(seven()), "PPM"),  # readable by Pillow, and not one of our formats
        png_header(0, 10),
        png_header(28, 28),
    ],
    ids=["empty", "text", "cut PNG", "PNG header", "cut JPEG", "cut GIF", "PPM", "no pixels", "few pixels"],
)
def test_what_is_not_a_picture_is_told_in_a_sentence(data, tmp_path):
    path = tmp_path / "upload.png"
    path.write_bytes(data)
    for source, name in [(data, f"A file of {len(data):,} bytes"), (path, "upload.png")]:
        with pytest.raises(ImageError, match="save it again as PNG or JPEG") as caught:
            ink.read_image(source)
        assert name in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about damaged TIFF tags
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ink.FORMATS), st.data())
def test_damaged_bytes_give_a_picture_or_an_image_error(kind, data):
    file = bytearray(encoded(Image.fromarray(seven(40, 4)).convert("RGB"), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        grey = ink.read_image(bytes(file))
    except ImageError:
        return
    assert grey.dtype == np.uint8 and grey.ndim == 2 and grey.size


def test_one_pixel_and_a_missing_file():
    assert ink.read_image(encoded(Image.new("L", (1, 1), 9))).tolist() == [[9]]
    with pytest.raises(EmptyDrawing):
        ink.normalize_picture(encoded(Image.new("L", (1, 1), 9)))
    for read in (ink.read_image, ink.read_images):
        for name in ("nowhere.png", "nowhere.npy"):
            with pytest.raises(ImageError, match=f"no file .*{name}"):
                read(name)


def test_a_folder_is_not_a_picture(tmp_path):
    with pytest.raises(ImageError, match="no file"):
        ink.read_images(tmp_path)


def test_an_array_file_holds_one_picture_or_many(tmp_path):
    stack = np.random.default_rng(0).integers(0, 256, (3, 28, 30), dtype=np.uint8)
    for name, array, count in [("many", stack, 3), ("one", stack[0], 1)]:
        np.save(tmp_path / f"{name}.npy", array)
        pictures = ink.read_images(tmp_path / f"{name}.npy")
        assert len(pictures) == count
        np.testing.assert_array_equal(pictures, stack[:count])
    Image.fromarray(stack[0]).save(tmp_path / "one.png")
    np.testing.assert_array_equal(ink.read_images(str(tmp_path / "one.png")), stack[:1])


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((2, 28, 28)), "holds float64"),
        (np.zeros(784, np.uint8), r"shape \(784,\)"),
        (np.zeros((1, 2, 3, 4), np.uint8), "shape"),
        (np.zeros((0, 28, 28), np.uint8), "holds no pictures"),
        (np.zeros((2, 28, 0), np.uint8), "0 x 28 pixels"),
        (np.array([{}]), "is not a whole"),
    ],
)
def test_an_array_of_another_kind_is_told(array, told, tmp_path):
    np.save(tmp_path / "wrong.npy", array, allow_pickle=True)
    with pytest.raises(ImageError, match=told):
        ink.read_images(tmp_path / "wrong.npy")


def test_a_damaged_array_file_is_told(tmp_path):
    path = tmp_path / "cut.npy"
    np.save(path, np.zeros((5, 28, 28), np.uint8))
    whole = path.read_bytes()
    huge = whole.replace(b"(5, 28, 28)", b"(5,10**6,1)")
    for data in (whole[:-1], whole[:40], b"", b"text", huge, encoded(Image.new("L", (5, 5)))):
        path.write_bytes(data)
        with pytest.raises(ImageError, match="is not a whole"):
            ink.read_images(path)
