"""Training and predicting by command: one JSON document at the end, and models that survive the journey."""

import json
import os
import re
import signal

import h5py
import numpy as np
import pytest
from PIL import Image

from mnist_core.cli import predict, runs, train
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine.client import EngineClient
from mnist_core.errors import EngineError, UnknownRun
from mnist_core.models.formats import FORMATS
from mnist_core.recipes import RECIPES
from mnist_core.store.lease import engine_status
from tests import scans
from tests.commands import complete, start
from tests.helpers import assert_friendly
from tests.uploads import zipped

KEYS = [
    "run_id",
    "status",
    "epochs",
    "parameters",
    "train_seconds",
    "images_per_second",
    "test_loss",
    "test_accuracy",
]


# -- configurations ------------------------------------------------------------------------------------------


def test_quick_is_where_training_starts():
    assert train.configuration(None, None, []) == (RECIPES["quick"].config, "quick")


@pytest.mark.parametrize("name", RECIPES)
def test_a_changed_recipe_no_longer_has_its_name(name):
    assert train.configuration(name, None, []) == (RECIPES[name].config, name)
    config, recipe = train.configuration(name, None, ["seed=77"])
    assert (config, recipe) == (RECIPES[name].config.replace({"seed": 77}), "")


def test_a_file_and_changes_to_it(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"architecture": {"name": "softmax"}, "seed": 3}')
    config, recipe = train.configuration(None, str(path), ["training.epochs=2", "optimizer.name=sgd"])
    wanted = {"architecture.name": "softmax", "seed": 3, "training.epochs": 2, "optimizer.name": "sgd"}
    assert (config, recipe) == (RunConfig().replace(wanted), "")


# -- runs ----------------------------------------------------------------------------------------------------


def test_no_runs_yet(call):
    code, out, _ = call("runs")
    assert code == 0
    assert "no runs yet" in out
    assert json.loads(call("runs", "--json")[1]) == []


def test_runs_come_newest_first_and_as_columns(call, store):
    older, newer = (
        store.create(RunConfig(), "older"),
        store.create(RunConfig(), "newer\x1b[31m\n" + "and long " * 20),
    )
    store.record(older, {"status": "finished", "epoch": 5, "test_accuracy": 0.9765})
    head, *lines = call("runs")[1].splitlines()
    assert [line.split()[0] for line in lines] == [newer, older]
    assert "\x1b" not in lines[0]
    assert {len(line) for line in lines} == {head.index("created") + len("2026-01-01 00:00")}
    assert re.search(r"older +finished +97\.65% +5 ", lines[1])


def test_images_are_counted_as_often_as_they_were_used(store):
    # 2,000 images in portions of 128 are 15 full steps and one of 80.
    config = RunConfig().replace({"data.subset": 2000, "training.batch_size": 128, "training.epochs": 3})
    run_id = store.create(config)
    assert runs.result(store.get(run_id))["images_per_second"] is None
    for step, images in ((3, 3 * 128), (16, 2000), (20, 2000 + 4 * 128), (48, 6000)):
        store.record(run_id, {"step": step, "steps": 48, "train_seconds": 2.0})
        assert runs.result(store.get(run_id))["images_per_second"] == images / 2


# -- train ---------------------------------------------------------------------------------------------------


class Interrupted:
    """An engine's client that Ctrl-C hits at every look."""

    def ensure(self):
        raise KeyboardInterrupt


def test_ctrl_c_cancels_a_run_that_waits(store):
    run = train.follow(store, Interrupted(), store.create(RunConfig()))
    assert run.status == "cancelled"


def test_the_second_ctrl_c_does_not_wait(store):
    run_id = store.create(RunConfig())
    store.mark_running(run_id)
    with pytest.raises(KeyboardInterrupt):
        train.follow(store, Interrupted(), run_id)
    assert store.get(run_id).wish == "stop"


def test_nothing_waits_in_the_queue_when_there_is_no_engine(call, store, monkeypatch):
    def fail(self):
        raise EngineError("The engine is not there.")

    monkeypatch.setattr(EngineClient, "ensure", fail)
    assert call("train") == (1, "", "The engine is not there.\n")
    assert store.list() == []


def test_a_run_that_is_deleted_meanwhile_is_told(store):
    class Deleting:
        def ensure(self):
            store.delete(run_id)
            return engine_status(store.database)

        def wait(self):
            pass

    run_id = store.create(RunConfig())
    with pytest.raises(UnknownRun) as error:
        train.follow(store, Deleting(), run_id)
    assert_friendly(error, run_id)


