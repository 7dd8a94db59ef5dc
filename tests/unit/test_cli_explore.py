"""The commands of exploration: ``compare`` and ``sweep``."""

import contextlib
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from mnist_core import cli
from mnist_core.cli import sweep
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine.client import EngineClient
from mnist_core.explore.statistics import mcnemar, wilson
from mnist_core.store.sweeps import SweepStore
from tests.helpers import ROOT, assert_friendly, eventually
from tests.searches import design


@pytest.fixture
def call(capsys):
    def run(*arguments):
        return cli.main([str(argument) for argument in arguments]), *capsys.readouterr()

    return run


@pytest.fixture
def scored(store):
    """Puts a run in the store that read all test images rightly but for those of these indices."""

    def scored(*wrong, config=None):
        labels = mnist.load("test").labels
        answers = labels.copy()
        answers[list(wrong)] = (answers[list(wrong)] + 1) % 10
        run_id = store.create(config or RunConfig())
        packed = io.BytesIO()
        np.save(packed, np.eye(10, dtype=np.float32)[answers])
        columns = {"status": "finished", "test_accuracy": float(np.mean(answers == labels)), "test_loss": 0.1}
        store.record(run_id, columns, files={"test_probabilities": packed.getvalue()})
        return run_id

    return scored


def test_compare_as_json(call, scored):
    first, second = scored(*range(100)), scored(*range(50, 60), config=RunConfig(seed=7))
    code, out, _ = call("compare", first, second, "--json")
    document = json.loads(out)
    assert code == 0
    assert [row["test_accuracy"] for row in document["runs"]] == [0.99, 0.999]
    assert document["runs"][0]["interval"] == pytest.approx(wilson(9900, 10_000))
    assert document["differs"] == {"seed": {first: 1, second: 7}}
    assert document["pairs"][0]["p"] == pytest.approx(mcnemar(0, 90).p)


def test_compare_in_words(call, scored, store):
    first, second, waiting = scored(1, 2), scored(3), store.create(RunConfig())
    code, out, err = call("compare", first, second, waiting)
    assert code == 0
    assert f"{first}" in out
    assert "99.98%" in out
    assert "a tie" in out
    assert waiting in err


def epochs(accuracy):
    return [{"epoch": 1, "step": 9, "loss": 1.0, "accuracy": 0.9, "val_loss": 1.0, "val_accuracy": accuracy}
            | {"learning_rate": 0.1, "seconds": 1.0}]  # fmt: skip


@pytest.fixture
def seeded(scored, store):
    """Four runs: two settings, twice each."""
    found = []
    for smoothing, seed, accuracy in ((0.0, 1, 0.90), (0.0, 2, 0.91), (0.1, 1, 0.95), (0.1, 2, 0.96)):
        config = RunConfig.parse({"training": {"label_smoothing": smoothing}, "seed": seed})
        found.append(scored(config=config))
        store.record(found[-1], {}, epoch_rows=epochs(accuracy))
    return found


def test_compare_in_words_says_what_differs(call, scored):
    first, second = scored(1), scored(2, config=RunConfig.parse({"architecture": {"name": "cnn"}, "seed": 7}))
    out = call("compare", first, second)[1]
    told = out.partition("What differs:\n")[2].splitlines()
    assert f"  seed: {first} 1, {second} 7" in told
    assert f"  architecture.name: {first} mlp, {second} cnn" in told
    (blocks,) = [line for line in told if line.startswith(f"  architecture.blocks: {first} –, {second} filters 16, ")]
    assert "kernel 3" in blocks and "; filters 32, " in blocks
    assert "Their settings are the same" in call("compare", scored(), scored())[1]


def test_compare_tells_losses_and_what_seeds_make_of_them(call, seeded):
    out = call("compare", *seeded)[1]
    assert out.count(", loss 0.1000") == 4
    assert "These losses are not one measure" in out
    assert "  label_smoothing 0.0: 90.50% (standard deviation 0.71%) of 2 of 2 seeds\n" in out
    assert "label_smoothing 0.1 is better than label_smoothing 0.0 by 5.00 points, which is more than the noise" in out
    document = json.loads(call("compare", *seeded, "--json")[1])["seeds"]
    assert [row["run_ids"] for row in document["settings"]] == [seeded[:2], seeded[2:]]
    assert [row["mean"] for row in document["settings"]] == pytest.approx([0.905, 0.955])
    assert document["remarks"][0] in out


