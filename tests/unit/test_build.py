"""The built model is what the configuration says: its start, its loss, its optimizer, its number types."""

import random

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.models.build import build, make_loss, make_optimizer
from mnist_core.training.optimizers import OPTIMIZERS

CNN = {
    "architecture": {
        "name": "cnn",
        "blocks": [{"filters": 4, "batch_norm": True}],
        "hidden_units": [8],
        "l2": 0.01,
    }
}


def config(**data):
    return RunConfig.parse(data)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("data", [{}, CNN], ids=["mlp", "cnn"])
def test_weights_at_the_start_depend_on_seed_and_architecture_alone(data):
    first = build(config(**data, seed=5))
    assert same(first, build(config(**data, seed=5)))
    other = config(**data, seed=5, optimizer={"name": "sgd"}, training={"batch_size": 7, "epochs": 2})
    assert same(first, build(other))
    assert not same(first, build(config(**data, seed=6)))


@pytest.mark.parametrize("api", ["sequential", "functional", "subclassed"])
def test_nothing_is_drawn_from_generators_that_other_threads_share(api):
    random.seed(0)
    np.random.seed(0)
    before = random.getstate(), np.random.get_state()[1].copy()
    architecture = CNN["architecture"] | {"dropout": 0.5, "api": api}
    build(config(architecture=architecture, seed=5))
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])


def test_it_takes_pictures_and_gives_probabilities():
    model = build(config())
    assert model.input_shape == (None, 28, 28, 1)
    assert model.output_shape == (None, 10)
    probabilities = model(np.random.default_rng(0).random((3, 28, 28, 1), np.float32)).numpy()
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    "data", [{"architecture": {"l2": 0.02}}, {"architecture": {"name": "softmax", "l2": 0.02}}, CNN]
)
def test_l2_adds_the_squared_weights_of_every_kernel(data):
    model = build(config(**data))
    kernels = [w.numpy() for w in model.trainable_weights if w.path.endswith("kernel")]
    assert len(kernels) == sum(isinstance(layer, keras.layers.Dense | keras.layers.Conv2D) for layer in model.layers)
    expected = data["architecture"]["l2"] * sum(float((kernel.astype("f8") ** 2).sum()) for kernel in kernels)
    assert sum(float(loss) for loss in model.losses) == pytest.approx(expected, rel=1e-5)


def test_without_l2_nothing_is_added():
    assert build(config()).losses == []


@pytest.mark.parametrize("data", [{"architecture": {"batch_norm": True, "dropout": 0.1}}, CNN], ids=["mlp", "cnn"])
def test_bfloat16_computes_in_16_bits_on_weights_of_32_but_answers_in_32(data):
    model = build(config(**data), "bfloat16")
    *inner, last = model.layers
    for layer in inner:
        assert layer.compute_dtype == ("float32" if isinstance(layer, keras.layers.Dropout) else "bfloat16")
    assert last.compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    probabilities = model(np.ones((2, 28, 28, 1), np.float32)).numpy()
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert same(model, build(config(**data)))


def test_float32_is_float32_throughout():
    assert {layer.compute_dtype for layer in build(config(**CNN)).layers} == {"float32"}


@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_the_optimizer_has_the_configured_fields(kind):
    chosen = {"name": kind().name} | {
        spec.name: True if spec.kind == "switch" else spec.low + 0.25 * (spec.high - spec.low) for spec in kind.specs()
    }
    optimizer = build(config(optimizer=chosen)).optimizer
    assert type(optimizer).__name__ == kind.keras_class
    assert type(optimizer).__name__ == type(make_optimizer(config(optimizer=chosen))).__name__
    found = optimizer.get_config()
    for key, value in chosen.items():
        if key not in ("name", "fresh"):  # the second is for the training loops
            assert found[key] == pytest.approx(value), key


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_cross_entropy_with_the_configured_smoothing(smoothing):
    loss = make_loss(config(training={"label_smoothing": smoothing}))
    rows = np.random.default_rng(1).dirichlet(np.ones(10), 6).astype(np.float32)
    labels = np.array([0, 3, 9, 1, 1, 5])
    wanted = np.eye(10)[labels]
    expected = -((wanted * (1 - smoothing) + smoothing / 10) * np.log(rows)).sum(axis=1).mean()
    given = wanted if smoothing else labels
    assert float(loss(given, rows)) == pytest.approx(expected, rel=1e-5)
    assert type(build(config(training={"label_smoothing": smoothing})).loss) is type(loss)
