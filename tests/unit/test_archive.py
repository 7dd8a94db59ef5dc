"""Reading uploaded files without trusting them: zips, HDF5 files and JSON that are not what they seem."""

import io
import json
import pickle
import zipfile

import h5py
import numpy as np
import pytest

from mnist_core.errors import ModelFileError
from mnist_core.models import archive
from mnist_core.models.archive import unpack
from mnist_core.models.upload import Upload, gather
from tests.helpers import assert_friendly
from tests.uploads import endless_chain, virtual, zipped

CONFIG = json.dumps({"class_name": "Sequential"}).encode()


def hdf5(fill=lambda file: None, **attributes):
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        file["dense/kernel"] = np.ones((3, 2), np.float32)
        file.attrs.update(attributes)
        fill(file)
    return packed.getvalue()


def keras_zip(config=CONFIG, weights=None, **more):
    files = {"config.json": config, "model.weights.h5": hdf5() if weights is None else weights} | more
    return zipped(files.items())


def test_the_three_kinds_of_uploads():
    weights = hdf5()
    assert unpack(gather([("a.keras", keras_zip(weights=weights))])) == ({"class_name": "Sequential"}, weights)
    whole = hdf5(model_config=CONFIG.decode())
    assert unpack(gather([("a.h5", whole)])) == ({"class_name": "Sequential"}, whole)
    both = gather([("w.weights.h5", weights), ("a.json", b"\n " + CONFIG)], scaled=False)
    assert (both.name, both.scaled, both.size) == ("a.json", False, len(weights) + len(CONFIG) + 2)
    assert unpack(both) == ({"class_name": "Sequential"}, weights)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], ["Choose one .keras"]),
        ([("a.keras", b"PK\x03\x04"), ("b.keras", b"PK\x03\x04")], ["Choose one"]),
        ([("a.json", CONFIG)], ["no weights", ".weights.h5"]),
        ([("a.pkl", pickle.dumps({"x": 1}))], ["'a.pkl'", "pickles", "not read"]),
        ([("a.keras", b"")], ["'a.keras'", "neither"]),
        ([("a.keras", b"GIF89a")], ["neither"]),
        ([("x" * 500 + "\n.keras", b"")], ["..."]),
    ],
)
def test_files_that_make_no_upload(files, words):
    with pytest.raises(ModelFileError) as error:
        gather(files)
    assert_friendly(error, *words)


WHOLE = keras_zip()
BAD = {
    "a zip cut short": (WHOLE[:-40], ["damaged or cut short"]),
    "a zip with a flipped byte": (WHOLE[:45] + bytes([WHOLE[45] ^ 255]) + WHOLE[46:], ["damaged"]),
    "another zip": (zipped([("readme.txt", b"hello")]), ["'readme.txt'", "does not belong"]),
    "a zip without weights": (zipped([("config.json", CONFIG)]), ["must hold config.json and model.weights.h5"]),
    "a path out of the zip": (keras_zip(**{"../../etc/cron.d/evil": b"x"}), ["'../../etc/cron.d/evil'"]),
    "an absolute path": (keras_zip(**{"/tmp/evil.py": b"x"}), ["'/tmp/evil.py'"]),
    "a pickle in the zip": (keras_zip(**{"model.pkl": pickle.dumps(1)}), ["'model.pkl'"]),
    "assets": (keras_zip(**{"assets/layer/vocabulary.txt": b"x"}), ["'assets/layer/vocabulary.txt'"]),
    "a bomb of a configuration": (keras_zip(b" " * 30_000_000), ["config.json", "when unpacked"]),
    "JSON that is none": (keras_zip(b"{'a': 1}"), ["not valid JSON"]),
    "JSON in no encoding": (keras_zip(b"\xff\xfe{}"), ["not valid JSON"]),
    "JSON too deep": (keras_zip(b"[" * 200_000 + b"]" * 200_000), ["nested too deeply"]),
    "JSON with an endless number": (keras_zip(b"9" * 100_000), ["not valid JSON"]),
    "weights that are none": (keras_zip(weights=b"\x89HDF\r\n\x1a\n" + b"\0" * 500), ["HDF5 file is damaged"]),
    "a pickle as weights": (keras_zip(weights=pickle.dumps(1)), ["HDF5 file is damaged"]),
    "HDF5 cut short": (hdf5(model_config="{}")[:700], ["HDF5 file is damaged"]),
    "weights alone": (hdf5(), ["no architecture"]),
    "an external link": (
        hdf5(lambda f: f.update({"x": h5py.ExternalLink("/etc/passwd", "/")}), model_config="{}"),
        ["link that leads elsewhere"],
    ),
    "a soft link": (hdf5(lambda f: f.update({"x": h5py.SoftLink("/x")}), model_config="{}"), ["link"]),
    "an external array": (
        hdf5(lambda f: f.create_dataset("x", (4,), "f4", external="/etc/passwd"), model_config="{}"),
        ["from another file"],
    ),
    "a virtual array": (hdf5(virtual, model_config="{}"), ["from another file"]),
    "a bomb of an array": (
        hdf5(lambda f: f.create_dataset("x", (10**6, 10**6), "f4", chunks=(100, 100)), model_config="{}"),
        ["MB of numbers"],
    ),
    "a bomb of a chunk": (
        hdf5(lambda f: f.create_dataset("x", (4,), "f4", chunks=(2**28,), maxshape=(None,)), model_config="{}"),
        ["MB of numbers"],
    ),
    "texts as weights": (hdf5(lambda f: f.update({"x": "hello"}), model_config="{}"), ["no weights are"]),
    "an architecture of numbers": (hdf5(model_config=np.arange(3)), ["not valid JSON"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_the_reason(name):
    data, words = BAD[name]
    with pytest.raises(ModelFileError) as error:
        unpack(Upload("a", data))
    assert_friendly(error, *words)


def test_a_zip_that_lies_about_a_members_size():
    data = bytearray(keras_zip(b" " * 30_000_000))
    honest = (30_000_000).to_bytes(4, "little")
    assert data.count(honest) == 2
    lying = bytes(data).replace(honest, (10).to_bytes(4, "little"))
    with pytest.raises(ModelFileError) as error:
        unpack(Upload("a", lying))
    assert_friendly(error)


def test_a_member_twice():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([("config.json", CONFIG), ("config.json", CONFIG), ("model.weights.h5", hdf5())])
    with pytest.raises(ModelFileError) as error:
        unpack(Upload("a", data))
    assert_friendly(error, "each once")


def test_an_encrypted_zip():
    data = bytearray(zipped([("config.json", CONFIG), ("model.weights.h5", hdf5())], zipfile.ZIP_STORED))
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(sign) + offset] |= 1
    with pytest.raises(ModelFileError) as error:
        unpack(Upload("a", bytes(data)))
    assert_friendly(error, "damaged")


def test_groups_in_a_ring_come_to_an_end():
    assert unpack(Upload("a", hdf5(endless_chain, model_config="{}")))[0] == {}


def test_too_many_groups(monkeypatch):
    monkeypatch.setattr(archive, "MOST_OBJECTS", 5)
    data = hdf5(lambda f: [f.create_group(str(i)) for i in range(9)], model_config="{}")
    with pytest.raises(ModelFileError) as error:
        unpack(Upload("a", data))
    assert_friendly(error, "5 arrays")