def test_compare_tells_of_seeds_without_a_number(call, seeded, store):
    store.record(seeded[1], {"status": "failed", "message": "The loss became infinite or not a number at step 9."})
    out = call("compare", *seeded)[1]
    assert "  label_smoothing 0.0: 90.00% of 1 of 2 seeds\n" in out
    assert "label_smoothing 0.0: 1 of 2 seeds diverged" in out


def test_compare_says_nothing_of_seeds_that_were_not_repeated(call, scored):
    first, second = scored(1), scored(2, config=RunConfig.parse({"training": {"epochs": 9}}))
    assert "over seeds" not in call("compare", first, second)[1]
    assert json.loads(call("compare", first, second, "--json")[1])["seeds"] is None


def test_compare_of_several_corrects_for_the_pairs(call, scored):
    """Seven images more than another reads: sure of two runs alone, and no surprise among the pairs of four."""
    alone = [scored(), scored(*range(7))]
    assert "is better here" in call("compare", *alone)[1]
    others = [scored(*range(7)), scored(*range(6))]
    out = call("compare", *alone, *others)[1]
    assert "With Holm's correction for all pairs of these runs p is" in out
    assert "is better here" not in out


def test_compare_names_every_run_that_is_not_there(call, scored):
    code, out, err = call("compare", scored(), "deadbeef", "also-gone")
    assert (code, out) == (2, "")
    assert_friendly(err.strip(), "deadbeef", "also-gone")


def test_compare_of_one_run(call, scored):
    code, _, err = call("compare", scored())
    assert code == 2
    assert_friendly(err.strip(), "2 to 12")


KEYS = ["sweep_id", "trials", "best_run_id", "best_value", "best_params"]
"""Of the last line, as those who read it with a program expect them."""

SMALL = ["--set", "architecture.name=softmax", "data.subset=500", "data.validation_fraction=0.01", "training.epochs=2"]


def test_a_sweep_from_the_first_word_to_the_chosen_run(engine):
    _, store, _ = engine
    over = ["--over", "optimizer.learning_rate=log:1e-4..0.1", "--over", "training.batch_size=32|64"]
    command = [sys.executable, "-m", "mnist_core", "sweep", *over, *SMALL, "--trials", "4", "--json"]
    # A process of its own, since a command that ends no longer wants the engine to stay.
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout.splitlines()[-1])
    assert list(document) == KEYS
    assert document["trials"] == 4
    sweeps = SweepStore(store.database)
    trials = sweeps.trials(document["sweep_id"])
    assert max(trial.value for trial in trials) == document["best_value"]
    best = store.get(document["best_run_id"])
    assert store.epochs(best.id)[-1]["val_accuracy"] == document["best_value"]
    assert best.settings.optimizer.learning_rate == document["best_params"]["optimizer.learning_rate"]
    for trial in trials:
        run = store.get(trial.run_id)
        assert (run.status, run.test_accuracy, run.usable) == ("finished", None, False)
        assert store.load_blob(run.id, "model.keras") is None
    worst = min(trials, key=lambda trial: trial.value).run_id
    for run_id in (best.id, worst):  # one whose weights were kept, and one that is trained again
        sweeps.update(document["sweep_id"], chosen="")
        weights = store.load_blob(run_id, "checkpoint")
        assert (weights is None) == (run_id == worst)
        rows = store.epochs(run_id)
        sweeps.choose(document["sweep_id"], run_id)
        eventually(lambda run_id=run_id: store.get(run_id).usable, 60)
        assert store.load_array(run_id, "test_probabilities").shape == (10_000, 10)
        assert store.load_blob(run_id, "model.keras")
        again = store.epochs(run_id)
        for key in ("epoch", "loss", "val_accuracy"):
            assert [row[key] for row in again] == [row[key] for row in rows]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--over", "optimizer.learning_rate=1..0.1"], "below"),
        (["--over", "optimizer.speed=1..2"], "no setting"),
        (["--over", "seed=1|2", "--trials", "0"], "trials"),
        (["--over", "seed=1|2", "--sampler", "luck"], "luck"),
        (["--over", "seed=1|2", "--recipe", "soup"], "soup"),
        ([], "--over"),
    ],
)
def test_a_bad_sweep_is_one_sentence_and_starts_nothing(call, store, monkeypatch, arguments, word):
    monkeypatch.setattr(EngineClient, "ensure", lambda self: pytest.fail("this needs no engine"))
    code, out, err = call("sweep", *arguments)
    assert (code, out) == (2, "")
    assert_friendly(err.strip(), word)
    assert SweepStore(store.database).list() == []


