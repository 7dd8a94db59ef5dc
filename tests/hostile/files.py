"""What a hostile or careless visitor may upload: pictures of every kind, whole and damaged, and model files."""

import io
import json
import pickle
import struct
import zipfile
import zlib

import h5py
import numpy as np
from hypothesis import strategies as st
from PIL import Image

from mnist_core.ink import FORMATS
from tests.drawings import encoded, seven
from tests.hostile.inputs import SCRIPT, odd, one_of_these, short_texts, spoiled
from tests.uploads import endless_chain, virtual, zipped

EXIF_ORIENTATION = 0x0112


class Payload:
    """Unpickling it makes a folder, by which it would be noticed."""

    def __reduce__(self):
        import os

        return os.mkdir, ("unpickled",)


def png_of(width, height):
    """A whole PNG of one bit a pixel; however large, it takes little."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    row, parts = bytes(1 + -(-width // 8)), []
    for _ in range(height):
        parts.append(packer.compress(row))
    pixels = b"".join(parts) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _animated(form):
    first, second = Image.fromarray(seven(60, 6)), Image.new("L", (60, 60), 0)
    return encoded(first, form, save_all=True, append_images=[second, second])


def _upright(orientation):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    return encoded(Image.fromarray(np.rot90(seven(80, 8)).copy()), "JPEG", exif=exif)


def _transparent():
    return encoded(Image.new("RGBA", (30, 30), (0, 0, 0, 0)))


def _sixteen_bits():
    return encoded(Image.fromarray(seven(60, 6).astype(np.uint16) * 257))


def _cmyk(form):
    return encoded(Image.fromarray(seven(60, 6)).convert("RGB").convert("CMYK"), form)


def _pictures():
    drawing = seven(60, 6)
    grey = Image.fromarray(drawing)
    whole = [encoded(grey.convert("RGB"), form) for form in FORMATS]
    whole += [encoded(grey.convert(mode)) for mode in ("1", "L", "P", "LA", "RGBA")]
    whole += [_sixteen_bits()]
    whole += [encoded(Image.fromarray(drawing.astype(kind)), "TIFF") for kind in (np.int32, np.float32)]
    whole += [encoded(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF")]
    whole += [_cmyk(form) for form in ("JPEG", "TIFF")]
    whole += [_transparent(), encoded(Image.merge("LA", [grey, grey]))]
    whole += [_animated(form) for form in ("GIF", "WEBP", "PNG", "TIFF")]
    whole += [_upright(orientation) for orientation in (0, 3, 6, 8, 9, 65_535)]
    whole += [encoded(Image.new("L", size, 9)) for size in ((1, 1), (1, 900), (900, 1), (2, 2))]
    return whole


WHOLE_PICTURES = _pictures()
HUGE_PICTURES = [png_of(20_000, 20_000), png_of(60_000, 1_000), png_of(7_000, 5_000)]
VIDEO = b"\x00\x00\x00\x20ftypisom" + bytes(400)
"""As an mp4 begins."""

NO_PICTURES = [
    b"",
    b"GIF89a",
    b"\x89PNG\r\n\x1a\n",
    f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>".encode(),
    b"<html><body>photo</body></html>",
    b"%PDF-1.7\n",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(secret.txt) (r) file\n",
    VIDEO,
    pickle.dumps(Payload()),
]

ONE_OF_EACH = (
    WHOLE_PICTURES[0][:-40],  # cut off
    b"",
    encoded(Image.new("L", (1, 1), 9)),
    HUGE_PICTURES[0],
    _cmyk("JPEG"),
    _sixteen_bits(),
    _animated("GIF"),
    _transparent(),
    _upright(6),
    VIDEO,
)
"""Of every kind of picture that has a name, one."""


@st.composite
def damaged(draw, whole):
    """Bytes of which some are changed, cut off or repeated."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        data = data[: draw(st.integers(0, len(data)))]
    return bytes(data)


pictures = st.one_of(
    one_of_these(WHOLE_PICTURES),
    damaged(one_of_these(WHOLE_PICTURES)),
    one_of_these(NO_PICTURES),
    st.binary(max_size=200),
    one_of_these([*HUGE_PICTURES, *WHOLE_PICTURES, *NO_PICTURES]),
)


def _array(array):
    packed = io.BytesIO()
    np.save(packed, array, allow_pickle=True)
    return packed.getvalue()


_ARRAYS = [
    _array(array)
    for array in (
        np.zeros((3, 28, 28), np.uint8),
        np.zeros((0, 28, 28), np.uint8),
        np.zeros((2, 28, 28)),
        np.array([Payload()], object),
        np.zeros((2, 2, 2, 2), np.uint8),
    )
]
arrays = damaged(one_of_these(_ARRAYS)) | st.binary(max_size=60)
"""Contents of a ``.npy`` file."""


# -- model files -----------------------------------------------------------------------------------------------------


def _part(class_name, **config):
    return {"module": "keras.layers", "class_name": class_name, "config": config, "registered_name": None}


LAYERS = [
    _part("Dense", name="dense", units=10, activation="softmax"),
    _part("Lambda", name="evil", function="__import__('os').mkdir('made')"),
    _part("Conv2D", name="conv", filters=10**12, kernel_size=[3, 3]),
    _part("TFSMLayer", name="saved", filepath="/etc/passwd"),
    _part("Flatten", name=SCRIPT),
    {"module": "os", "class_name": "system", "config": {"name": "x"}, "registered_name": "os>system"},
]
_config = st.lists(st.sampled_from(LAYERS), min_size=1, max_size=4).map(
    lambda layers: {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}
)
configs = spoiled(_config) | _config | odd


def _hdf5(fill, **attributes):
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        file["dense/kernel"] = np.ones((3, 2), np.float32)
        file.attrs.update(attributes)
        fill(file)
    return packed.getvalue()


def _external(file):
    file["stolen"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file):
    file["round"] = h5py.SoftLink("/round")


def _claims(file):
    file.create_dataset("large", shape=(10**12,), dtype="f4", chunks=(10**6,))


def _texts(file):
    file["text"] = "x" * 99


_WEIGHTS = [_hdf5(fill) for fill in (lambda file: None, _external, _soft, virtual, endless_chain, _claims, _texts)]
weights = damaged(one_of_these(_WEIGHTS)) | one_of_these(_WEIGHTS)


@st.composite
def _zips(draw):
    files = [("config.json", json.dumps(draw(configs)).encode()), ("model.weights.h5", draw(weights))]
    name = draw(st.sampled_from(["metadata.json", "../outside/made", "/etc/made", "assets/x", "config.json"]))
    if draw(st.booleans()):
        files.append((name, b"{}"))
    if draw(st.booleans()):
        files.pop(0)
    return zipped(files, draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])))


def _bomb():
    return zipped([("config.json", b"{}" + b" " * 50_000_000), ("model.weights.h5", _WEIGHTS[0])])


BOMB = _bomb()
"""A small zip file that fills the memory of whoever unpacks it."""

_whole = _zips() | configs.map(lambda config: _hdf5(lambda file: None, model_config=json.dumps(config)[:60_000]))
_files = st.one_of(
    _whole,
    damaged(_whole),
    configs.map(lambda config: json.dumps(config).encode()),
    weights,
    one_of_these([BOMB, pickle.dumps(Payload()), b"", b"PK\x03\x04", b"{", b"[" * 99_999]),
)
_names = st.sampled_from(["model.keras", "model.h5", "model.json"]) | short_texts
models = st.lists(st.tuples(_names, _files), min_size=1, max_size=2)
"""Chosen files: names and contents."""
