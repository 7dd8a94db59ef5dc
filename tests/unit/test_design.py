"""Designs of sweeps: what fits together, how it is told when it does not, and their way through JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import Design, Search, compact, make_search
from mnist_core.explore.size import LAYERS, UNITS
from mnist_core.explore.space import Dimension, keys
from mnist_core.recipes import RECIPES
from tests.helpers import assert_friendly, configs

RATE = "optimizer.learning_rate=log:1e-5..1"
FOREST = {"architecture": {"name": "random_forest"}}


def design(*over, base=None, **search):
    return Design(RunConfig.parse(base or {}), tuple(map(Dimension.parse, over)), make_search(search))


def test_a_design_survives_json():
    made = design(RATE, "architecture.hidden_units=32|64,32", "optimizer.name=sgd|adam", sampler="grid", trials=9)
    assert Design.parse(made.check().to_json()) == made
    zero = design("architecture.dropout=0..0.5")
    assert Design.parse(zero.to_json()) == zero
    assert made.combinations == 20
    assert made.trials == 9
    assert design("seed=1|2", sampler="grid").trials == 2


@given(configs())
def test_a_compact_config_is_the_config(config):
    assert RunConfig.parse(json.loads(json.dumps(compact(config)))) == config


def test_the_default_config_is_compactly_nothing():
    assert compact(RunConfig()) == {}
    assert len(json.dumps(compact(RECIPES["mlp-100-64-32"].config))) < 250


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (lambda: design(), "at least one"),
        (lambda: design(RATE, "optimizer.learning_rate=0.1|0.2"), "varied twice"),
        (lambda: design("architecture.activation=relu|tanh", sampler="cmaes"), "CMA-ES varies numbers"),
        (lambda: design(RATE, sampler="cmaes", objective="accuracy and seconds"), "one objective"),
        (lambda: design(RATE, pruner="median", objective="accuracy and parameters"), "cannot be pruned"),
        (lambda: design("training.epochs=3..12", pruner="halving"), "Trials of 3 to 12 epochs cannot be pruned"),
        (lambda: design("training.batch_size=64|256", pruner="hyperband", steps=900), "Trials of 1 to 4 epochs"),
        (lambda: design("architecture.name=mlp|random_forest", pruner="median"), "to 100 epochs cannot be pruned"),
        (lambda: design(RATE, base={"data": {"validation_fraction": 0}}), "held-out"),
        (lambda: design("data.validation_fraction=0..0.3"), "above 0"),
        (lambda: design("data.validation_fraction=0.1|0"), "above 0"),
        (lambda: design(RATE, sampler="cmaes"), "two numbers"),
        (lambda: design(f"{RATE}:50", "seed=1..50:50", sampler="grid"), "2,500 combinations"),
        (lambda: design(f"{UNITS}=16|32", "architecture.hidden_units=32|64,32"), UNITS),
        (lambda: design(f"{LAYERS}=1|2", "architecture.hidden_units=32|64,32"), LAYERS),
        (lambda: design("training.epochs=1..9", steps=100), "same number of steps"),
        (lambda: design("training.steps=10..90", steps=100), "same number of steps"),
        (lambda: design("training.epochs=1..9", base={"training": {"steps": 50}}), "training.steps"),
        (lambda: design(f"{LAYERS}=1|6", base={"architecture": {"name": "cnn", "hidden_units": [32]}}), "3"),
        (lambda: design("optimizer.momentum=0..0.9"), "momentum"),
        (lambda: design("architecture.activation=relu|wobble"), "wobble"),
        (lambda: design(RATE, base=FOREST), "optimizer.learning_rate has no effect on what is trained here (Random"),
        (lambda: design("architecture.name=random_forest|sgd_classifier", "augmentation.shift=0..2"), "no effect"),
        (lambda: design(RATE, base={"architecture": {"name": "softmax"}}).configure({UNITS: 5}), "hidden_units"),
    ],
)
def test_what_does_not_fit_together_is_said(made, word):
    with pytest.raises(ConfigError) as error:
        made().check()
    assert_friendly(error, word)


def test_where_optimizers_vary_the_starts_own_keeps_all_and_the_rates_are_told():
    base = RunConfig.parse({"optimizer": {"learning_rate": 0.003, "beta_1": 0.8}})
    made = design("optimizer.name=adam|sgd", base=base.model_dump()).check()
    same, other = (made.configure({"optimizer.name": name}) for name in ("adam", "sgd"))
    assert base.differences(same) == {}
    both = [key for key, (ours, theirs) in base.differences(other).items() if None not in (ours, theirs)]
    assert both == ["optimizer.name", "optimizer.learning_rate"]
    (sentence,) = made.cautions
    assert_friendly(sentence, "adam 0.003, sgd 0.01")
    assert design("optimizer.name=adam|sgd", RATE).check().cautions == []


def test_a_design_that_an_earlier_version_let_pass_can_still_be_read():
    kept = design("data.validation_fraction=0.1..0.3").to_json().replace("0.1,", "0.0,")
    with pytest.raises(ConfigError):
        Design.parse(kept).check()
    assert Design.parse(kept).space[0].low == 0.0
    fractional = design("training.epochs=2..3").to_json().replace("2.0,", "1.5,")
    with pytest.raises(ConfigError, match="whole numbers"):
        Design.parse(fractional).check()
    assert Design.parse(fractional).space[0].low == 1.5
    uneven = design("training.epochs=3..12", pruner="halving").to_json()
    assert Design.parse(uneven).lengths == {3, 12}


def test_what_one_of_the_models_uses_may_vary():
    assert design("architecture.name=mlp|random_forest", RATE).check()
    assert design("architecture.trees=10|20", "data.subset=500|1000", "seed=1|2", base=FOREST).check()


def test_trials_of_one_length_can_be_pruned():
    assert design("training.batch_size=64|256", pruner="median").check().lengths == {5}
    assert design(RATE, pruner="median", steps=4000).check().lengths == {9}


@pytest.mark.parametrize("sizes", ["32|512", "512|32", "512|64|32"])
@pytest.mark.parametrize("images", ["50000|2000", "2000|50000", "2000..50000"])
def test_lengths_are_those_of_combinations_too(images, sizes):
    """Of few images in large batches 60 steps are many epochs, else about one."""
    uneven = design(f"data.subset={images}", f"training.batch_size={sizes}", steps=60, pruner="median")
    with pytest.raises(ConfigError) as error:
        uneven.check()
    assert_friendly(error, "Trials of 1 to 15 epochs cannot be pruned")


def test_no_number_of_steps_means_a_length_of_its_own():
    """From 0, by epochs, which are as many as those of the most steps, lengths fall to one epoch and rise again."""
    with pytest.raises(ConfigError) as error:
        design("training.steps=0..2110", pruner="median").check()
    assert_friendly(error, "Trials of 1 to 5 epochs cannot be pruned")


def test_a_combination_that_cannot_be_has_no_length():
    """Each does alone; but a forest learns no pictures that are no digits."""
    made = design("architecture.name=mlp|random_forest", "data.not_digits=0|5000", steps=900).check()
    assert made.lengths == {2, 100}


@pytest.mark.parametrize("over", ["validation_fraction=0.1..0.3", "split=random|first", "split_seed=1..9"])
def test_other_held_out_images_are_told(over):
    (sentence,) = design(f"data.{over}").check().cautions
    assert_friendly(sentence, over.partition("=")[0], "held-out images differ")
    assert design("data.subset=500|1000").check().cautions == []


def test_what_varies_is_declared_by_the_bases_own_kind():
    small, cnn = keys(RunConfig()), keys(RECIPES["cnn-fast"].config)
    assert "variables" not in small["architecture.api"].choices
    assert (small[LAYERS].high, cnn[LAYERS].high) == (6, 3)
    assert small["seed"].title == "Seed"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"base":{},"space":[],"search":{}}',
        '{"base":{},"space":[1],"search":{}}',
        '{"base":{},"space":[{"key":"seed","color":1}],"search":{}}',
        '{"base":{},"space":[{"key":"architecture.dropout","low":"a","high":[]}],"search":{}}',
        '{"base":1,"space":[],"search":[]}',
        '{"base":{},"space":[{"key":5,"low":0,"high":1}],"search":{}}',
        '{"base":{},"space":[{"key":"architecture.dropout","low":0,"high":0.5,"points":2.5}],"search":{}}',
        '{"base":{},"space":[{"key":"architecture.dropout","low":0,"high":1' + "0" * 400 + '}],"search":{}}',
        '{"base":{},"space":[{"key":"architecture.dropout","low":0,"high":0.5,"log":"no"}],"search":{}}',
        '{"base":{},"space":[{"key":"architecture.activation","choices":"relu"}],"search":{}}',
        '{"base":{},"space":[{"key":"architecture.activation","choices":[{"a":1}]}],"search":{}}',
        '{"base":{},"space":[{"key":"seed","choices":[NaN, null]}],"search":{}}',
        '{"base":{},"space":[{"key":"seed","choices":[NaN, 1]}],"search":{}}',
        "[" * 5000,
    ],
)
def test_a_hostile_design_has_its_sentence(text):
    with pytest.raises(ConfigError) as error:
        Design.parse(text)
    assert_friendly(error)


@given(st.integers(-5, 3000))
def test_trials_have_bounds(trials):
    if 1 <= trials <= 2000:
        assert make_search({"trials": trials}) == Search(trials=trials)
    else:
        with pytest.raises(ConfigError, match="trials"):
            make_search({"trials": trials})
