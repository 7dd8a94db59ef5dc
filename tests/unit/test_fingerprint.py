"""The same start: layers begin alike wherever their shapes agree, and images come in the same order."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.explore.compare import same_order, same_start
from mnist_core.explore.seeds import by_all_but_seed
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
        ({"training.steps": 50}, True),
        ({"training.shuffle_buffer": 600}, False),
    ],
)
def test_the_order_is_told_from_the_settings(store, changes, same):
    base = RunConfig.parse(MLP)
    runs = [store.get(store.create(config)) for config in (base, base.replace(changes))]
    assert same_order(runs) == same


def test_steps_decide_the_order_where_a_buffer_goes_on_from_pass_to_pass(store):
    base = RunConfig.parse(MLP).replace({"training.shuffle_buffer": 600})
    epochs, steps, more = (store.get(store.create(base.replace({"training.steps": n}))) for n in (0, 50, 60))
    assert not same_order([epochs, steps])
    assert same_order([steps, more])


def tuned(store, **changes):
    tuning = {"run": "flagship", "drawings": 30, "often": 5, "digest": "0123456789ab"} | changes
    run = store.get(store.create(RunConfig.parse(MLP)))
    return replace(run, config=RunConfig.parse(MLP | {"fine_tuning": tuning}).to_json())


def test_nothing_is_claimed_of_networks_that_were_trained_elsewhere(store):
    layer = {"name": "dense", "kind": "Dense", "input_shape": [784], "output_shape": [10]}
    upload = {"name": "uploaded", "file": "a.keras", "digest": "0123456789ab", "table": [layer]}
    run = store.get(store.create(RunConfig()))
    uploaded = replace(run, config=RunConfig.parse({"architecture": upload}).to_json())
    assert same_order([run, run])
    assert not same_order([uploaded, uploaded])


def test_classical_models_have_no_batches_to_be_the_same(store):
    configs = [RunConfig.parse({"architecture": {"name": name}}) for name in ("mlp", "random_forest")]
    network, forest = (store.get(store.create(config)) for config in configs)
    assert same_order([network, network])
    assert not same_order([forest, forest]) and not same_order([network, forest])


def test_other_drawings_are_other_images_and_another_training(store):
    digests = ("0123456789ab", "0123456789ab", "ba9876543210", "", "")
    one, again, other, unknown, unknown_too = runs = [tuned(store, digest=digest) for digest in digests]
    assert same_order([one, again])
    assert same_order([one, tuned(store, run="abc")])
    for pair in ((one, other), (one, unknown), (unknown, unknown_too)):
        assert not same_order(pair)
    groups = [[run.id for run in group] for _, group in by_all_but_seed(runs)]
    assert groups == [[one.id], [other.id], [unknown.id], [unknown_too.id]]
    assert [label for label, _ in by_all_but_seed([one, other])] == ["own drawings set 1", "own drawings set 2"]


@pytest.mark.parametrize("count", [2, 3])
def test_groups_that_no_setting_tells_apart_have_names_of_their_own(store, count):
    """``count``: of runs; the first two have equal settings and drawings that nobody wrote down."""
    runs = [tuned(store, digest=digest) for digest in ("", "", "0123456789ab")[:count]]
    found = dict(by_all_but_seed(runs))
    assert list(found.values()) == [[run] for run in runs]
    assert [run.id in name for name, (run,) in found.items()] == [True, True, False][:count]
