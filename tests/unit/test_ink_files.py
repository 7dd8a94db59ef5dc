"""Pictures as they come in files: every kind is read, and nothing but a picture gets through."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_core import ink
from mnist_core.errors import EmptyDrawing, ImageError
from mnist_core.ink import light, read
from tests.drawings import apart, encoded, mnist_like, seven


def grey_of(source):
    """The picture in a file as plain grey, uint8 (H, W): upright and without transparency."""
    return plain(ink.open_picture(source))


def greys(path):
    return [plain(picture) for picture in ink.open_pictures(path)]


def plain(picture):
    return light.luminance(light.flatten(light.upright(picture.pixels, picture.orientation)))


# ------------------------------------------------------------------------------ files


@pytest.mark.parametrize("kind", ink.FORMATS)
def test_every_format_is_read_from_bytes_and_from_a_path(kind, tmp_path):
    picture = Image.fromarray(seven(80, 8)).convert("RGB")
    data = encoded(picture, kind)
    path = tmp_path / "seven"
    path.write_bytes(data)
    grey = grey_of(data)
    assert grey.dtype == np.uint8 and apart(grey, seven(80, 8)) < 2
    for source in (path, str(path)):
        np.testing.assert_array_equal(grey_of(source), grey)
    assert apart(ink.trace(ink.open_picture(data)).image, mnist_like(seven(80, 8))) < 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_kind_of_png_pixel_is_read(mode):
    drawing = seven(80, 8)
    if mode == "I;16":
        picture = Image.fromarray(drawing.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(drawing).convert(mode)
    assert picture.mode == mode
    assert apart(grey_of(encoded(picture)), drawing) < (4 if mode == "1" else 0.5)


def test_a_set_of_few_levels_is_counted_from_black_to_white(tmp_path):
    levels = (np.stack([seven(20, 3), 255 - seven(20, 3)]) // 16).astype(np.uint8)
    np.save(tmp_path / "set.npy", levels)
    assert levels.max() == 15
    for found, expected in zip(greys(tmp_path / "set.npy"), levels, strict=True):
        np.testing.assert_array_equal(found, expected * 17)
    np.save(tmp_path / "set.npy", levels > 7)
    with pytest.raises(ImageError, match="bool"):
        ink.open_pictures(tmp_path / "set.npy")


def test_cmyk_and_32_bit_pictures_are_read():
    drawing = seven(80, 8)
    cmyk = encoded(Image.fromarray(drawing).convert("RGB").convert("CMYK"), "JPEG", quality=95)
    assert apart(grey_of(cmyk), drawing) < 2
    for levels in (drawing.astype(np.float32) / 255, drawing.astype(np.int32) * 1000):
        picture = encoded(Image.fromarray(levels), "TIFF")
        np.testing.assert_array_equal(grey_of(picture), drawing)
    blank = encoded(Image.fromarray(np.full((5, 5), np.nan, np.float32)), "TIFF")
    assert not grey_of(blank).any()


@pytest.mark.parametrize(("pen", "paper"), [(0, 255), (40, 255), (255, 0), (220, 0)])
def test_a_transparent_drawing_gets_paper_it_can_be_seen_on(pen, paper):
    strokes = 255 - seven(80, 8)
    drawing = Image.merge("LA", [Image.new("L", (80, 80), pen), Image.fromarray(strokes)])
    for mode in ("LA", "RGBA"):
        grey = grey_of(encoded(drawing.convert(mode)))
        assert grey[0, 0] == paper and abs(int(grey[16, 40]) - pen) <= 1
        assert apart(mnist_like(grey), mnist_like(seven(80, 8))) < 1


def test_a_palette_with_a_transparent_colour_is_flattened():
    picture = Image.fromarray(np.where(seven(80, 8) < 128, 1, 0).astype(np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 0, 0, 0])
    grey = grey_of(encoded(picture, transparency=0))
    assert grey[0, 0] == 255 and grey[16, 40] == 0


def test_holes_in_a_pictures_own_paper_become_paper():
    alpha = np.full((80, 80), 255, np.uint8)
    alpha[:9, :9] = alpha[-9:, -9:] = 0
    for grey in (seven(80, 8), 255 - seven(80, 8)):
        picture = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
        assert apart(ink.trace(ink.open_picture(encoded(picture))).image, mnist_like(seven(80, 8))) == 0


def test_nothing_visible_is_an_empty_drawing():
    with pytest.raises(EmptyDrawing):
        ink.trace(ink.open_picture(encoded(Image.new("RGBA", (30, 30), (0, 0, 0, 0)))))


def test_the_first_frame_of_an_animation_is_read():
    first, second = Image.fromarray(seven(80, 8)), Image.new("L", (80, 80), 0)
    data = encoded(first, "GIF", save_all=True, append_images=[second])
    np.testing.assert_array_equal(grey_of(data), seven(80, 8))


def test_a_photo_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: show it turned clockwise by 90 degrees
    on_its_side = Image.fromarray(np.rot90(seven(160, 16)).copy())
    data = encoded(on_its_side, "JPEG", exif=exif, quality=95)
    assert apart(grey_of(data), seven(160, 16)) < 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_is_reduced_on_reading(kind):
    large = Image.fromarray(seven(250, 25)).resize((3000, 3000))
    for mode in ("L", "RGBA") if kind == "PNG" else ("L", "RGB"):
        grey = grey_of(encoded(large.convert(mode), kind))
        assert 512 <= grey.shape[0] == grey.shape[1] <= 1024
        assert apart(mnist_like(grey), mnist_like(seven(250, 25))) < 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_large_picture_is_the_same_in_bands_and_in_one(mode, monkeypatch):
    levels = np.random.default_rng(0).integers(0, 2**16, (2100, 1100, 4), np.uint16)
    picture = Image.fromarray(levels.astype(np.uint8)).convert("LA" if mode == "LA" else "RGBA")
    picture = Image.fromarray(levels[..., 0]) if mode == "I;16" else picture.convert("RGB").convert(mode)
    data = encoded(picture, **({"transparency": 3} if mode == "P" else {}))
    in_one = ink.open_picture(data).pixels
    monkeypatch.setattr(read, "BAND_PIXELS", 100_000)
    np.testing.assert_array_equal(ink.open_picture(data).pixels, in_one)
    assert in_one.shape[:2] == (700, 367)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F"])
def test_a_small_file_of_many_pixels_takes_little_memory(mode, monkeypatch):
    """Beside the picture as Pillow decodes it: less than a byte a pixel, and nothing is converted as a whole."""
    data = encoded(Image.new(mode, (4000, 6000)), "TIFF", compression="tiff_adobe_deflate")
    converted, convert = [0], Image.Image.convert

    def noted(image, *arguments):
        converted.append(image.width * image.height)
        return convert(image, *arguments)

    monkeypatch.setattr(Image.Image, "convert", noted)
    monkeypatch.setattr(read, "BAND_PIXELS", 1_000_000)
    tracemalloc.start()
    try:
        ink.open_picture(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(data) < 1_000_000 and peak < 24_000_000 and max(converted) <= 1_000_000


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
        grey_of(png_header(*size))


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
            grey_of(source)
        assert name in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about damaged TIFF tags
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ink.FORMATS), st.data())
def test_damaged_bytes_give_a_picture_or_an_image_error(kind, data):
    file = bytearray(encoded(Image.fromarray(seven(40, 4)).convert("RGB"), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        grey = grey_of(bytes(file))
    except ImageError:
        return
    assert grey.dtype == np.uint8 and grey.ndim == 2 and grey.size


def test_one_pixel_and_a_missing_file():
    assert grey_of(encoded(Image.new("L", (1, 1), 9))).tolist() == [[9]]
    with pytest.raises(EmptyDrawing):
        ink.trace(ink.open_picture(encoded(Image.new("L", (1, 1), 9))))
    for opened in (ink.open_picture, ink.open_pictures):
        for name in ("nowhere.png", "nowhere.npy"):
            with pytest.raises(ImageError, match=f"no file .*{name}"):
                opened(name)


def test_a_folder_is_not_a_picture(tmp_path):
    with pytest.raises(ImageError, match="no file"):
        greys(tmp_path)


def test_an_array_file_holds_one_picture_or_many(tmp_path):
    stack = np.random.default_rng(0).integers(0, 256, (3, 28, 30), dtype=np.uint8)
    for name, array, count in [("many", stack, 3), ("one", stack[0], 1)]:
        np.save(tmp_path / f"{name}.npy", array)
        pictures = greys(tmp_path / f"{name}.npy")
        assert len(pictures) == count
        np.testing.assert_array_equal(pictures, stack[:count])
    Image.fromarray(stack[0]).save(tmp_path / "one.png")
    np.testing.assert_array_equal(greys(str(tmp_path / "one.png")), stack[:1])


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
        greys(tmp_path / "wrong.npy")


def test_a_damaged_array_file_is_told(tmp_path):
    path = tmp_path / "cut.npy"
    np.save(path, np.zeros((5, 28, 28), np.uint8))
    whole = path.read_bytes()
    huge = whole.replace(b"(5, 28, 28)", b"(5,10**6,1)")
    for data in (whole[:-1], whole[:40], b"", b"text", huge, encoded(Image.new("L", (5, 5)))):
        path.write_bytes(data)
        with pytest.raises(ImageError, match="is not a whole"):
            greys(path)