def test_what_to_beware_of_is_said_before_the_search_begins(call, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(EngineClient, "ensure", interrupted)
    _, _, err = call("sweep", "--over", "architecture.l2=0..0.01", "--objective", "loss")
    assert "These losses are not one measure" in err


def test_a_sweep_that_its_time_limit_ended_says_so_beside_its_best(call, store, monkeypatch):
    def follow(sweeps, client, sweep_id):
        sweeps.add_trial(sweep_id, 0, {"seed": 1}, RunConfig(), "trial")
        sweeps.update_trial(sweeps.trials(sweep_id)[0], state="complete", value=0.9)
        sweeps.update(sweep_id, status="finished", message="The time limit of 60 seconds was reached.")
        return sweeps.get(sweep_id)

    monkeypatch.setattr(sweep, "engine", lambda settings, store: contextlib.nullcontext())
    monkeypatch.setattr(sweep, "follow", follow)
    code, out, err = call("sweep", "--over", "seed=1|2", "--seconds", "60")
    assert code == 0
    assert "0.9000" in out
    assert "The time limit of 60 seconds was reached." in err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_sweep_without_a_completed_trial_says_so_and_fails(call, monkeypatch, options):
    def follow(sweeps, client, sweep_id):
        sweeps.add_failed(sweep_id, 0, {"seed": 1}, "It has no epoch to judge by.")
        sweeps.update(sweep_id, status="finished")
        return sweeps.get(sweep_id)

    monkeypatch.setattr(sweep, "engine", lambda settings, store: contextlib.nullcontext())
    monkeypatch.setattr(sweep, "follow", follow)
    code, out, err = call("sweep", "--over", "seed=1|2", *options)
    assert code == 1
    assert_friendly(err.strip().splitlines()[-1], "No trial was completed", "Explore")
    if options:
        document = json.loads(out.splitlines()[-1])
        assert (document["trials"], document["best_run_id"], document["best_params"]) == (1, None, {})


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_best_mean_over_seeds_stands_beside_the_best_run(call, store, monkeypatch, options):
    def follow(sweeps, client, sweep_id):
        for number, (batch, seed, value) in enumerate([(32, 1, 0.9), (32, 2, 0.5), (64, 1, 0.8), (64, 2, 0.8)]):
            params = {"training.batch_size": batch, "seed": seed}
            sweeps.add_trial(sweep_id, number, params, RunConfig(), "trial")
            sweeps.update_trial(sweeps.trials(sweep_id)[-1], state="complete", value=value)
        sweeps.update(sweep_id, status="finished")
        return sweeps.get(sweep_id)

    monkeypatch.setattr(sweep, "engine", lambda settings, store: contextlib.nullcontext())
    monkeypatch.setattr(sweep, "follow", follow)
    code, out, err = call("sweep", "--over", "training.batch_size=32|64", "seed=1|2", *options)
    assert code == 0
    if options:
        document = json.loads(out.splitlines()[-1])
        assert list(document) == KEYS
        assert (document["best_value"], document["best_params"]["training.batch_size"]) == (0.9, 32)
    else:
        assert "Best single run of 4 trials on the held-out images: 0.9000 with\n  batch size 32, seed 1" in out
    assert "Best mean over seeds: 0.8000, of 2 seeds with batch size 64" in (err if options else out)


def test_ctrl_c_stops_a_sweep_and_the_second_does_not_wait(store, capsys):
    class Interrupted:
        def ensure(self):
            raise KeyboardInterrupt

    sweeps = SweepStore(store.database)
    sweep_id = sweeps.create(design())
    with pytest.raises(KeyboardInterrupt):
        sweep.follow(sweeps, Interrupted(), sweep_id)
    assert sweeps.get(sweep_id).wish == "stop"
    assert "Stopping; what was found is kept. Ctrl-C once more does not wait for that." in capsys.readouterr().err
