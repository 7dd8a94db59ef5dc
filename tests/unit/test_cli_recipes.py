"""``recipes`` and ``reproduce``: what they print and how they end; training itself is tested elsewhere."""

import json
import time
from contextlib import nullcontext

import pytest
from sqlalchemy import update

from mnist_core.cli import main, reproduce
from mnist_core.recipes import PUBLISHED, RECIPES
from mnist_core.store.tables import runs
from tests.helpers import assert_friendly


def ran(capsys, *argv):
    code = main(argv)
    out, err = capsys.readouterr()
    return code, out, err


def test_recipes_are_listed(capsys):
    code, out, _ = ran(capsys, "recipes")
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert any("published test accuracy 97.89%" in line for line in lines)


def test_recipes_are_listed_as_json(capsys):
    code, out, _ = ran(capsys, "recipes", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert list(rows) == list(RECIPES)
    assert {"name", "source", "architecture", "parameters", "published"} <= set(rows["quick"])
    assert rows["cnn-32-64-64"]["parameters"] == 61_514
    assert rows["cnn-32-64-64"]["published"]["test_accuracy"] == 0.9912
    assert rows["random-forest"]["architecture"]["trees"] == 50


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nonsense"], ["'nonsense'", "mlp-100-100"]),
        (["quick"], ["quick is our own recipe", "no published figure"]),
        (["cnn-32-64-64", "--quick"], ["only seconds", "Leave out --quick"]),
        (["--seeds", "0"], ["whole number from 1", "'0'"]),
        (["softmax-keras", "--write"], ["whole table", "leave out names"]),
        (["--quick", "--write"], ["whole table", "leave out names and --quick"]),
    ],
)
def test_what_cannot_be_reproduced_is_told_in_a_sentence(capsys, argv, words):
    code, out, err = ran(capsys, "reproduce", *argv)
    assert (code, out) == (2, "")
    assert_friendly(err.strip(), *words)


@pytest.fixture
def trained(store, monkeypatch):
    """No engine: every run ends with the accuracy that ``trained`` holds for its seed."""
    accuracies = {}

    def follow(where, client, run_id, every_epoch):
        run = where.get(run_id)
        now, accuracy = time.time(), accuracies.get(run.settings.seed)
        columns = {"status": "failed", "message": "It failed."}
        rows = []
        if accuracy is not None:
            columns = {"status": "finished", "test_accuracy": accuracy, "test_loss": 0.1, "device": "a processor"}
            rows = [{"epoch": 1, "step": 1, "loss": 0.1, "accuracy": 0.9, "val_accuracy": accuracy}]
            rows[0] |= {"val_loss": 0.2, "learning_rate": None, "seconds": 1.0}
        where.record(run_id, columns | {"started": now - 5, "ended": now}, [], rows)
        return where.get(run_id)

    monkeypatch.setattr(reproduce, "engine", lambda *_: nullcontext(None))
    monkeypatch.setattr(reproduce, "follow", follow)
    return accuracies


def test_a_recipe_within_its_tolerance(capsys, store, trained):
    trained[1] = 0.9301
    code, out, _ = ran(capsys, "reproduce", "softmax-keras", "--json")
    assert code == 0
    [row] = json.loads(out)
    assert {key: row[key] for key in ("name", "published", "measured", "tolerance", "within")} == {
        "name": "softmax-keras", "published": 0.9275, "measured": 0.9301, "tolerance": 0.004, "within": True,
    }  # fmt: skip
    assert row["difference"] == pytest.approx(0.0026)
    assert row["seconds"] == pytest.approx(5, abs=0.1)
    assert [run.recipe for run in store.list()] == ["softmax-keras"]


def test_several_seeds_are_judged_by_their_mean(capsys, store, trained):
    trained |= {1: 0.9301, 2: 0.9371, 3: 0.9271}
    code, out, _ = ran(capsys, "reproduce", "softmax-keras", "--seeds", "3", "--json")
    [row] = json.loads(out)
    assert (code, row["within"]) == (0, True)
    assert [seed["seed"] for seed in row["seeds"]] == [1, 2, 3]
    assert row["measured"] == pytest.approx(0.9314333)
    assert sorted(run.settings.seed for run in store.list()) == [1, 2, 3]


