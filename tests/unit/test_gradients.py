"""Integrated gradients, by plain loops and by the axiom that defines them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.explain.gradients import integrated_gradients
from mnist_core.explain.slopes import Slopes
from mnist_core.models.build import build
from tests.networks import L, sequential


@pytest.fixture(scope="module")
def network(digits):
    """An MLP that has learned a little, and is sure of most images."""
    model = sequential(L.Flatten(), L.Dense(48, "relu"), L.Dense(10, "softmax"))
    keras.utils.set_random_seed(1)
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(digits.images[..., None] / 255, digits.labels, batch_size=32, epochs=4, verbose=0)
    return model


@pytest.fixture(scope="module")
def slopes(network):
    return Slopes(network, scaled=True)


def by_hand(model, image, digit, steps):
    """The Riemann sum of the paper's equation 3, one step after the other, on the model's own probabilities."""
    drawing, total = tf.constant(image / 255.0, tf.float32), 0.0
    for step in range(steps):
        here = drawing * ((step + 0.5) / steps)
        with tf.GradientTape() as tape:
            tape.watch(here)
            probability = model(here[None, ..., None])[0, digit]
        total = total + tape.gradient(probability, here)
    return np.asarray(drawing * total / steps)


def test_they_are_the_sum_of_the_paper(network, slopes, digits):
    for image, label in zip(digits.images[:3], digits.labels[:3], strict=True):
        found, _, _ = integrated_gradients(slopes, image, int(label))
        expected = by_hand(network, image, int(label), 300)
        assert found.shape == (28, 28)
        np.testing.assert_allclose(found, expected, atol=0.01 * np.abs(expected).max() + 2e-4)


def test_they_add_up_to_what_the_answer_has_risen_by(network, slopes, digits):
    """Completeness, for the likeliest digit and for another one."""
    pictures = np.concatenate([np.zeros((1, 28, 28), np.uint8), digits.images[:40]])
    answers = np.asarray(network(pictures[..., None] / 255.0))
    for image, answer in zip(pictures[1:], answers[1:], strict=True):
        for digit in (int(answer.argmax()), 3):
            values, start, end = integrated_gradients(slopes, image, digit)
            assert (start, end) == pytest.approx((answers[0, digit], answer[digit]), abs=1e-5)
            assert values.sum() == pytest.approx(end - start, abs=0.02)
            assert not values[image == 0].any()


def test_slopes_are_those_of_the_logarithm(network, slopes, digits):
    logarithms, found = slopes(digits.images[:5], 4)
    np.testing.assert_allclose(np.exp(logarithms), network(digits.images[:5, ..., None] / 255.0), atol=1e-6)
    image = digits.images[0].astype(np.float32)
    y, x = np.unravel_index(np.abs(found[0]).argmax(), (28, 28))
    more, less = image.copy(), image.copy()
    more[y, x], less[y, x] = image[y, x] + 1, image[y, x] - 1
    (above, below), _ = slopes(np.stack([more, less]), 4)
    assert (above[4] - below[4]) / 2 == pytest.approx(found[0, y, x], rel=0.02)
    np.testing.assert_array_equal(slopes.of_one(image, 4), slopes(image[None], 4)[1][0])


@pytest.mark.parametrize("api", ["sequential", "functional", "subclassed", "variables"])
def test_a_network_that_is_quite_sure_still_has_slopes(api, digits):
    """Weights a hundred times as large: probabilities are 0 and 1 in 32 bits, and only the logits can tell."""
    architecture = {"name": "softmax", "api": api}
    if api in ("subclassed", "functional"):
        architecture = {"name": "mlp", "hidden_units": [16], "api": api}
    model = build(RunConfig.parse({"architecture": architecture}))
    rng = np.random.default_rng(0)
    model.set_weights([100 * rng.normal(size=weight.shape) for weight in model.weights])
    found = Slopes(model, scaled=True)
    image = digits.images[:1]
    answer = np.asarray(model(image[..., None] / 255.0))[0]
    least = int(answer.argmin())
    assert answer[least] == 0
    logarithms, slope = found(image, least)
    assert np.isfinite(logarithms).all()
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() > 0


def test_logits_and_raw_pixels(digits):
    raw = sequential(L.Flatten(), L.Dense(10))
    found, _ = Slopes(raw, scaled=False, logits=True)(digits.images[:2], 0)
    expected = tf.nn.softmax(raw(digits.images[:2, ..., None].astype(np.float32)))
    np.testing.assert_allclose(np.exp(found), expected, atol=1e-6)


def test_a_temperature_divides_what_goes_into_the_softmax(digits):
    raw = sequential(L.Flatten(), L.Dense(10))
    images = digits.images[:2]
    found, _ = Slopes(raw, scaled=True, logits=True, temperature=2.5)(images, 0)
    np.testing.assert_allclose(np.exp(found), tf.nn.softmax(raw(images[..., None] / 255.0) / 2.5), atol=1e-6)


def test_a_network_without_a_softmax_that_keras_knows(digits):
    """Such as one that was brought in, and divides by the sum of its exponentials by itself."""
    image = keras.Input((28, 28, 1))
    scores = keras.ops.exp(L.Dense(10)(L.Flatten()(image)))
    model = keras.Model(image, scores / keras.ops.sum(scores, axis=1, keepdims=True))
    logarithms, slope = Slopes(model, scaled=True)(digits.images[:2], 1)
    np.testing.assert_allclose(np.exp(logarithms), model(digits.images[:2, ..., None] / 255.0), atol=1e-5)
    assert np.abs(slope).max() > 0
