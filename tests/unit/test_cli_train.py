"""Training by command: one JSON document at the end, and Ctrl-C keeps what was learned."""

import json
import re
import signal

import pytest

from mnist_core.cli import runs, train
from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.errors import EngineError, UnknownRun
from mnist_core.recipes import RECIPES
from mnist_core.store.lease import engine_status
from tests.commands import complete, start
from tests.helpers import assert_friendly

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


def test_a_run_of_another_version_is_listed_with_its_settings_as_they_are(call, store):
    ours, theirs = store.create(RunConfig()), store.create(RunConfig())
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET config = '{{\"future\": 1}}' WHERE id = '{theirs}'")
    code, out, err = call("runs", "--json")
    assert (code, err) == (0, "")
    configs = {entry["run_id"]: entry["config"] for entry in json.loads(out)}
    assert configs == {ours: RunConfig().model_dump(mode="json"), theirs: {"future": 1}}


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


def test_the_bar_of_a_run_that_ended_early_is_full(store, capsys):
    run_id = store.create(RunConfig.parse({"training": {"epochs": 100, "early_stopping": 2}}))
    store.record(run_id, {"status": "finished", "epoch": 4, "step": 1680, "steps": 42_000})
    train.follow(store, Interrupted(), run_id)
    assert "1680/1680" in capsys.readouterr().err


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
