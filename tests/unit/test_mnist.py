"""The database of digits is verified, and a file that is not it is refused with what is wrong with it."""

import hashlib
import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from mnist_core.data import mnist
from mnist_core.errors import DataError
from tests.helpers import assert_friendly


@pytest.fixture(scope="module")
def arrays():
    """The original database as numpy itself reads it: an independent reading."""
    with np.load(mnist.EMBEDDED, allow_pickle=False) as original:
        return {key: original[key] for key in original.files}


@pytest.fixture(autouse=True)
def _nothing_kept():
    mnist._read.cache_clear()


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Writes ``content`` (bytes, or arrays to pack) to a file and sets it as the database."""

    def use(content, sha256="", pack=np.savez):
        path = tmp_path / "other.npz"
        if isinstance(content, dict):
            with open(path, "wb") as file:
                pack(file, **content)
        else:
            path.write_bytes(content)
        monkeypatch.setenv("MNIST_LAB_DATA", str(path))
        monkeypatch.setenv("MNIST_LAB_DATA_SHA256", sha256 and hashlib.sha256(path.read_bytes()).hexdigest())
        mnist._read.cache_clear()
        return path

    return use


def refused(part="test"):
    with pytest.raises(DataError) as error:
        mnist.load(part)
    return error


def small(**changes):
    """The test part with an array exchanged, for files whose training part nobody asks for."""
    return {"x_test": np.zeros((10_000, 28, 28), np.uint8), "y_test": np.zeros(10_000, np.uint8)} | changes


# -- the file that is shipped --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "count"), [("train", 60_000), ("test", 10_000)])
def test_the_shipped_arrays_are_the_original_ones(arrays, part, count):
    digits = mnist.load(part)
    assert len(digits) == count
    for found, key, shape in (
        (digits.images, f"x_{part}", (count, 28, 28)),
        (digits.labels, f"y_{part}", (count,)),
    ):
        assert found.shape == shape
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, arrays[key])
        assert hashlib.sha256(found.tobytes()).hexdigest() == mnist.ARRAY_SHA256[key]


def test_the_shipped_file_has_the_hash_that_is_published():
    assert hashlib.sha256(mnist.EMBEDDED.read_bytes()).hexdigest() == mnist.EMBEDDED_SHA256


def test_arrays_are_read_once_and_cannot_be_changed():
    digits = mnist.load("test")
    assert mnist.load("test") is digits
    for array in (digits.images, digits.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)


def test_release_forgets_the_training_images():
    digits = mnist.load("train")
    mnist.forget()
    assert mnist.load("train") is not digits


def test_a_damaged_shipped_file_is_told_with_both_hashes(tmp_path, monkeypatch):
    content = bytearray(mnist.EMBEDDED.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(content)
    monkeypatch.setattr(mnist, "EMBEDDED", damaged)
    assert_friendly(refused(), mnist.EMBEDDED_SHA256, hashlib.sha256(content).hexdigest(), "git checkout", damaged)


def test_the_shipped_file_may_be_named(tmp_path, monkeypatch):
    copy = tmp_path / "copy.npz"
    copy.write_bytes(mnist.EMBEDDED.read_bytes())
    for path in (mnist.EMBEDDED, copy):
        monkeypatch.setenv("MNIST_LAB_DATA", str(path))
        assert len(mnist.load("test")) == 10_000
        assert mnist.signature() == "", "a worker that reads it without being told to has the same images"
    monkeypatch.setenv("MNIST_LAB_DATA", str(mnist.EMBEDDED))
    monkeypatch.setenv("MNIST_LAB_DATA_SHA256", "0" * 64)
    assert_friendly(refused(), mnist.EMBEDDED, "0" * 64, "MNIST_LAB_DATA_SHA256")


# -- files that stand in for it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_same_arrays_packed_anew_are_accepted(arrays, use, order):
    use({key: np.asarray(array, order=order) for key, array in arrays.items() if key.endswith("test")})
    digits = mnist.load("test")
    np.testing.assert_array_equal(digits.images, arrays["x_test"])
    np.testing.assert_array_equal(digits.labels, arrays["y_test"])
    assert not digits.images.flags.writeable


def test_one_changed_pixel_is_refused_with_both_hashes_and_the_way_out(arrays, use):
    changed = arrays["x_test"].copy()
    changed[9_999, 27, 27] ^= 1
    path = use({"x_test": changed, "y_test": arrays["y_test"]})
    found = hashlib.sha256(changed.tobytes()).hexdigest()
    assert_friendly(refused(), path, "'x_test'", mnist.ARRAY_SHA256["x_test"], found, "MNIST_LAB_DATA_SHA256")


def test_one_changed_label_is_refused(arrays, use):
    labels = arrays["y_test"].copy()
    labels[0] = 9 - labels[0]
    use({"x_test": arrays["x_test"], "y_test": labels})
    assert_friendly(refused(), "'y_test'", mnist.ARRAY_SHA256["y_test"])


def test_another_database_is_accepted_by_its_own_hash(use):
    images = np.arange(10_000 * 784, dtype=np.uint32).astype(np.uint8).reshape(-1, 28, 28)
    use(small(x_test=images), sha256="its own", pack=np.savez_compressed)
    np.testing.assert_array_equal(mnist.load("test").images, images)


def test_the_hash_may_be_written_in_capitals(use, monkeypatch):
    path = use(small(), pack=np.savez_compressed)
    monkeypatch.setenv("MNIST_LAB_DATA_SHA256", hashlib.sha256(path.read_bytes()).hexdigest().upper())
    assert len(mnist.load("test")) == 10_000


def test_another_hash_than_the_one_named_is_told_with_both(use, monkeypatch):
    path = use(small(), pack=np.savez_compressed)
    monkeypatch.setenv("MNIST_LAB_DATA_SHA256", "0" * 64)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert_friendly(refused(), path, "0" * 64, found, "MNIST_LAB_DATA_SHA256")


# -- files that are refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "array", "words"),
    [
        ("x_test", np.zeros((10_000, 784), np.uint8), ["'x_test'", "(10000, 28, 28)", "(10000, 784)"]),
        ("x_test", np.zeros((9_999, 28, 28), np.uint8), ["'x_test'", "(9999, 28, 28)"]),
        ("x_test", np.zeros((10_000, 28, 28), np.float32), ["'x_test'", "uint8", "float32"]),
        ("y_test", np.zeros(10_000, np.int64), ["'y_test'", "uint8", "int64"]),
        ("y_test", np.full(10_000, 10, np.uint8), ["'y_test'", "0 to 9", "10"]),
        ("y_test", None, ["no array 'y_test'", "x_train, y_train, x_test, y_test", "found x_test."]),
        ("x_test", None, ["no array 'x_test'"]),
    ],
    ids=["flat", "one too few", "float", "int64", "label 10", "no labels", "no images"],
)
def test_arrays_of_another_form_are_refused(arrays, use, key, array, words):
    content = {k: arrays[k] for k in ("x_test", "y_test")} | {key: array}
    content = {k: v for k, v in content.items() if v is not None}
    # Also when the file's own hash is given: then the form is all that is asked.
    for sha256 in ("", "its own"):
        path = use(content, sha256)
        assert_friendly(refused(), path, *words)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(use, share):
    content = mnist.EMBEDDED.read_bytes()
    path = use(content[: int(share * len(content))])
    assert_friendly(refused(), path, "not a whole .npz file", "Copy the file again")


@pytest.mark.parametrize("pack", [np.savez, np.savez_compressed])
def test_whatever_byte_of_a_file_is_damaged_it_is_refused_in_a_sentence(use, pack):
    packed = io.BytesIO()
    pack(packed, x_test=np.ones((1, 28, 28), np.uint8), y_test=np.ones(1, np.uint8))
    content = packed.getvalue()
    for position in range(len(content)):
        for bits in (0x01, 0xFF):
            damaged = bytearray(content)
            damaged[position] ^= bits
            use(bytes(damaged))
            assert_friendly(refused(), "other.npz")


def test_a_flipped_byte_among_the_pixels_is_noticed(use):
    content = bytearray(mnist.EMBEDDED.read_bytes())
    with zipfile.ZipFile(mnist.EMBEDDED) as archive:
        start = archive.getinfo("x_test.npy").header_offset
    content[start + 500_000] ^= 0x10
    use(bytes(content))
    assert_friendly(refused(), "other.npz")


@pytest.mark.parametrize("content", [b"no archive at all", b"PK\x03\x04", pickle.dumps([1]), b"\x93NUMPY\x01\x00"])
def test_a_file_of_another_kind_is_refused(use, content):
    assert_friendly(refused_with(use, content), "not a whole .npz file", f"{len(content)} bytes")


def refused_with(use, content):
    use(content)
    return refused()


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.mark.filterwarnings("ignore:unclosed file")  # by the control below, which unpickles on purpose
def test_python_objects_in_a_file_are_never_unpickled(use, tmp_path):
    marker = tmp_path / "unpickled"
    objects = np.empty(10_000, object)
    objects[:] = [Malicious(marker)] * 10_000
    path = use(small(y_test=objects), sha256="its own")
    assert_friendly(refused(), path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Malicious(marker)))
    assert marker.exists()  # the trap would have sprung


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_unread(use, tmp_path):
    bomb = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x_test.npy", "w") as member,
    ):
        for _ in range(100):
            member.write(bytes(2**20))
    assert bomb.stat().st_size < 2**20
    use(bomb.read_bytes())
    tracemalloc.start()
    error = refused()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_friendly(error)
    assert peak < 10 * 2**20


def test_an_archive_that_lies_about_its_size_is_refused(use, tmp_path):
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_test.npy", bytes(2**20))
    use(bomb.read_bytes().replace(struct.pack("<I", 2**20), struct.pack("<I", 2**10)))
    assert_friendly(refused(), "not a whole .npz file")


def test_a_file_that_is_not_there_is_told_with_the_setting(tmp_path, monkeypatch):
    for path in (tmp_path / "missing.npz", tmp_path):
        monkeypatch.setenv("MNIST_LAB_DATA", str(path))
        assert_friendly(refused("train"), path, "x_train, y_train, x_test, y_test", "MNIST_LAB_DATA")


def test_a_shipped_file_that_is_gone_is_to_be_fetched_again(tmp_path, monkeypatch):
    monkeypatch.delenv("MNIST_LAB_DATA", raising=False)
    monkeypatch.setattr(mnist, "EMBEDDED", tmp_path / "mnist.npz")
    told = refused("train")
    assert_friendly(told, tmp_path / "mnist.npz", "git checkout")
    assert "MNIST_LAB_DATA" not in str(told.value)


def test_which_images_are_read_is_told_by_their_files_hash(tmp_path, monkeypatch):
    assert mnist.signature() == ""
    (tmp_path / "other.npz").write_bytes(b"abc")
    monkeypatch.setenv("MNIST_LAB_DATA", str(tmp_path / "other.npz"))
    assert mnist.signature() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    monkeypatch.setenv("MNIST_LAB_DATA", str(tmp_path / "gone.npz"))
    with pytest.raises(DataError) as error:
        mnist.signature()
    assert_friendly(error, "gone.npz", "MNIST_LAB_DATA")
