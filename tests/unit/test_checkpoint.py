"""A checkpoint holds all that a run needs, and nothing that could run code."""

import io
import json

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.models.build import build
from mnist_core.training.checkpoint import Position, restore, save
from mnist_core.training.position import Sums

CONFIG = RunConfig.parse(
    {
        "architecture": {"hidden_units": [8], "batch_norm": True, "dropout": 0.5},
        "optimizer": {"name": "sgd", "momentum": 0.9},
    }
)
POSITION = Position(epoch=3, step=17, sums=Sums(1.5, 30, 64), train_seconds=2.5, epoch_seconds=0.25)


@pytest.fixture
def callbacks():
    return make_callbacks()


def make_callbacks():
    callbacks = [
        keras.callbacks.ReduceLROnPlateau(patience=2),
        keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True),
    ]
    keras.callbacks.CallbackList(callbacks, model=build(CONFIG)).on_train_begin()
    return callbacks


def disturb(model):
    """Gives every variable of model and optimizer a value of its own."""
    model.optimizer.build(model.trainable_variables)
    for i, variable in enumerate([*model.variables, *model.optimizer.variables]):
        variable.assign(np.full(variable.shape, i + 1).astype(variable.dtype))
    return model


def values(model):
    return [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]


def test_every_variable_comes_back(callbacks):
    model = disturb(build(CONFIG))
    fresh = build(CONFIG)
    assert restore(save(model, callbacks, POSITION), fresh, callbacks) == POSITION
    found = values(fresh)
    # weights and bias twice, four of batch norm, dropout's random state, and momentum, rate and step number
    assert len(found) == len(values(model)) > 12
    for a, b in zip(found, values(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_beginning_can_be_kept_too(callbacks):
    model, other = build(CONFIG), disturb(build(CONFIG))
    assert restore(save(model, callbacks, Position()), other, callbacks) == Position()
    for a, b in zip(values(model), values(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_callbacks_remember_what_they_knew(callbacks):
    plateau, stopping = callbacks
    plateau.best, plateau.wait, plateau.cooldown_counter = 0.25, 1, 2
    stopping.best, stopping.wait, stopping.best_epoch, stopping.stopped_epoch = 0.125, 2, 4, 0
    # More than ten, so that names in the file sort otherwise than numbers.
    stopping.best_weights = [np.full((2, 2), i, np.float32) for i in range(12)]
    data = save(build(CONFIG), callbacks, POSITION)

    restored = make_callbacks()
    restore(data, build(CONFIG), restored)
    assert (restored[0].best, restored[0].wait, restored[0].cooldown_counter) == (0.25, 1, 2)
    assert (restored[1].best, restored[1].wait, restored[1].best_epoch, restored[1].stopped_epoch) == (
        0.125,
        2,
        4,
        0,
    )
    for i, weight in enumerate(restored[1].best_weights):
        np.testing.assert_array_equal(weight, np.full((2, 2), i))


def test_callbacks_that_have_seen_nothing_stay_so(callbacks):
    restored = make_callbacks()
    restore(save(build(CONFIG), callbacks, POSITION), build(CONFIG), restored)
    assert restored[1].best is None
    assert restored[1].best_weights is None
    assert restored[0].best == callbacks[0].best


def test_it_is_an_npz_file_without_pickles(callbacks):
    with np.load(io.BytesIO(save(build(CONFIG), callbacks, POSITION)), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fiu" for name in arrays.files)
        assert json.loads(arrays["meta"].tobytes())["position"]["epoch"] == 3


def test_another_network_is_refused(callbacks):
    data = save(build(CONFIG), callbacks, POSITION)
    with pytest.raises(ValueError, match="shape"):
        restore(data, build(CONFIG.replace({"architecture.hidden_units": [9]})), callbacks)
