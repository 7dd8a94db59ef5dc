"""Models by command: predicting, and the journey out and back again, after which they say the same."""

import json
import re
from contextlib import contextmanager
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image

from mnist_core.calibration import Calibration, calibrated
from mnist_core.cli import answers, export, pictures
from mnist_core.data import mnist
from mnist_core.errors import ImageError
from mnist_core.models.formats import FORMATS
from mnist_core.store.shipped import FLAGSHIP
from tests import scans
from tests.commands import complete
from tests.helpers import assert_friendly
from tests.uploads import zipped

STARTING = "Starting the engine …\n"
"""What a command says when the one of the tests before has ended, since nobody wanted it any more."""


def test_predict_by_run_and_by_file(trained, engine, tmp_path):
    run_id, environment = json.loads(trained[1])["run_id"], trained[3]
    test = mnist.load("test")
    Image.fromarray(255 - test.images[0]).resize((280, 280)).save(tmp_path / "seven.png")  # ink on paper
    Image.fromarray(test.images[1]).resize((280, 280)).save(tmp_path / "two.jpg")  # chalk on a blackboard
    np.save(tmp_path / "digits.npy", test.images[:100])
    (tmp_path / "model.keras").write_bytes(engine[1].load_blob(run_id, "model.keras"))
    pictures = [tmp_path / name for name in ("seven.png", "two.jpg", "digits.npy")]

    code, out, err = complete("predict", "--model", run_id, *pictures, "--json", env=environment)
    assert code == 0 and err in ("", STARTING)
    documents = json.loads(out)
    assert all(list(answer)[:2] == ["label", "probabilities"] for answer in documents)
    probabilities = np.array([answer["probabilities"] for answer in documents])
    labels = np.array([answer["label"] for answer in documents])
    assert probabilities.shape == (102, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), labels)
    assert list(labels[:2]) == [7, 2]
    assert np.mean(labels[2:] == test.labels[:100]) > 0.8

    code, out, _ = complete("predict", "--model", tmp_path / "model.keras", *pictures, "--json", env=environment)
    assert code == 0
    np.testing.assert_allclose([answer["probabilities"] for answer in json.loads(out)], probabilities, atol=1e-4)

    code, out, _ = complete("predict", "--model", run_id, *pictures[:2], env=environment)
    assert code == 0
    assert re.search(r"seven\.png: 7 \(\d+\.\d%\), else ", out)


def test_predict_several(trained, tmp_path):
    run_id, environment = json.loads(trained[1])["run_id"], trained[3]
    images = mnist.load("test").images
    page, spans = scans.row(images[[1, 0, 2]], np.random.default_rng(0))  # 2 7 1
    Image.fromarray(255 - page).save(tmp_path / "number.png")
    zeros, _ = scans.row(images[[3, 10, 13]], np.random.default_rng(0), gap=(-0.1, -0.1))
    Image.fromarray(zeros).save(tmp_path / "touching.png")
    pictures = [tmp_path / "number.png", tmp_path / "touching.png"]

    code, out, err = complete("predict", "--model", run_id, "--several", *pictures, "--json", env=environment)
    assert code == 0 and err in ("", STARTING)
    number, touching = json.loads(out)
    assert number["number"] == "271" == "".join(str(digit["label"]) for digit in number["digits"])
    for digit, (left, right) in zip(number["digits"], spans, strict=True):
        assert digit["label"] == np.argmax(digit["probabilities"]) and not digit["touching"]
        assert abs(digit["box"][1] - left) < 16 and abs(digit["box"][3] - right) < 16
    assert touching["number"] == "?" and touching["digits"][0]["touching"]
    assert not any(digit["refused"] for digit in number["digits"])

    code, out, _ = complete("predict", "--model", run_id, "--several", *pictures, env=environment)
    assert code == 0
    assert re.search(r"number\.png: 271 \(2 [\d.]+%, 7 [\d.]+%, 1 [\d.]+%\)", out)
    assert re.search(r"touching\.png: \? \(.*two digits that touch", out)


def test_predict_says_what_speaks_against_one_digit(trained, engine, tmp_path):
    run_id, environment = json.loads(trained[1])["run_id"], trained[3]
    images = mnist.load("test").images
    page, _ = scans.row(images[[1, 0, 2]], np.random.default_rng(0))
    Image.fromarray(255 - page).save(tmp_path / "number.png")
    zeros, _ = scans.row(images[[3, 10, 13]], np.random.default_rng(0), gap=(-0.1, -0.1))
    Image.fromarray(zeros).save(tmp_path / "touching.png")
    Image.fromarray(images[0]).save(tmp_path / "seven.png")
    paths = [tmp_path / f"{name}.png" for name in ("number", "touching", "seven")]

    code, out, _ = complete("predict", "--model", run_id, *paths, env=environment)
    number, touching, seven = out.splitlines()
    assert code == 0 and "there are 3 pieces: read them with --several" in number
    assert "it may be two digits that touch" in touching and "pieces" not in touching
    assert re.search(r"seven\.png: 7 \([\d.]+%\), else \d \([\d.]+%\)$", seven)

    code, out, _ = complete("predict", "--model", run_id, *paths, "--json", env=environment)
    calibration, documents = engine[1].calibration(run_id), json.loads(out)
    assert [document["pieces"] for document in documents] == [3, 1, 1]
    assert [document["touching"] for document in documents] == [False, True, False]
    for document, line in zip(documents, (number, touching, seven), strict=True):
        raw = np.array([document["probabilities"]], np.float32)
        assert document["certainty"] == pytest.approx(float(calibrated(raw, calibration.temperature).max()))
        assert f": {document['label']} ({document['certainty']:.1%})" in line
        assert document["refused"] == (document["certainty"] < calibration.threshold)
        assert ("does not look like a digit" in line) == document["refused"]


