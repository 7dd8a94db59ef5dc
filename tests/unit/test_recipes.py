"""The published systems are the same systems, and the cheap ones land where their authors did."""

import hashlib
import math

import pytest

from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.data.split import split
from mnist_core.models.build import build
from mnist_core.models.subclassed import RawSoftmax, SubclassedNetwork, portable
from mnist_core.recipes import MEASURES, PUBLISHED, RECIPES, recipe_of
from mnist_core.recipes.reproduction import Attempt, Reproduction, document
from mnist_core.training.classical import ClassicalTrainer
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs
from tests.helpers import ROOT
from tests.unit.test_tape import UNCOMPILED

SHAPES = {
    "subclassed-mlp": [(784,), (64,), (10,)],
    "logreg-steps": [(784,), (10,)],
    "logreg-epochs": [(784,), (10,)],
    "logreg-functions": [(784,), (10,)],
    "mlp-100-64-32": [(784,), (100,), (64,), (32,), (10,)],
    "mlp-100-64-32-functional": [(28, 28, 1), (784,), (100,), (64,), (32,), (10,)],
    "softmax-keras": [(784,), (10,)],
    "mlp-100-100": [(784,), (100,), (100,), (100,), (10,)],
    "cnn-32-64-64": [(26, 26, 32), (13, 13, 32), (11, 11, 64), (5, 5, 64), (3, 3, 64), (576,), (10,)],
    "cnn-layers": [(28, 28, 32), (14, 14, 32), (14, 14, 64), (7, 7, 64), (3136,), (1024,), (1024,), (10,)],
}
PARAMETERS = {
    "subclassed-mlp": [784 * 64 + 64, 650],
    "logreg-steps": [7850],
    "logreg-epochs": [7850],
    "logreg-functions": [7850],
    "mlp-100-64-32": [78_500, 6_464, 2_080, 330],
    "mlp-100-64-32-functional": [78_500, 6_464, 2_080, 330],
    "softmax-keras": [7850],
    "mlp-100-100": [78_500, 10_100, 1_010],
    "cnn-32-64-64": [320, 18_496, 36_928, 5_770],
    "cnn-layers": [832, 51_264, 3_212_288, 10_250],
}
SPLITS = {
    "subclassed-mlp": (48_000, 12_000, "f3735378d09429bcb8bfd491357b590972799ee2ef9cdfab38eb3641eb657550"),
    "mlp-100-64-32": (42_000, 18_000, "f7d5fc334787d0e1bacc7bb7d5396d10f776be1b6ec8bb0a2dbc64811976a326"),
    "sgd-classifier": (45_000, 15_000, "7cbdb2b92d2cfd90f52040a553e30f454e3fca894f489526dfee80b279b6aeee"),
    "softmax-keras": (60_000, 0, "f3735378d09429bcb8bfd491357b590972799ee2ef9cdfab38eb3641eb657550"),
}
"""SHA-256 of the positions of the training and then the held-out images, as little-endian 32-bit integers."""


TRAINED = {
    "subclassed-mlp": ("sgd", 0.001, "10 epochs", 16, 7777, "tape", "reshuffle=False"),
    "logreg-steps": ("adam", 0.01, "4000 steps", 32, 1, "tape", "loss=clipped shuffle_buffer=5000 history=50"),
    "logreg-epochs": ("adam", 0.01, "10 epochs", 32, 1, "tape", "loss=clipped shuffle_buffer=5000 history=50"),
    "logreg-functions": ("adam", 0.01, "10 epochs", 300, 1, "tape", "loss=clipped shuffle_buffer=5000 history=50"),
    "mlp-100-64-32": ("sgd", 0.01, "50 epochs", 128, 111, "fit", ""),
    "softmax-keras": ("rmsprop", 0.001, "30 epochs", 128, 1, "fit", ""),
    "mlp-100-100": ("rmsprop", 0.001, "30 epochs", 200, 1, "fit", ""),
    "cnn-32-64-64": ("rmsprop", 0.001, "30 epochs", 200, 1, "fit", ""),
    "cnn-layers": ("sgd", 0.001, "20000 steps", 100, 1, "fit", "history=50"),
}
"""As published: optimizer, learning rate, length, batch size; seed where given; loop; all that is unusual."""


