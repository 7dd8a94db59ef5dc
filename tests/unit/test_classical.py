"""Classical models fitted round by round are those of scikit-learn's own ``fit``, and read digits as it does."""

import io
import subprocess
import sys

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier

from mnist_core.config import RunConfig
from mnist_core.data.split import split
from mnist_core.models import fitted
from mnist_core.training.classical import ClassicalTrainer
from tests.helpers import ROOT

FOREST = {"name": "random_forest", "trees": 6}
LINEAR = {"name": "sgd_classifier", "max_iter": 25}
CASES = {
    "forest": (FOREST, {}),
    "forest of raw pixels": (FOREST, {"scaled": False}),
    "small trees": (FOREST | {"max_depth": 3, "min_samples_leaf": 9, "max_features": "all"}, {}),
    "trees without a question": (FOREST | {"min_samples_leaf": 200, "max_depth": 1, "trees": 1}, {"subset": 500}),
    "hinge": (LINEAR, {}),
    "log loss": (LINEAR | {"loss": "log_loss", "penalty": "l1", "alpha": 0.001}, {}),
}


class Watch:
    """What a trainer's callbacks are asked, with a stop after so many ticks or rounds."""

    def __init__(self, ticks=None, rounds=None):
        self.stop_after_ticks, self.stop_after_rounds = ticks, rounds
        self.ticks, self.rows, self.begun_at = [], [], None

    def set_model(self, model):
        self.model = model

    def on_train_begin(self):
        self.begun_at = self.trainer.step

    def on_train_batch_end(self, batch, logs):
        self.ticks.append(logs["step"])
        self.model.stop_training |= len(self.ticks) == self.stop_after_ticks

    def on_epoch_end(self, epoch, logs):
        self.rows.append(logs)
        self.model.stop_training |= len(self.rows) == self.stop_after_rounds

    def on_train_end(self):
        self.ended = True


def config(architecture, data=None, seed=3):
    return RunConfig.parse({"architecture": architecture, "data": data or {}, "seed": seed})


def fit(chosen, digits, resume_from=None, **stops):
    trainer, watch = ClassicalTrainer(chosen, digits), Watch(**stops)
    trainer.fit([watch], resume_from)
    assert watch.ended
    return trainer, watch


def pixels(images, chosen):
    return images.reshape(len(images), -1) / (255 if chosen.data.scaled else 1)


def of_scikit_learn(chosen, digits):
    """The same model by ``fit`` in one go."""
    arch = chosen.architecture
    if arch.name == "random_forest":
        model = RandomForestClassifier(
            arch.trees,
            max_depth=arch.max_depth or None,
            min_samples_leaf=arch.min_samples_leaf,
            max_features=None if arch.max_features == "all" else arch.max_features,
            random_state=chosen.seed,
        )
    else:
        model = SGDClassifier(
            loss=arch.loss, penalty=arch.penalty, alpha=arch.alpha, max_iter=arch.max_iter, random_state=chosen.seed
        )
    train = split(digits.labels, chosen.data).train
    return model.fit(pixels(digits.images[train], chosen), digits.labels[train])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("case", CASES)
def test_it_is_the_model_that_scikit_learn_fits_in_one_go(case, digits):
    chosen = config(*CASES[case])
    trainer, watch = fit(chosen, digits)
    model = of_scikit_learn(chosen, digits)
    flat, found = pixels(digits.images, chosen), trainer.evaluation.probabilities(digits.images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(found, model.predict_proba(flat), atol=1e-6)
    if hasattr(model, "coef_"):
        np.testing.assert_array_equal(trainer.evaluation.weights, model.coef_)
        np.testing.assert_array_equal(trainer.evaluation.bias, model.intercept_)
    if not hasattr(model, "predict_proba"):
        np.testing.assert_array_equal(found.argmax(axis=1), model.predict(flat))
        distance = model.decision_function(flat)
        expected = np.exp(distance - distance.max(axis=1, keepdims=True))
        np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), atol=1e-6)
    assert len(watch.rows) == chosen.epochs
    assert trainer.step == trainer.total_steps == chosen.total_steps