def test_a_held_out_figure_is_held_against_held_out_images(capsys, trained):
    trained[1] = 0.9100
    code, out, _ = ran(capsys, "reproduce", "sgd-classifier")
    assert code == 0
    assert "published 91.11%, here 91.00%, difference -0.11 of ±0.6 points: within" in out


@pytest.mark.parametrize("accuracy", [0.91, None])
def test_one_that_is_out_or_fails_is_told_by_the_exit_code(capsys, trained, accuracy):
    trained[1] = accuracy
    code, out, err = ran(capsys, "reproduce", "softmax-keras")
    assert code == 1
    assert ("OUT" if accuracy else "did not finish") in out
    assert accuracy or "It failed." in err


@pytest.fixture
def written(monkeypatch, tmp_path):
    """The document, beginning as an earlier one."""
    file = tmp_path / "reproduction.md"
    file.write_text("before", encoding="utf-8")
    monkeypatch.setattr(reproduce, "DOCUMENT", file)
    return file


def test_the_table_is_written_whole(capsys, trained, written):
    trained |= {found.config.seed: 0.9301 for found in PUBLISHED}
    ran(capsys, "reproduce", "--write")
    text = written.read_text(encoding="utf-8")
    assert "`python -m mnist_core reproduce --seeds 1 --write`" in text
    assert "cores of a processor" in text
    for found in PUBLISHED:
        assert f"\n| `{found.name}`" in text


@pytest.mark.parametrize("argv", [["softmax-keras"], ["--quick"]])
def test_a_part_is_not_written_over_the_whole(capsys, store, trained, written, argv):
    assert ran(capsys, "reproduce", *argv, "--write")[0] == 2
    assert written.read_text(encoding="utf-8") == "before"
    assert store.list() == []


def test_a_table_that_is_interrupted_is_not_written(capsys, trained, written, monkeypatch):
    trained |= {found.config.seed: 0.9301 for found in PUBLISHED}
    follow = reproduce.follow

    def interrupted(store, client, run_id, every_epoch):
        if store.get(run_id).recipe == PUBLISHED[-1].name:
            raise KeyboardInterrupt
        return follow(store, client, run_id, every_epoch)

    monkeypatch.setattr(reproduce, "follow", interrupted)
    ran(capsys, "reproduce", "--write")
    assert written.read_text(encoding="utf-8") == "before"


def test_what_has_finished_before_is_counted_when_asked_for(capsys, store, trained):
    trained |= {1: 0.9301, 2: 0.9371}
    ran(capsys, "reproduce", "softmax-keras", "--json")
    trained[1] = 0.5
    _, out, _ = ran(capsys, "reproduce", "softmax-keras", "--seeds", "2", "--resume", "--json")
    [row] = json.loads(out)
    assert [seed["measured"] for seed in row["seeds"]] == [0.9301, 0.9371]
    assert len(store.list()) == 2
    ran(capsys, "reproduce", "softmax-keras", "--json")
    assert len(store.list()) == 3


def test_a_run_kept_before_a_setting_existed_is_counted_too(capsys, store, trained):
    trained[1] = 0.99
    ran(capsys, "reproduce", "cnn-32-64-64", "--json")
    [run] = store.list()
    older = json.loads(run.config)
    for block in older["architecture"]["blocks"]:
        del block["convolutions"]
    with store.database.write() as connection:
        connection.execute(update(runs).values(config=json.dumps(older)))
    ran(capsys, "reproduce", "cnn-32-64-64", "--resume", "--json")
    assert len(store.list()) == 1


def test_quick_leaves_out_what_takes_minutes():
    names = [found.name for found in reproduce.chosen([], quick=True)]
    assert names == [found.name for found in PUBLISHED if found.name not in ("cnn-32-64-64", "cnn-layers")]