def test_there_are_eleven_besides_our_own():
    assert [found.name for found in PUBLISHED] == [
        "subclassed-mlp", "random-forest", "logreg-steps", "logreg-epochs", "logreg-functions", "mlp-100-64-32",
        "softmax-keras", "mlp-100-100", "cnn-32-64-64", "sgd-classifier", "cnn-layers",
    ]  # fmt: skip
    own = ["quick", "cnn-fast", "tiny", "champion", "flagship"]
    assert list(RECIPES) == [*own, *(found.name for found in PUBLISHED), "mlp-100-64-32-functional"]


def test_the_tiny_network_is_tiny():
    assert RECIPES["tiny"].config.parameters <= 4_000


@pytest.mark.parametrize("name", SHAPES)
def test_layers_and_parameters_are_the_published_ones(name):
    found = RECIPES[name]
    model = build(found.config)
    api = {"subclassed": SubclassedNetwork, "variables": RawSoftmax}.get(found.config.architecture.api)
    assert api is None or isinstance(model, api)
    layers = portable(model).layers
    assert [tuple(layer.output.shape[1:]) for layer in layers] == SHAPES[name]
    assert [layer.count_params() for layer in layers if layer.count_params()] == PARAMETERS[name]
    expected = found.published.get("parameters", sum(PARAMETERS[name]))
    assert model.count_params() == found.config.parameters == expected == sum(PARAMETERS[name])


@pytest.mark.parametrize("name", TRAINED)
def test_training_is_the_published_one(name):
    config, usual = RECIPES[name].config, RunConfig().training
    optimizer, rate, length, batch, seed, loop, unusual = TRAINED[name]
    training = config.training
    assert (config.optimizer.name, config.optimizer.learning_rate) == (optimizer, rate)
    assert (f"{training.steps} steps" if training.steps else f"{training.epochs} epochs") == length
    assert (training.batch_size, config.seed, training.loop) == (batch, seed, loop)
    named = {"epochs", "steps", "batch_size", "loop"}
    other = [(key, value) for key, value in training if key not in named and value != getattr(usual, key)]
    assert sorted(f"{key}={value}" for key, value in other) == sorted(unusual.split())
    assert config.optimizer.fresh == (name == "logreg-epochs")
    assert getattr(config.optimizer, "momentum", 0.0) == 0.0
    assert config.schedule.name == "constant"
    assert config.data.scaled
    assert not config.augmentation.active


@pytest.mark.parametrize("name", SPLITS)
def test_splits_are_the_published_ones(name):
    train, held_out, digest = SPLITS[name]
    found = split(mnist.load("train").labels, RECIPES[name].config.data)
    assert (len(found.train), len(found.validation)) == (train, held_out)
    order = found.train.astype("<i4").tobytes() + found.validation.astype("<i4").tobytes()
    assert hashlib.sha256(order).hexdigest() == digest


def test_curves_and_reports_are_tables_of_figures():
    for found in PUBLISHED:
        assert found.measure in found.published
        assert set(found.published) <= set(MEASURES)
        assert [row["epoch"] for row in found.curve] == sorted(row["epoch"] for row in found.curve)
        for row in found.curve:
            assert 1 <= row["epoch"] <= found.config.epochs
            assert all(0 < row[key] < 1 for key in row if key.endswith("accuracy"))
    assert len(RECIPES["subclassed-mlp"].curve) == 10
    report = RECIPES["mlp-100-64-32"].report
    assert len(report) == 10
    assert sum(support for *_, support in report) == 10_000
    for precision, recall, f1, _ in report:
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall), abs=0.015)


def test_a_run_is_known_by_its_recipe_or_by_its_settings():
    found = RECIPES["mlp-100-100"]
    assert recipe_of("mlp-100-100", RECIPES["quick"].config) is found
    assert recipe_of("", found.config) is found
    assert recipe_of("", found.config.replace({"seed": 77})) is found
    assert recipe_of("", found.config.replace({"training.epochs": 3})) is None


def test_the_functional_model_is_the_sequential_one_with_the_same_figures():
    one, other = RECIPES["mlp-100-64-32"], RECIPES["mlp-100-64-32-functional"]
    assert recipe_of("", one.config.replace({"architecture.api": "functional", "seed": 5})) is other
    assert one.config.replace({"architecture.api": "functional"}) == other.config
    assert [type(build(found.config)).__name__ for found in (one, other)] == ["Sequential", "Functional"]
    for key in ("published", "curve", "report", "source", "measure", "tolerance", "reason"):
        assert getattr(one, key) == getattr(other, key)