@pytest.mark.parametrize("case", ["forest", "hinge"])
def test_rows_tell_of_the_model_so_far(case, digits):
    chosen = config(*CASES[case])
    trainer, watch = fit(chosen, digits, rounds=4)
    assert [row["step"] for row in watch.rows] == [n * chosen.total_steps // chosen.epochs for n in (1, 2, 3, 4)]
    probabilities = trainer.evaluation.probabilities(trainer.validation.images)
    labels, last = trainer.validation.labels, watch.rows[-1]
    assert last["val_accuracy"] == pytest.approx((probabilities.argmax(axis=1) == labels).mean())
    clipped = np.clip(probabilities.astype(float), 1e-7, 1 - 1e-7)
    true = clipped[np.arange(len(labels)), labels]
    assert last["val_loss"] == pytest.approx(-np.log(true).mean(), rel=1e-5)
    assert watch.rows[0]["accuracy"] < last["accuracy"] <= 1


@pytest.mark.parametrize("case", ["forest", "hinge"])
def test_a_resumed_fitting_ends_as_one_that_was_not_stopped(case, digits):
    chosen = config(*CASES[case])
    whole, watched = fit(chosen, digits)
    stopped, _ = fit(chosen, digits, rounds=2)
    resumed, watch = fit(chosen, digits, stopped.checkpoint())
    assert watch.begun_at == stopped.step
    for name, array in whole.evaluation.arrays().items():
        np.testing.assert_array_equal(resumed.evaluation.arrays()[name], array)
    for row, expected in zip(watch.rows, watched.rows[2:], strict=True):
        assert {**row, "seconds": 0} == pytest.approx({**expected, "seconds": 0})


def test_a_stop_in_the_middle_of_a_digit_keeps_those_before_it(digits):
    chosen = config(LINEAR)
    _, watched = fit(chosen, digits, rounds=2)
    trainer, watch = fit(chosen, digits, ticks=len(watched.ticks) + 3)
    assert (trainer.evaluation.known, len(watch.rows)) == (2, 2)
    assert trainer.step == 50
    found = trainer.evaluation.probabilities(digits.images)
    assert (found[:, 2:] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_passes_are_told_as_they_are_done(digits):
    _trainer, watch = fit(config(LINEAR), digits, rounds=1)
    assert watch.ticks == sorted(watch.ticks)
    assert len(watch.ticks) > 3
    assert set(watch.ticks) <= set(range(25))


@pytest.mark.parametrize("case", ["forest", "log loss"])
def test_a_model_survives_its_bytes_which_are_no_pickle(case, digits):
    trainer, _ = fit(config(*CASES[case]), digits)
    data = trainer.files()["model.npz"]
    np.testing.assert_array_equal(
        fitted.from_bytes(data).probabilities(digits.images), trainer.evaluation.probabilities(digits.images)
    )
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "biuf" for name in arrays.files)
    objects = io.BytesIO()
    np.savez(objects, scaled=True, roots=np.array([print], object))
    with pytest.raises(ValueError, match="pickle"):
        fitted.from_bytes(objects.getvalue())


NEW_PROCESS = """
import pathlib, sys
import numpy as np
from mnist_core.models import fitted
model = fitted.from_bytes(pathlib.Path(sys.argv[1], "model.npz").read_bytes())
print(model.probabilities(np.load(sys.argv[1] + "/images.npy")).tobytes().hex(), "sklearn" in sys.modules)
"""


@pytest.mark.parametrize("case", ["forest of raw pixels", "hinge"])
def test_a_model_answers_bit_for_bit_the_same_in_a_new_process(case, digits, tmp_path):
    trainer, _ = fit(config(*CASES[case]), digits, rounds=3)
    (tmp_path / "model.npz").write_bytes(trainer.files()["model.npz"])
    np.save(tmp_path / "images.npy", digits.images[:50])
    command = [sys.executable, "-c", NEW_PROCESS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    expected = trainer.evaluation.probabilities(digits.images[:50]).tobytes().hex()
    assert done.stdout.split() == [expected, "False"], done.stderr


def test_a_linear_model_that_knows_no_digit_yet_guesses(digits):
    nothing = fitted.LinearScores(True, np.zeros((10, 784)), np.zeros(10), 0, logistic=True)
    np.testing.assert_allclose(nothing.probabilities(digits.images[:2]), 0.1)


def test_no_images_give_no_probabilities(digits):
    trainer, _ = fit(config(FOREST, {"subset": 500}), digits, rounds=1)
    assert trainer.evaluation.probabilities(np.empty((0, 28, 28), np.uint8)).shape == (0, 10)
    assert fitted.scored(np.empty(0, np.uint8), np.empty((0, 10))) == {"loss": 0.0, "accuracy": 0.0}
