"""Each rule on a real run that was made to show it, and on a healthy one, which shows none."""

import re

import pytest

from mnist_core.config import RunConfig, choices
from mnist_core.data import mnist
from mnist_core.diagnosis import RULES, Evidence, dead_units, explain, foretold, judged_by
from mnist_core.errors import StoreError, TrainingDiverged
from mnist_core.store.expectations import expect, expected
from mnist_core.training.fit import Trainer
from mnist_core.training.health import health
from mnist_core.training.metrics import MetricsCallback
from mnist_core.training.programs import Programs
from tests.helpers import assert_friendly

HEALTHY = {
    "architecture": {"hidden_units": [64]},
    "data": {"subset": 10_000, "validation_fraction": 0.05},
    "training": {"epochs": 4, "batch_size": 64},
}

MADE = {
    "learning rate too high": {"optimizer.name": "sgd", "optimizer.learning_rate": 10.0, "data.subset": 1000},
    "learning rate too low": {"optimizer.learning_rate": 1e-5, "data.subset": 2000},
    "too few steps": {"training.epochs": 1, "training.batch_size": 512},
    "over-fitting": {"data.subset": 600, "training.epochs": 30},
    "no held-out images": {"data.subset": 600, "training.epochs": 30, "data.validation_fraction": 0.0},
    "dead units": {"optimizer.name": "sgd", "optimizer.learning_rate": 2.0, "architecture.hidden_units": [64, 64, 64],
                   "data.subset": 2000},
    "unshuffled data": {"training.shuffle": False},
    "unscaled pixels": {"data.scaled": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def observe():
    """Trains, and gives the evidence that a page would have."""
    programs = Programs(mnist.load("train"))
    seen = {}

    def observe(**changes):
        config = RunConfig.parse(HEALTHY).replace(changes)
        if config not in seen:
            sink, message = {}, ""
            trainer = Trainer(config, programs)
            try:
                trainer.fit([MetricsCallback(sink)])
            except TrainingDiverged as error:
                message = str(error)
            dead = dead_units(health(trainer.model, programs.digits.images, config.data.scaled))
            seen[config] = Evidence(config, sink["epochs"], message, dead)
        return seen[config]

    return observe


@pytest.mark.parametrize("rule", MADE)
def test_a_rule_speaks_of_a_run_made_to_show_it(observe, rule):
    found = {finding.rule: finding for finding in explain(observe(**MADE[rule]))}
    assert rule in found
    assert_friendly(found[rule].what)
    assert found[rule].mend.endswith(".")


def test_no_rule_speaks_of_a_healthy_run(observe):
    assert explain(observe()) == []


def test_every_rule_has_its_run():
    assert len(MADE) == len(RULES)


SUBCLASSED = {"name": "mlp", "api": "subclassed"}


@pytest.mark.parametrize("architecture", [{"name": "cnn"}, {"name": "softmax"}, {"activation": "tanh"}, SUBCLASSED])
def test_health_of_other_networks(architecture):
    from mnist_core.models.build import build

    config = RunConfig.parse({"architecture": architecture})
    shares = dead_units(health(build(config), mnist.load("test").images, True))
    assert bool(shares) == (architecture.get("name") == "cnn" or architecture == SUBCLASSED)
    assert all(0 <= share < 0.5 for share in shares.values())


ROW = {"epoch": 1, "step": 900, "loss": 0.4, "accuracy": 0.89, "val_loss": 0.4, "val_accuracy": 0.89}


@pytest.mark.parametrize(("accuracy", "words"), [(0.3, "hardly moved"), (0.89, "learned slowly")])
def test_a_small_rate_is_told_by_how_far_it_came(accuracy, words):
    config = RunConfig.parse({"optimizer": {"learning_rate": 1e-4}})
    (finding,) = explain(Evidence(config, [ROW | {"accuracy": accuracy, "val_accuracy": accuracy}]))
    assert_friendly(finding.what, words)
    assert ("hardly moved" in finding.what) != ("learned slowly" in finding.what)


def rules(changes, *rows, message=""):
    """What is said of a run whose epochs have these losses and accuracies, in training and where any are held out."""
    keys = ("loss", "accuracy", "val_loss", "val_accuracy")
    config = RunConfig().replace(changes)
    found = [dict.fromkeys(keys) | {"epoch": e, "step": 900 * e} | dict(zip(keys, row, strict=False))
             for e, row in enumerate(rows, 1)]  # fmt: skip
    return [finding.rule for finding in explain(Evidence(config, found, message))]


FAST, SLOW = {"optimizer.learning_rate": 0.004}, {"optimizer.learning_rate": 1e-4}
SMOOTH, PENALTY = {"training.label_smoothing": 0.3}, {"architecture.l2": 0.02}
DROPOUT, MOVED = {"architecture.dropout": 0.8}, {"augmentation.rotate": 40.0}
MOMENTUM = {"optimizer.name": "sgd", "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.9}
AT_WORK, LOST = ((1.4, 0.85, 1.37, 0.925), (1.3, 0.955, 1.31, 0.963)), ((2.4, 0.1, 2.4, 0.1), (2.4, 0.1, 2.4, 0.1))


@pytest.mark.parametrize(
    ("changes", "rows", "found"),
    [
        (FAST | SMOOTH, AT_WORK, []),  # of 1.3, 1.18 is the least that smoothed labels allow
        (FAST | SMOOTH, LOST, ["learning rate too high"]),
        (FAST | DROPOUT, ((1.9, 0.4, 0.6, 0.90), (1.5, 0.5, 0.4, 0.93)), []),
        (FAST | DROPOUT, ((1.9, 0.4), (1.5, 0.5)), []),
        (FAST | DROPOUT, LOST, ["learning rate too high"]),
        (FAST | DROPOUT, ((2.4, 0.1), (2.4, 0.1)), ["learning rate too high"]),
        (FAST | PENALTY, ((2.0, 0.8, 1.7, 0.88), (1.6, 0.87, 1.5, 0.9)), []),
        (FAST | PENALTY, LOST, ["learning rate too high"]),
        (SLOW | DROPOUT, ((1.2, 0.6, 0.3, 0.94), (0.9, 0.7, 0.2, 0.955)), []),
        (SLOW | DROPOUT, ((1.2, 0.6, 0.7, 0.80), (0.9, 0.7, 0.6, 0.84)), ["learning rate too low"]),
        (SLOW | MOVED, ((1.2, 0.6), (0.9, 0.7)), []),
        (SLOW, ((1.2, 0.6), (0.9, 0.7)), ["learning rate too low"]),
        (MOMENTUM, ((0.5, 0.85, 0.4, 0.88), (0.4, 0.88, 0.35, 0.89)), []),
        (MOMENTUM | {"optimizer.momentum": 0.0}, ((0.5, 0.85, 0.4, 0.88), (0.4, 0.88, 0.35, 0.89)),
         ["learning rate too low"]),
        (MOMENTUM | {"optimizer.fresh": True}, ((0.5, 0.85, 0.4, 0.88), (0.4, 0.88, 0.35, 0.89)),
         ["learning rate too low"]),
        (MOMENTUM | {"optimizer.learning_rate": 0.1}, LOST, ["learning rate too high"]),
        ({}, ((0.1, 0.97), (0.01, 1.0)), ["no held-out images"]),
        ({}, ((0.1, 0.97, 0.1, 0.97), (0.01, 1.0, 0.1, 0.98)), []),
        ({}, ((0.6, 0.8), (0.5, 0.85)), []),
    ],
)  # fmt: skip
def test_a_run_is_judged_by_what_it_has_learned_and_not_by_what_hides_that(changes, rows, found):
    assert rules(changes, *rows) == found


@pytest.mark.parametrize(
    ("rate", "found"),
    [(1e-5, ["weights ran away"]), (1.0, ["learning rate too high"]), (0.003, ["learning rate too high"])],
)
def test_a_tiny_rate_is_not_blamed_for_weights_that_ran_away(rate, found):
    assert rules({"optimizer.learning_rate": rate}, message="The loss became infinite or not a number.") == found


RAW = RunConfig.parse({"data": {"scaled": False}})
LAYER = {"name": "dense", "kind": "Dense", "arguments": {}, "input_shape": [784], "output_shape": [10]}
TAKEN_IN = {"name": "uploaded", "file": "net.keras", "digest": "0123456789ab", "table": [LAYER]}


@pytest.mark.parametrize(
    ("config", "rows", "message", "said"),
    [
        (RAW, [ROW], "", True),
        (RAW, [], "The loss became infinite or not a number at step 7.", True),
        (RAW, [], "There was not enough memory.", False),
        (RunConfig.parse({"data": {"scaled": False}, "architecture": TAKEN_IN}), [], "", False),
    ],
)
def test_raw_pixels_are_blamed_for_what_was_trained_on_them_alone(config, rows, message, said):
    assert ("unscaled pixels" in [finding.rule for finding in explain(Evidence(config, rows, message))]) == said


def test_a_run_is_judged_by_its_last_epoch_or_by_the_weights_that_early_stopping_kept():
    rows = [{"epoch": e, "val_loss": loss, "val_accuracy": 0.9} for e, loss in enumerate((0.5, 0.2, 0.3), 1)]
    early = RunConfig.parse({"training": {"early_stopping": 1}})
    assert judged_by(RunConfig(), rows, "val_accuracy") is rows[2]
    assert judged_by(early, rows, "val_accuracy") is rows[1]
    assert judged_by(early.replace({"architecture.name": "random_forest"}), rows, "val_accuracy") is rows[2]
    assert judged_by(early, [], "val_loss") is None
    assert judged_by(RunConfig(), [rows[0], {"epoch": 2, "val_loss": None}], "val_loss") is rows[0]


@pytest.mark.parametrize(
    ("patience", "kept", "found", "unsaid"),
    [
        (0, (0.94, 0.93), "since epoch 2", "epoch 4"),
        (2, (0.94, 0.93), None, None),
        (2, (0.98, 0.93), "98.0% of the images it learned from, but 93.0%", "risen"),
    ],
)
def test_over_fitting_is_judged_by_the_weights_that_were_kept(patience, kept, found, unsaid):
    """The second epoch has the least held-out loss; the last one knows its images by heart."""
    scores = [(0.9, 0.9), kept, (0.99, 0.93), (1.0, 0.93)]
    rows = [
        ROW | {"epoch": e, "loss": 0.1, "accuracy": a, "val_loss": loss, "val_accuracy": held}
        for e, (a, held), loss in zip(range(1, 5), scores, (0.4, 0.2, 0.3, 0.5), strict=True)
    ]
    findings = explain(Evidence(RunConfig.parse({"training": {"early_stopping": patience}}), rows))
    assert [finding.rule for finding in findings] == (["over-fitting"] if found else [])
    for finding in findings:
        assert found in finding.what and unsaid not in finding.what
        assert ("epoch 2, whose weights early stopping takes" in finding.what) == bool(patience)
        assert ("early stopping" in finding.mend) == (not patience)


def test_nothing_is_said_without_an_epoch():
    assert explain(Evidence(RunConfig(), [])) == []
    assert dead_units(None) == {}


def test_a_prediction_is_written_down_once_and_compared(store):
    run_id = store.create(RunConfig())
    assert expected(store.database, run_id) is None
    expect(store.database, run_id, 0.95)
    expect(store.database, run_id, 0.99)
    assert expected(store.database, run_id) == 0.95
    with pytest.raises(StoreError) as error:
        expect(store.database, run_id, 95)
    assert_friendly(error)
    store.delete(run_id)
    assert expected(store.database, run_id) is None
    assert foretold(0.95, 0.952).endswith("well foretold.")
    assert foretold(0.9925, 0.99).startswith("The prediction was 99.25%, and it is 99.00%")
    assert "2.0 points more" in foretold(0.95, 0.97)
    assert "45.0 points less" in foretold(0.95, 0.5)


def test_a_control_is_named_as_the_form_names_it():
    config = RunConfig.parse({"training": {"shuffle": False}})
    row = {"epoch": 1, "loss": 0.1, "accuracy": 0.99, "val_loss": 0.1, "val_accuracy": 0.99, "step": 900}
    advice = {finding.rule: finding.mend for finding in explain(Evidence(config, [row], "", {}))}
    titles = {spec.title for spec in choices("training")[0].specs()}
    assert re.findall(r"\*(.+?)\*", advice["unshuffled data"])[0] in titles