# -- reproduced ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def programs():
    return Programs(mnist.load("train"))


@pytest.mark.parametrize("name", [found.name for found in PUBLISHED if not found.costly])
def test_the_cheap_ones_land_where_their_authors_did(name, programs):
    found, config = RECIPES[name], RECIPES[name].config
    if name in ("subclassed-mlp", "logreg-epochs"):
        # 30,000 and 18,750 explicit steps would take long. Compiled ones learn the same, as tests of the loops prove.
        config = config.replace({"training.loop": "fit"})
    classical = config.architecture.family == "classical"
    trainer = ClassicalTrainer(config, programs.digits) if classical else Trainer(config, programs)
    trainer.fit()
    judge = trainer.validation if found.measure == "val_accuracy" else mnist.load("test")
    accuracy = trainer.evaluation.evaluate(judge)[0]["accuracy"]
    assert trainer.step == found.config.total_steps
    assert abs(accuracy - found.published[found.measure]) <= found.tolerance


def test_sequential_and_functional_learn_the_same_to_the_last_bit(digits):
    weights = []
    for api in ("sequential", "functional", "subclassed"):
        changes = {"architecture.api": api, "training.epochs": 2, "data.subset": 700}
        trainer = Trainer(RECIPES["mlp-100-64-32"].config.replace(changes), Programs(digits), UNCOMPILED)
        trainer.fit()
        weights.append(trainer.model.get_weights())
    for others in weights[1:]:
        for one, other in zip(weights[0], others, strict=True):
            assert (one == other).all()


# -- rows and the document -----------------------------------------------------------------------------------------


def reproduced(name, *accuracies, **more):
    found = RECIPES[name]
    attempts = [Attempt(seed, {found.measure: a, **more}, 12.0) for seed, a in enumerate(accuracies, 1)]
    return Reproduction(found, attempts)


def test_a_row_says_published_measured_difference_and_whether_it_is_within():
    row = reproduced("softmax-keras", 0.9275, 0.9295).row()
    assert row["name"] == "softmax-keras"
    assert (row["published"], row["tolerance"], row["within"], row["seconds"]) == (0.9275, 0.004, True, 12.0)
    assert row["measured"] == pytest.approx(0.9285)
    assert row["difference"] == pytest.approx(0.001)


@pytest.mark.parametrize(("accuracy", "within"), [(0.9315, True), (0.9316, False), (0.9235, True), (0.9234, False)])
def test_the_tolerance_ends_where_it_says(accuracy, within):
    assert reproduced("softmax-keras", accuracy).within is within


def test_a_recipe_that_did_not_finish_is_out():
    failed = Reproduction(RECIPES["softmax-keras"], [Attempt(1, {}, 3.0)])
    assert (failed.measured, failed.difference, failed.within) == (None, None, False)
    assert "not measured" in failed.line()
    assert math.isnan(Reproduction(RECIPES["softmax-keras"]).row()["seconds"])


def test_the_kept_document_has_every_recipe_with_its_figures_reason_and_note():
    text = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")
    for found in PUBLISHED:
        [line] = [line for line in text.splitlines() if line.startswith(f"| `{found.name}`") and "| yes |" in line]
        assert f"| {found.published[found.measure]:.2%} |" in line
        assert f"| {100 * found.tolerance:.1f} |" in line
        assert f"- `{found.name}`: {found.reason}\n" in text
        assert not found.note or f"- `{found.name}`: {found.note}\n" in text


def test_the_document_has_a_line_for_every_recipe_and_every_other_figure():
    rows = [reproduced("softmax-keras", 0.9284, 0.9300, test_loss=0.2651), reproduced("sgd-classifier", 0.8)]
    text = document(rows, "the command", "2026-11-21", "2 cores of a processor")
    assert "Every recipe was trained once to twice" in text
    assert "Written by `the command` on 2026-11-21, on 2 cores of a processor, with tensorflow 2." in text
    line = "| `softmax-keras` | 92.75% | 1: 92.84%, 2: 93.00% | 92.92% | +0.17 | 0.4 | yes | 12 |"
    assert line in text
    assert "| `sgd-classifier` (held out) | 91.11% | 1: 80.00% | 80.00% | -11.11 | 0.6 | **no** | 12 |" in text
    assert "| `softmax-keras` | test loss | 0.2729 | 0.2651 |" in text
    assert "| `softmax-keras` | parameters | 7,850 | 7,850 |" in text
