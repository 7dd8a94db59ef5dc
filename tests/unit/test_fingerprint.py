"""The same start: layers begin alike wherever their shapes agree, and images come in the same order."""

import json

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.explore.compare import same_order, same_start
from mnist_core.models.build import build
from mnist_core.training.fingerprint import fingerprint

MLP = {"architecture": {"hidden_units": [32, 16]}, "seed": 3}


def start(changes=None):
    return json.loads(fingerprint(build(RunConfig.parse(MLP).replace(changes or {}))))


def weights(changes=None):
    return [np.asarray(w) for w in build(RunConfig.parse(MLP).replace(changes or {})).weights if len(w.shape) > 1]


def test_a_print_tells_weights_apart():
    assert start() == start()
    assert set(start()) == {"dense_1", "dense_2", "output"}
    other = start({"seed": 4})
    assert all(start()[name] != other[name] for name in other)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer.name": "sgd"},
        {"optimizer.learning_rate": 0.5},
        {"training.batch_size": 7},
        {"architecture.dropout": 0.5},
        {"architecture.activation": "tanh"},
        {"architecture.batch_norm": True},
        {"architecture.l2": 0.01},
        {"data.scaled": False},
    ],
)
def test_one_change_elsewhere_leaves_all_first_weights(changes):
    assert start(changes) == start()
    for changed, plain in zip(weights(changes), weights(), strict=True):
        np.testing.assert_array_equal(changed, plain)


def test_layers_agree_where_their_shapes_do():
    deeper, wider = start({"architecture.hidden_units": [32, 16, 16]}), start({"architecture.hidden_units": [32, 20]})
    assert {name for name in start() if deeper[name] == start()[name]} == {"dense_1", "dense_2", "output"}
    assert {name for name in start() if wider[name] == start()[name]} == {"dense_1"}


def test_layers_of_one_network_differ_though_their_shapes_agree():
    found = start({"architecture.hidden_units": [32, 32, 32]})
    assert len(set(found.values())) == len(found)


def test_what_is_said_of_several_runs():
    prints = [json.dumps(start(c)).encode() for c in ({}, {"architecture.hidden_units": [32, 20]})]
    assert same_start(prints) == (["dense_1"], ["dense_2", "output"])
    assert same_start([prints[0], None]) == ([], ["dense_1", "dense_2", "output"])


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"optimizer.learning_rate": 0.1}, True),
        ({"architecture.dropout": 0.5}, True),
        ({"data.scaled": False}, True),
        ({"training.batch_size": 7}, False),
        ({"training.shuffle": False}, False),
        ({"data.split_seed": 7}, False),
        ({"seed": 9}, False),
    ],
)
def test_the_order_is_told_from_the_settings(store, changes, same):
    base = RunConfig.parse(MLP)
    runs = [store.get(store.create(config)) for config in (base, base.replace(changes))]
    assert same_order(runs) == same
