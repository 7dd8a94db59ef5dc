"""The explicit loop learns what the compiled one learns, and shows it in the same way."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.data.split import split
from mnist_core.models.build import build, gives_logits
from mnist_core.models.losses import ClippedCrossentropy
from mnist_core.recipes import RECIPES
from mnist_core.training import compiled, tape
from mnist_core.training.execution import Execution
from mnist_core.training.fit import Trainer
from mnist_core.training.metrics import MetricsCallback
from mnist_core.training.order import Order
from mnist_core.training.programs import Programs

UNCOMPILED = Execution("/CPU:0", "CPU", "float32", xla=False, reason="")
NORMAL = {"name": "softmax", "api": "variables", "start": "normal"}
CASES = {
    "mlp": {},
    "subclassed with dropout": {"architecture": {"hidden_units": [8], "api": "subclassed", "dropout": 0.3}},
    "functional with l2": {
        "architecture": {"hidden_units": [8], "api": "functional", "l2": 0.01, "batch_norm": True},
        "optimizer": {"name": "sgd", "momentum": 0.9},
    },
    "raw variables": {"architecture": NORMAL, "training": {"loss": "clipped"}},
    "new adam every step": {"architecture": NORMAL, "optimizer": {"fresh": True}, "training": {"loss": "clipped"}},
    "logits": {"architecture": {"name": "cnn", "blocks": [{"filters": 4}], "output": "logits"}},
    "smoothed and augmented": {"training": {"label_smoothing": 0.1}, "augmentation": {"shift": 2.0}},
    "steps": {"training": {"steps": 5, "history": 2, "shuffle_buffer": 60}},
}


def config(data, **training):
    data = data | {"data": {"subset": 500}, "training": {"epochs": 2, "batch_size": 200} | data.get("training", {})}
    data["architecture"] = data.get("architecture", {"hidden_units": [16]})
    return RunConfig.parse(data | {"training": data["training"] | training})


def train(chosen, digits, callbacks=(), resume_from=None):
    trainer = Trainer(chosen, Programs(digits), UNCOMPILED)
    trainer.fit(list(callbacks), resume_from)
    return trainer


def weights(trainer):
    return [np.asarray(variable) for variable in trainer.model.trainable_variables]


@pytest.mark.parametrize("case", CASES)
def test_both_loops_learn_the_same(case, digits):
    trained = {}
    for loop in ("fit", "tape"):
        sink = {}
        chosen = config(CASES[case], loop=loop)
        trained[loop] = train(chosen, digits, [MetricsCallback(sink, every_step=chosen.training.history > 0)]), sink
    (fit, fit_sink), (taped, tape_sink) = trained["fit"], trained["tape"]
    assert isinstance(taped.epoch, tape.TapeEpoch)
    for one, other in zip(weights(fit), weights(taped), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    for row, other in zip(fit_sink["epochs"], tape_sink["epochs"], strict=True):
        assert row | {"seconds": 0} == pytest.approx(other | {"seconds": 0}, rel=1e-4)
    if chosen.training.history:
        assert fit_sink["batches"] == [pytest.approx(row, rel=1e-4) for row in tape_sink["batches"]]


@pytest.mark.parametrize("case", CASES)
def test_both_score_the_same(case, digits):
    """With a last batch that is not full."""
    chosen, part = config(CASES[case], epochs=1, steps=0, loop="tape"), Digits(digits.images[:333], digits.labels[:333])
    trainer = train(chosen, digits)
    before = [np.array(variable) for variable in trainer.model.variables]
    assert isinstance(trainer.evaluation, tape.LoopEvaluation)
    other = compiled.CompiledEvaluation(trainer.model, chosen.data.scaled, gives_logits(chosen))
    expected, probabilities = other.evaluate(part)
    for _ in range(2):  # a second time begins anew
        scores, found = trainer.evaluation.evaluate(part)
        assert scores == pytest.approx(expected, rel=1e-5)
        assert scores["accuracy"] == expected["accuracy"]
        np.testing.assert_allclose(found, probabilities, atol=1e-6)
    for variable, value in zip(trainer.model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_nothing_is_scored_where_there_are_no_images(digits):
    trainer = train(config({}, steps=1, loop="tape"), digits)
    scores, probabilities = trainer.evaluation.evaluate(Digits(digits.images[:0], digits.labels[:0]))
    assert (scores, probabilities.shape) == ({"loss": 0.0, "accuracy": 0.0}, (0, 10))


def test_a_run_is_stopped_and_resumed_in_the_explicit_loop_too(digits, monkeypatch):
    monkeypatch.setattr(tape, "REPORT_SECONDS", -1.0)
    chosen = config(CASES["new adam every step"], loop="tape")
    whole = train(chosen, digits)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.trainer.step == 2:
                self.checkpoint, self.model.stop_training = self.trainer.checkpoint(), True

    stop = Stop()
    assert train(chosen, digits, [stop]).step == 2
    resumed = train(chosen, digits, resume_from=stop.checkpoint)
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


# -- steps and histories -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", ["fit", "tape"])
@pytest.mark.parametrize("slice_seconds", [0.0, 60.0])
def test_a_history_stands_at_exact_steps_whatever_the_clock_says(digits, monkeypatch, loop, slice_seconds):
    monkeypatch.setattr(compiled, "SLICE_SECONDS", slice_seconds)
    monkeypatch.setattr(tape, "REPORT_SECONDS", slice_seconds)
    sink = {}
    # 25 steps an epoch, so that rows fall into epochs, across their ends and on the run's last step.
    chosen = config({}, loop=loop, batch_size=20, steps=67, history=10)
    trainer = train(chosen, digits, [MetricsCallback(sink, every_step=True)])
    assert [row["step"] for row in sink["batches"]] == [10, 20, 30, 40, 50, 60, 67]
    assert [(row["epoch"], row["step"]) for row in sink["epochs"]] == [(1, 25), (2, 50), (3, 67)]
    assert trainer.step == trainer.total_steps == chosen.total_steps == 67
    assert chosen.epochs == 3
    first_two_epochs = np.average([row["loss"] for row in sink["batches"][:5]])
    assert first_two_epochs == pytest.approx(np.average([row["loss"] for row in sink["epochs"][:2]]), rel=1e-5)


def test_a_history_row_that_is_interrupted_is_whole_in_the_end(digits, monkeypatch):
    monkeypatch.setattr(compiled, "SLICE_SECONDS", 0.0)
    chosen, whole, rows = config({}, batch_size=50, steps=25, history=10), {}, {"epochs": [], "batches": []}
    train(chosen, digits, [MetricsCallback(whole, every_step=True)])

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.trainer.step == 14:
                self.checkpoint, self.model.stop_training = self.trainer.checkpoint(), True

    stop = Stop()
    train(chosen, digits, [MetricsCallback(rows, every_step=True), stop])
    train(chosen, digits, [MetricsCallback(rows, every_step=True)], stop.checkpoint)
    assert rows["batches"] == [pytest.approx(row, rel=1e-6) for row in whole["batches"]]


# -- raw variables -------------------------------------------------------------------------------------------------


def raw_model(digits, count):
    chosen = RECIPES["logreg-steps"].config
    model = build(chosen)
    images = digits.images[:count].astype(np.float32)[..., None] / 255
    return model, images, digits.labels[:count].astype(int)


def test_raw_variables_begin_as_standard_normal_numbers(digits):
    model, _, _ = raw_model(digits, 1)
    assert [tuple(variable.shape) for variable in model.trainable_variables] == [(784, 10), (10,)]
    drawn = np.asarray(model.W)
    assert abs(drawn.mean()) < 0.05
    assert drawn.std() == pytest.approx(1, abs=0.05)
    assert np.asarray(model.b).std() > 0.2


def test_gradients_of_raw_variables_are_the_closed_form(digits):
    """x^T (p - y) / N, but nothing from images whose true digit has a probability below 1e-9."""
    model, images, labels = raw_model(digits, 300)
    with tf.GradientTape() as gradient_tape:
        loss = model.loss(tf.constant(labels), model(images))
    of_weights, of_bias = gradient_tape.gradient(loss, [model.W.value, model.b.value])

    flat = images.reshape(300, 784).astype(np.float64)
    logits = flat @ np.asarray(model.W, np.float64) + np.asarray(model.b, np.float64)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    true = p[np.arange(300), labels]
    taught = true > 1e-9
    assert 5 < (~taught).sum() < 295  # both kinds are there
    error = (p - np.eye(10)[labels]) * taught[:, None] / 300
    np.testing.assert_allclose(of_weights, flat.T @ error, atol=1e-6)
    np.testing.assert_allclose(of_bias, error.sum(axis=0), atol=1e-6)
    assert float(loss) == pytest.approx(-np.log(np.clip(true, 1e-9, 1)).mean(), rel=1e-5)


def test_the_clipped_loss_ends_at_one_in_a_thousand_million():
    probabilities = np.array([[0.0, 1.0], [0.25, 0.75]], np.float32)
    loss = float(ClippedCrossentropy()(np.array([0, 0]), probabilities))
    assert loss == pytest.approx((9 * np.log(10) + np.log(4)) / 2)


def test_an_adam_that_is_new_at_every_step_moves_every_weight_by_the_learning_rate(digits):
    chosen = config(CASES["new adam every step"], steps=1)
    before = [np.asarray(variable) for variable in build(chosen).trainable_variables]
    moved = [after - first for first, after in zip(before, weights(train(chosen, digits)), strict=True)]
    first_batch = split(digits.labels, chosen.data).train[Order(chosen.training, chosen.seed, 500).epoch(0)[:200]]
    inked = (digits.images[first_batch].reshape(200, -1) > 0).any(axis=0)
    step = np.abs(moved[0])
    rate = chosen.optimizer.learning_rate
    assert (step[~inked] == 0).all()
    # Where the gradient is large against Adam's epsilon, it is the rate; where it is tiny, less.
    assert np.median(step[inked]) == pytest.approx(rate, rel=1e-3)
    assert step.max() <= rate * 1.001
    many = train(config(CASES["new adam every step"], steps=4), digits)
    assert int(many.model.optimizer.iterations) == 1
