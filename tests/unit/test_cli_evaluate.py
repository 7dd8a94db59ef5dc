"""``evaluate`` scores any labelled set, and says in a sentence what is wrong with a file."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from mnist_core.calibration import Calibration
from mnist_core.cli.command import UsageError
from mnist_core.cli.evaluate import labelled, scores
from mnist_core.data import mnist
from tests.helpers import assert_friendly


@pytest.fixture
def made(tmp_path):
    def write(**arrays):
        path = tmp_path / "digits.npz"
        np.savez(path, **arrays)
        return str(path)

    return write


def test_digits_of_another_size_and_on_white_paper_are_read(engine, call, made, monkeypatch):
    test = mnist.load("test")
    larger = [np.asarray(Image.fromarray(255 - image).resize((70, 70))) for image in test.images[:200]]
    monkeypatch.setenv("MNIST_LAB_HOME", str(engine[0].home))
    code, out, _ = call("evaluate", "--data", made(images=np.stack(larger), labels=test.labels[:200]), "--json")
    result = json.loads(out)
    assert code == 0 and set(result) == {"accuracy", "rejected", "per_class", "ece"}
    assert result["accuracy"] > 0.97 and result["rejected"] < 0.05
    assert set(result["per_class"]) == set(map(str, range(10)))


def test_scores_are_those_of_a_plain_loop():
    random = np.random.default_rng(0)
    labels, probabilities = random.integers(0, 10, 300), random.dirichlet(np.full(10, 0.2), 300).astype(np.float32)
    readable = random.random(300) < 0.9
    found = scores(labels, probabilities, readable, Calibration(1.0, 0.5))
    right = [r and p.argmax() == label for r, p, label in zip(readable, probabilities, labels, strict=True)]
    assert found["accuracy"] == pytest.approx(np.mean(right))
    refused = [not r or p.max() < 0.5 for r, p in zip(readable, probabilities, strict=True)]
    assert found["rejected"] == pytest.approx(np.mean(refused))
    threes = [ok for ok, label in zip(right, labels, strict=True) if label == 3]
    assert found["per_class"]["3"] == pytest.approx(np.mean(threes))


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"images": np.zeros((2, 28, 28), np.uint8)}, "labels"),
        ({"images": np.zeros((2, 28, 28), np.float32), "labels": np.zeros(2, int)}, "float32"),
        ({"images": np.zeros((2, 28, 28), np.uint8), "labels": np.array([0, 10])}, "0-9"),
        ({"images": np.zeros((2, 28, 28), np.uint8), "labels": np.zeros(3, int)}, "(3,)"),
        ({"images": np.zeros((0, 28, 28), np.uint8), "labels": np.zeros(0, int)}, "(0, 28, 28)"),
        ({"images": np.array([{}]), "labels": np.zeros(1, int)}, "images"),
    ],
)
def test_other_contents_are_refused(made, arrays, word):
    with pytest.raises(UsageError) as refused:
        labelled(made(**arrays))
    assert_friendly(refused, word)


def test_what_is_no_such_file_is_refused(tmp_path, call):
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 no zip")
    (tmp_path / "b.npz").write_bytes(b"")
    for name in ("a.npz", "b.npz", "none.npz"):
        code, out, err = call("evaluate", "--data", tmp_path / name)
        assert (code, out) == (2, "")
        assert_friendly(err.strip(), name)


def damaged(path, place):
    """A compressed file with one byte flipped."""
    np.savez_compressed(path, images=mnist.load("test").images[:9], labels=np.zeros(9, int))
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)


def marked(path, place, value):
    """A file whose zip headers have another ``value`` at a ``place`` of the central ones, and 2 before in the local."""
    np.savez(path, images=np.zeros((9, 28, 28), np.uint8), labels=np.zeros(9, int))
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\1\2", place), (b"PK\3\4", place - 2)):
        start = content.find(mark)
        while start >= 0:
            content[start + at] = value
            start = content.find(mark, start + 4)
    path.write_bytes(content)


def claiming(path):
    """A file of 100 bytes whose header says that it holds 10^15."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**7, 10**4, 10**4)}
    with zipfile.ZipFile(path, "w") as archive, archive.open("images.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, header)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda path: damaged(path, 64), "cannot be read"),  # cannot be unpacked
        (lambda path: damaged(path, 186), "cannot be read"),  # says nonsense of its shape
        (lambda path: marked(path, 8, 1), "cannot be read"),  # encrypted
        (lambda path: marked(path, 10, 99), "cannot be read"),  # packed in a way that nobody knows
        (claiming, "memory"),
    ],
    ids=["damaged", "nonsense", "encrypted", "odd", "huge"],
)
def test_damaged_and_odd_files_are_refused_in_a_sentence(tmp_path, call, spoil, word):
    spoil(tmp_path / "a.npz")
    code, out, err = call("evaluate", "--data", tmp_path / "a.npz")
    assert (code, out) == (2, "")
    assert_friendly(err.strip(), "a.npz", word)


def test_blank_pictures_are_all_rejected(engine, call, made, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_HOME", str(engine[0].home))
    code, out, _ = call("evaluate", "--data", made(images=np.zeros((3, 28, 28), np.uint8), labels=np.arange(3)))
    assert code == 0
    assert "rejected 100.00%" in out and "no picture holds ink" in out