def test_a_piece_is_refused_in_both_kinds_of_documents():
    rows = np.array([[0.55] + [0.05] * 9], np.float32)
    (answer,) = answers.answers(rows, Calibration(1.0, 0.6), [False])
    seen = pictures.Seen("x.png", np.zeros((28, 28), np.uint8), (None,))
    assert answers.digit_json(seen, answer)["refused"] and answer.mark == "?"
    assert answers.digit_line(seen, answer).endswith(", but it does not look like a digit")


def test_steps_of_pictures_are_not_kept_until_the_end(tmp_path):
    Image.fromarray(mnist.load("test").images[0]).save(tmp_path / "seven.png")
    (seen,) = pictures.read([str(tmp_path / "seven.png")], several=True)
    assert [digit.ink.steps for digit in seen.digits] == [()]


def test_a_texture_is_no_number_but_may_be_a_digit(tmp_path):
    dots = np.zeros((140, 140), np.uint8)
    dots[5::20, 5::20] = dots[6::20, 5::20] = 255
    Image.fromarray(dots).save(tmp_path / "dots.png")
    (seen,) = pictures.read([str(tmp_path / "dots.png")], several=False)
    assert seen.digits == () and seen.image.any()
    with pytest.raises(ImageError) as refused:
        pictures.read([str(tmp_path / "dots.png")], several=True)
    assert_friendly(refused, "dots.png", "49 separate pieces")


def test_export_and_upload_make_a_run_that_predicts_the_same(trained, engine, tmp_path):
    run_id, environment, store = json.loads(trained[1])["run_id"], trained[3], engine[1]
    np.save(tmp_path / "digits.npy", mnist.load("test").images[:100])
    predicted = []
    for ways in (["h5"], ["json", "weights"]):
        files = [tmp_path / f"{run_id}{FORMATS[name].ending}" for name in ways]
        for name, file in zip(ways, files, strict=True):
            code, out, _ = complete("export", run_id, "--format", name, "--out", file, "--json", env=environment)
            assert code == 0
            written = {"file": str(file), "bytes": file.stat().st_size}
            assert json.loads(out) == {"run_id": run_id, "format": name} | written
        code, out, _ = complete("upload", *files, "--name", "back", "--json", env=environment)
        assert code == 0
        document = json.loads(out)
        run = store.get(document["run_id"])
        assert (run.name, run.origin, run.test_accuracy) == ("back", "uploaded", store.get(run_id).test_accuracy)
        predicted.append(run.id)
    said = []
    for model in (run_id, *predicted, tmp_path / f"{run_id}.h5"):
        code, out, _ = complete("predict", "--model", model, tmp_path / "digits.npy", "--json", env=environment)
        assert code == 0
        said.append([(answer["label"], answer["probabilities"]) for answer in json.loads(out)])
    assert said == said[:1] * 4


def test_what_was_exported_is_told_in_a_line_or_as_json(call, store, monkeypatch, tmp_path):
    @contextmanager
    def engine(settings, store):
        yield SimpleNamespace(export=lambda run_id, name: b"a network")

    monkeypatch.setattr(export, "engine", engine)
    file = tmp_path / "mine.keras"
    code, out, _ = call("export", FLAGSHIP, "--out", file)
    assert (code, out.partition(". ")[0]) == (0, f"{file}: 9 bytes")
    assert file.read_bytes() == b"a network"
    code, out, _ = call("export", FLAGSHIP, "--out", file, "--json")
    assert (code, json.loads(out)) == (0, {"run_id": FLAGSHIP, "format": "keras", "file": str(file), "bytes": 9})


def test_a_hostile_upload_is_told_in_one_line_and_leaves_no_run(trained, engine, tmp_path):
    before = len(engine[1].list())
    model = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}}
    file = tmp_path / "evil.keras"
    with h5py.File(tmp_path / "weights.h5", "w"):
        pass
    weights = (tmp_path / "weights.h5").read_bytes()
    file.write_bytes(zipped([("config.json", json.dumps(model)), ("model.weights.h5", weights)]))
    np.save(tmp_path / "digits.npy", mnist.load("test").images[:2])
    for command in (["upload", file], ["predict", "--model", file, tmp_path / "digits.npy"]):
        code, out, err = complete(*command, env=trained[3])
        assert (code, out) == (2, "")
        assert_friendly(err.removesuffix("\n"), "Lambda", "program code")
    assert len(engine[1].list()) == before


def test_what_is_no_model_is_told_in_one_line(trained, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"no model")
    np.save(tmp_path / "digits.npy", mnist.load("test").images[:2])
    code, out, err = complete("predict", "--model", tmp_path / "model.keras", tmp_path / "digits.npy", env=trained[3])
    assert (code, out) == (2, "")
    assert_friendly(err.removesuffix("\n"), ".keras")


def test_paper_and_ink_either_way_round(tmp_path):
    digits = mnist.load("test").images[:20]
    np.save(tmp_path / "chalk.npy", digits)
    np.save(tmp_path / "ink.npy", 255 - digits)
    found = pictures.read([str(tmp_path / "chalk.npy"), str(tmp_path / "ink.npy")], several=False)
    images = np.stack([seen.image for seen in found])
    np.testing.assert_array_equal(images[:20], images[20:])
