"""The compiled epoch does what a plain loop over batches does: the same weights, losses and answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from mnist_core.config import RunConfig
from mnist_core.models.build import build
from mnist_core.training import compiled
from mnist_core.training.arguments import Numbers
from mnist_core.training.compiled import CompiledEpoch, CompiledEvaluation
from mnist_core.training.position import Sums
from tests.reference import plain_loop

IMAGES, BATCH, ROOM = 700, 128, 1024
STEPS = 6
"""Five of 128 images, and one of the 60 that are left."""

SMALL_CNN = {"name": "cnn", "blocks": [{"filters": 4, "kernel": 5}, {"filters": 6}], "l2": 0.01}
CASES = {
    "mlp": ({"architecture": {"hidden_units": [32]}}, True),
    "mlp without XLA": ({"architecture": {"hidden_units": [32]}}, False),
    "mlp with all": (
        {
            "architecture": {"hidden_units": [16, 16], "l2": 0.01, "batch_norm": True, "activation": "gelu"},
            "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
            "training": {"label_smoothing": 0.1},
        },
        True,
    ),
    "raw pixels": ({"data": {"scaled": False}, "optimizer": {"name": "sgd", "learning_rate": 1e-5}}, False),
    "rmsprop": ({"architecture": {"name": "softmax"}, "optimizer": {"name": "rmsprop"}}, True),
    "adamw": ({"architecture": {"hidden_units": [16]}, "optimizer": {"name": "adamw", "weight_decay": 0.1}}, False),
    "nadam": ({"architecture": {"hidden_units": [16]}, "optimizer": {"name": "nadam"}}, False),
    "adagrad": ({"architecture": {"hidden_units": [16]}, "optimizer": {"name": "adagrad"}}, True),
    "cnn": ({"architecture": SMALL_CNN}, False),
    "cnn with dropout and batch norm": (
        {
            "architecture": {
                "name": "cnn", "dropout": 0.3,
                "blocks": [{"filters": 4, "batch_norm": True, "dropout": 0.2, "pooling": "average"}],
            },
            "optimizer": {"name": "sgd", "learning_rate": 0.1},
        },
        False,
    ),
    "cnn with augmentation": ({"architecture": SMALL_CNN, "augmentation": {"shift": 2.0, "rotate": 10.0}}, False),
}  # fmt: skip


@pytest.fixture(scope="module")
def part(digits):
    return type(digits)(digits.images[:IMAGES], digits.labels[:IMAGES])


@pytest.fixture(scope="module")
def order():
    return np.random.default_rng(5).permutation(IMAGES).astype(np.int32)


RATES = np.linspace(1.0, 0.5, STEPS).astype(np.float32)
"""Every step has another rate, as a share of the configured one."""

FIRST_STEP = 42


def epoch_of(model, part, config, batch, xla):
    images, labels = tf.constant(part.images), tf.constant(part.labels, tf.int32)
    return CompiledEpoch(model, images, labels, config, batch, ROOM, xla, Numbers(model))


def make(data, xla, part):
    config = RunConfig.parse(data | {"training": data.get("training", {}) | {"batch_size": BATCH}})
    model = build(config)
    return config, model, epoch_of(model, part, config, BATCH, xla)


def run(epoch, config, order, first=0):
    rates = config.optimizer.learning_rate * RATES
    return list(epoch.run(order, rates.astype(np.float32), first, (config.seed, FIRST_STEP)))


@pytest.mark.parametrize("case", CASES)
def test_an_epoch_is_the_plain_loop(case, part, order):
    config, model, epoch = make(*CASES[case], part)
    slices = run(epoch, config, order)
    weights, steps = plain_loop(config, part, [order], config.optimizer.learning_rate * RATES, FIRST_STEP)
    found, expected = (np.concatenate([np.ravel(part) for part in parts]) for parts in (model.get_weights(), weights))
    assert np.linalg.norm(found - expected) <= 1e-5 * np.linalg.norm(expected)
    alike = np.isclose(found, expected, rtol=1e-5, atol=1e-6)
    # Where a gradient is near zero, Nadam divides rounding by itself: one weight of 12,730 is off by 0.0001 of itself.
    assert alike.all() or (case == "nadam" and alike.mean() > 0.9999)

    sums = Sums()
    for _end, *more in slices:
        sums.add(*more)
    losses, right, sizes = zip(*steps, strict=True)
    assert sums.images == sum(sizes) == IMAGES
    assert sums.correct == sum(right)
    assert sums.means()["loss"] == pytest.approx(np.average(losses, weights=sizes), rel=1e-5)
    assert sums.means()["accuracy"] == pytest.approx(sum(right) / IMAGES)


@pytest.mark.parametrize("case", ["mlp", "cnn with dropout and batch norm"])
def test_weights_do_not_depend_on_how_the_epoch_is_sliced(case, part, order, monkeypatch):
    config, whole, epoch = make(*CASES[case], part)
    epoch._slice = 100
    assert [end for end, *_ in run(epoch, config, order)] == [5, 6]

    monkeypatch.setattr(compiled, "SLICE_SECONDS", 0.0)
    config, stepwise, epoch = make(*CASES[case], part)
    slices = run(epoch, config, order)
    assert [(end, images) for end, _, _, images in slices] == [(i + 1, BATCH) for i in range(5)] + [(6, 60)]
    for one, other in zip(whole.get_weights(), stepwise.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("xla", [True, False])
def test_dropout_drops_other_units_at_every_step(part, order, monkeypatch, xla):
    """XLA draws other random bits than a plain loop, so they are looked at. Of one image, what a unit that was dropped
    passes on is not trained.
    """
    monkeypatch.setattr(compiled, "SLICE_SECONDS", 0.0)
    steps, units = 60, 64
    config = RunConfig.parse({
        "architecture": {"hidden_units": [units], "dropout": 0.4, "activation": "tanh"},
        "optimizer": {"name": "sgd", "momentum": 0.0, "learning_rate": 0.1}, "training": {"batch_size": 1},
    })  # fmt: skip
    model = build(config)
    kernel = model.layers[-1].kernel
    before, kept = np.array(kernel), []
    rates = np.full(steps, 0.1, np.float32)
    for _ in epoch_of(model, part, config, 1, xla).run(order[:steps], rates, 0, (config.seed, FIRST_STEP)):
        after = np.array(kernel)
        kept.append((after != before).any(axis=1))
        before = after
    assert len({mask.tobytes() for mask in kept}) == steps
    assert np.mean(kept) == pytest.approx(0.6, abs=0.04)  # of 3,840, 0.6 +- 0.008


def test_an_epoch_begun_goes_on_where_it_was(part, order):
    config, _, epoch = make(*CASES["mlp without XLA"], part)
    for first in range(STEPS + 1):
        epoch._slice = 100
        slices = run(epoch, config, order, first)
        assert sum(images for *_, images in slices) == sum(([BATCH] * 5 + [60])[first:])
        assert [end for end, *_ in slices] == [end for end in (5, 6) if end > first]


@pytest.mark.parametrize("case", ["mlp with all", "cnn with dropout and batch norm"])
def test_compiling_trains_nothing_and_is_done_once(case, part, order):
    config, model, epoch = make(*CASES[case], part)
    model.optimizer.build(model.trainable_variables)
    before = [np.asarray(variable) for variable in (*model.variables, *model.optimizer.variables)]
    epoch.compile(IMAGES)
    after = [np.asarray(variable) for variable in (*model.variables, *model.optimizer.variables)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)

    run(epoch, config, order)
    assert [function.experimental_get_tracing_count() for function in (epoch._loop, epoch._last)] == [1, 1]
    config, plain, epoch = make(*CASES[case], part)
    run(epoch, config, order)
    for one, other in zip(model.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_smaller_last_step_is_traced_where_there_is_one(part):
    _, _, epoch = make(*CASES["mlp without XLA"], part)
    epoch.compile(BATCH * 5)
    assert epoch._last.experimental_get_tracing_count() == 0


def test_slices_take_the_time_they_should(part):
    _, _, epoch = make(*CASES["mlp without XLA"], part)
    seconds = compiled.SLICE_SECONDS
    for steps, took, expected in (
        (1, seconds, 1),
        (1, seconds / 4, 4),
        (4, seconds / 100, 400),
        (32, 60.0, 1),
    ):
        epoch._adapt(steps, took)
        assert epoch._slice == expected
    epoch._adapt(1, 0.0)  # a clock may stand still
    assert epoch._slice > 1000


# -- evaluation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["mlp with all", "cnn"])
def test_probabilities_and_score_are_those_of_keras(case, digits):
    config = RunConfig.parse(CASES[case][0])
    model = build(config)
    evaluation = CompiledEvaluation(model, config.data.scaled)
    probabilities = evaluation.probabilities(digits.images)  # 1,000 and a rest of 200
    assert probabilities.shape == (1200, 10)
    assert probabilities.dtype == np.float32
    images = digits.images[..., None].astype(np.float32) / (255.0 if config.data.scaled else 1.0)
    np.testing.assert_allclose(probabilities, model.predict(images, verbose=0), atol=1e-5)

    smoothed = config.training.label_smoothing
    labels = np.eye(10, dtype=np.float32)[digits.labels] if smoothed else digits.labels
    loss, accuracy = model.evaluate(images, labels, batch_size=1200, verbose=0)
    scores, same = evaluation.evaluate(digits)
    assert scores == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-4)
    np.testing.assert_array_equal(same, probabilities)


def test_the_loss_of_a_network_that_is_wrong_and_sure_of_it(digits):
    config = RunConfig.parse({"architecture": {"l2": 0.01}, "data": {"scaled": False}})
    model = build(config)
    evaluation = CompiledEvaluation(model, config.data.scaled)
    scores, probabilities = evaluation.evaluate(digits)
    assert probabilities[np.arange(1200), digits.labels].min() < 1e-30  # rounded, its logarithm would say little
    model.layers[-1].activation = keras.activations.linear
    logits = model.predict(digits.images[..., None].astype(np.float32), verbose=0).astype(np.float64)
    penalty = 0.01 * sum(float((w.numpy() ** 2).sum()) for w in model.weights if w.path.endswith("kernel"))
    expected = (logsumexp(logits, axis=1) - logits[np.arange(1200), digits.labels]).mean() + penalty
    assert scores["loss"] == pytest.approx(expected, rel=1e-5)
    assert scores["accuracy"] == (probabilities.argmax(axis=1) == digits.labels).mean()


def test_no_images_give_no_probabilities():
    evaluation = CompiledEvaluation(build(RunConfig()), scaled=True)
    nothing = evaluation.probabilities(np.empty((0, 28, 28), np.uint8))
    assert nothing.shape == (0, 10)
    assert nothing.dtype == np.float32


def test_means_of_nothing_are_zero():
    assert Sums().means() == {"loss": 0.0, "accuracy": 0.0}


def test_any_number_of_images_is_read_by_one_trace(digits):
    evaluation = CompiledEvaluation(build(RunConfig()), scaled=True)
    for images in (1, 2, 7, 1000, 1001):
        assert evaluation.probabilities(digits.images[:images]).shape == (min(images, len(digits)), 10)
    assert evaluation._forward.experimental_get_tracing_count() == 1
