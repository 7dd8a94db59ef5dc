"""What layers give is what a plain pass through the network gives, however it was written."""

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.explain import activations
from mnist_core.explain.activations import Layers
from mnist_core.models.build import build
from tests.networks import L, branched, sequential

CNN = {"name": "cnn", "blocks": [{"filters": 40, "kernel": 3, "batch_norm": True}], "hidden_units": [16]}


def scaled(image):
    return image[None, ..., None].astype(np.float32) / 255


@pytest.mark.parametrize("api", ["sequential", "functional", "subclassed"])
def test_a_network_by_each_way_of_writing_it(api, digits):
    model = build(RunConfig.parse({"architecture": {"name": "mlp", "hidden_units": [40, 20], "api": api}}))
    found = Layers(model, scaled=True).activations(digits.images[0])
    values = scaled(digits.images[0])
    stack = model.stack if api == "subclassed" else [x for x in model.layers if not isinstance(x, L.InputLayer)]
    for layer, given in zip(stack, found.layers, strict=True):
        values = layer(values, training=False)
        assert (given.name, given.kind, given.shape) == (layer.name, type(layer).__name__, values.shape[1:])
        np.testing.assert_allclose(given.values, np.ravel(values)[: activations.MOST_UNITS], atol=1e-6)
    assert found.left_out == 0


def test_raw_variables(digits):
    model = build(RunConfig.parse({"architecture": {"name": "softmax", "api": "variables"}}))
    layers = Layers(model, scaled=True)
    last = layers.activations(digits.images[0]).layers[-1]
    np.testing.assert_allclose(last.values, np.asarray(model(scaled(digits.images[0])))[0], atol=1e-6)
    assert layers.features is None  # the answer is read off the drawing itself


def test_maps_are_few_and_whole(digits):
    model = build(RunConfig.parse({"architecture": CNN}))
    found = Layers(model, scaled=True).activations(digits.images[1])
    values = scaled(digits.images[1])
    for layer, given in zip(model.layers, found.layers, strict=True):
        values = layer(values, training=False)
        assert given.shape == values.shape[1:]
        if len(given.shape) == 3:
            assert len(given.values) == activations.MOST_MAPS < given.shape[2]
            for index, tile in enumerate(given.values):
                np.testing.assert_allclose(tile, np.asarray(values)[0, :, :, index], atol=1e-5)


def test_branches_and_shared_layers(digits):
    """Each call of a layer is one of its places in the network."""
    model = branched()
    found = Layers(model, scaled=True).activations(digits.images[2])
    judge = keras.Model(model.inputs[0], [layer.output for layer in model.layers[1:]])
    expected = dict(zip([layer.name for layer in model.layers[1:]], judge(scaled(digits.images[2])), strict=True))
    assert sorted(layer.name for layer in found.layers) == sorted(expected)
    for layer in found.layers:
        values = np.asarray(expected[layer.name])[0]
        values = values.transpose(2, 0, 1) if values.ndim == 3 else values
        np.testing.assert_allclose(layer.values.ravel(), values.ravel()[: layer.values.size], atol=1e-5)
    image, twice = keras.Input((28, 28, 1)), L.Conv2D(1, 3, padding="same", name="twice")
    model = keras.Model(image, L.Dense(10, "softmax")(L.Flatten()(twice(twice(image)))))
    found = Layers(model, scaled=True).activations(digits.images[2])
    assert [layer.name for layer in found.layers][:2] == ["twice", "twice"]
    once = twice(scaled(digits.images[2]))
    np.testing.assert_allclose(found.layers[0].values[0], np.asarray(once)[0, ..., 0], atol=1e-5)
    np.testing.assert_allclose(found.layers[1].values[0], np.asarray(twice(once))[0, ..., 0], atol=1e-5)


def test_a_network_within_a_network_and_rows_of_a_sequence(digits):
    inner = keras.Sequential([L.Dense(7, "relu"), L.Dense(10)], name="inner")
    rows = sequential(L.Reshape((28, 28)), L.LSTM(4, return_sequences=True), L.Flatten(), inner, L.Softmax())
    found = Layers(rows, scaled=True).activations(digits.images[3])
    assert [layer.values.shape for layer in found.layers] == [(1, 28, 28), (1, 28, 4), (112,), (10,), (10,)]
    np.testing.assert_allclose(found.layers[-1].values, np.asarray(rows(scaled(digits.images[3])))[0], atol=1e-5)


def test_very_deep_networks_are_cut(digits):
    model = sequential(*[L.Activation("relu") for _ in range(50)], L.Flatten(), L.Dense(10))
    found = Layers(model, scaled=False).activations(digits.images[0])
    assert (len(found.layers), found.left_out) == (activations.MOST_LAYERS, 12)
    np.testing.assert_array_equal(found.layers[0].values[0], digits.images[0])


def test_features_are_what_the_last_layer_is_given(digits):
    model = sequential(L.Conv2D(3, 5), L.Flatten(), L.Dense(12, "relu"), L.Dropout(0.5), L.Dense(10), L.Softmax())
    found = Layers(model, scaled=True).features(digits.images[:7])
    values = digits.images[:7, ..., None].astype(np.float32) / 255
    for layer in model.layers[:3]:
        values = layer(values)
    np.testing.assert_allclose(found, values, atol=1e-6)