@pytest.fixture(scope="module")
def trained(engine):
    """What ``train --json`` said, and the environment in which it did."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MNIST_LAB_")}
    environment["MNIST_LAB_HOME"] = str(engine[0].home)
    changes = ["training.epochs=1", "data.subset=20000"]
    return *complete("train", "--recipe", "quick", "--set", *changes, "--json", env=environment), environment


def test_train_ends_in_one_json_document(trained, engine):
    code, out, err, _ = trained
    document = json.loads(out)
    assert (code, list(document)) == (0, KEYS)
    run = engine[1].get(document["run_id"])
    assert (document["status"], document["epochs"], document["parameters"]) == ("finished", 1, 101_770)
    assert document["images_per_second"] == pytest.approx(20_000 / document["train_seconds"])
    assert document["test_accuracy"] == run.test_accuracy > 0.8
    assert document["test_loss"] == run.test_loss
    assert "Epoch 1/1: loss" in err
    assert "100%" in err  # of the progress bar
    assert "Traceback" not in err


def test_runs_as_json(trained):
    code, out, err = complete("runs", "--json", env=trained[3])
    assert (code, err) == (0, "")
    document = json.loads(trained[1])
    entry = next(entry for entry in json.loads(out) if entry["run_id"] == document["run_id"])
    assert {key: entry[key] for key in KEYS} == document
    assert RunConfig.parse(entry["config"]).data.subset == 20_000


def test_predict_by_run_and_by_file(trained, engine, tmp_path):
    run_id, environment = json.loads(trained[1])["run_id"], trained[3]
    test = mnist.load("test")
    Image.fromarray(255 - test.images[0]).resize((280, 280)).save(tmp_path / "seven.png")  # ink on paper
    Image.fromarray(test.images[1]).resize((280, 280)).save(tmp_path / "two.jpg")  # chalk on a blackboard
    np.save(tmp_path / "digits.npy", test.images[:100])
    (tmp_path / "model.keras").write_bytes(engine[1].load_blob(run_id, "model.keras"))
    pictures = [tmp_path / name for name in ("seven.png", "two.jpg", "digits.npy")]

    code, out, err = complete("predict", "--model", run_id, *pictures, "--json", env=environment)
    assert (code, err) == (0, "")
    answers = json.loads(out)
    assert all(list(answer) == ["label", "probabilities"] for answer in answers)
    probabilities = np.array([answer["probabilities"] for answer in answers])
    labels = np.array([answer["label"] for answer in answers])
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
    assert (code, err) == (0, "")
    number, touching = json.loads(out)
    assert number["number"] == "271" == "".join(str(digit["label"]) for digit in number["digits"])
    for digit, (left, right) in zip(number["digits"], spans, strict=True):
        assert digit["label"] == np.argmax(digit["probabilities"]) and not digit["touching"]
        assert abs(digit["box"][1] - left) < 16 and abs(digit["box"][3] - right) < 16
    assert touching["number"] == "?" and touching["digits"][0]["touching"]

    code, out, _ = complete("predict", "--model", run_id, "--several", *pictures, env=environment)
    assert code == 0
    assert re.search(r"number\.png: 271 \(2 [\d.]+%, 7 [\d.]+%, 1 [\d.]+%\)", out)
    assert re.search(r"touching\.png: \? \(.*two digits that touch", out)


def test_export_and_upload_make_a_run_that_predicts_the_same(trained, engine, tmp_path):
    run_id, environment, store = json.loads(trained[1])["run_id"], trained[3], engine[1]
    np.save(tmp_path / "digits.npy", mnist.load("test").images[:100])
    predicted = []
    for ways in (["h5"], ["json", "weights"]):
        files = [tmp_path / f"{run_id}{FORMATS[name].ending}" for name in ways]
        for name, file in zip(ways, files, strict=True):
            code, out, _ = complete("export", run_id, "--format", name, "--out", file, env=environment)
            assert code == 0
            assert f"{file.stat().st_size:,} bytes" in out
        code, out, _ = complete("upload", *files, "--name", "back", "--json", env=environment)
        assert code == 0
        document = json.loads(out)
        run = store.get(document["run_id"])
        assert (run.name, run.origin, run.test_accuracy) == ("back", "uploaded", store.get(run_id).test_accuracy)
        predicted.append(run.id)
    answers = []
    for model in (run_id, *predicted, tmp_path / f"{run_id}.h5"):
        code, out, _ = complete("predict", "--model", model, tmp_path / "digits.npy", "--json", env=environment)
        assert code == 0
        answers.append(out)
    assert answers == answers[:1] * 4


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
    _, images = predict.digits([str(tmp_path / "chalk.npy"), str(tmp_path / "ink.npy")])
    np.testing.assert_array_equal(images[:20], images[20:])


def test_a_run_that_fails_says_why(trained):
    changes = ["optimizer.name=sgd", "optimizer.learning_rate=10", "data.scaled=false", "data.subset=1000"]
    changes += ["architecture.hidden_units=128,128,128", "architecture.activation=elu"]
    code, out, err = complete("train", "--set", *changes, "--json", env=trained[3])
    document = json.loads(out)
    assert (code, document["status"], document["test_accuracy"]) == (1, "failed", None)
    assert "The loss became infinite" in err.splitlines()[-1]


def test_ctrl_c_stops_training_and_keeps_the_model(trained):
    with start("train", "--set", "training.epochs=500", "--json", env=trained[3]) as process:
        while "Epoch 1/500" not in (line := process.stderr.readline()):
            assert line, "it ended before its first epoch"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    document = json.loads(out)
    assert (process.returncode, document["status"]) == (0, "stopped")
    assert 1 <= document["epochs"] < 500
    assert document["test_accuracy"] > 0.8
    assert "Stopping" in err
    assert "Traceback" not in err
