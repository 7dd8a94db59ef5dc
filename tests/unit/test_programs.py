"""A compiled program serves later runs of its shape, and a run from it is the run from a new one."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import MOST_PARAMETERS, RunConfig
from mnist_core.training import programs
from mnist_core.training.execution import Execution
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs

BASE = {
    "architecture": {"hidden_units": [8], "dropout": 0.3, "batch_norm": True},
    "augmentation": {"shift": 1.0},
    "training": {"epochs": 2, "batch_size": 100},
    "data": {"subset": 550},
}
UNCOMPILED = Execution("/CPU:0", "CPU", "float32", xla=False, reason="XLA takes a second to compile")

SAME_SHAPE = {
    "seed": {"seed": 9},
    "rate": {"optimizer": {"learning_rate": 0.05}},
    "schedule": {"schedule": {"name": "plateau", "patience": 1}},
    "split": {"data": {"split": "stratified", "split_seed": 3, "validation_fraction": 0.2, "subset": 900}},
    "dropout": {"architecture": {"hidden_units": [8], "dropout": 0.6, "batch_norm": True}},
    "epochs": {"training": {"epochs": 3, "batch_size": 100, "early_stopping": 1, "shuffle": False}},
}
OTHER_SHAPE = {
    "units": {"architecture": {"hidden_units": [9]}},
    "no dropout": {"architecture": {"hidden_units": [8], "batch_norm": True}},
    "optimizer": {"optimizer": {"beta_1": 0.8}},
    "batch": {"training": {"batch_size": 50}},
    "smoothing": {"training": {"batch_size": 100, "label_smoothing": 0.1}},
    "augmentation": {"augmentation": {"shift": 2.0}},
    "pixels": {"data": {"scaled": False, "subset": 550}},
}


def config(**changes):
    return RunConfig.parse(BASE | changes)


def trained(config, kept):
    trainer = Trainer(config, kept, UNCOMPILED)
    trainer.fit()
    return trainer


@pytest.mark.parametrize("case", SAME_SHAPE)
def test_a_used_program_trains_like_a_new_one(case, digits):
    kept = Programs(digits)
    first = trained(config(), kept)
    chosen = config(**SAME_SHAPE[case])
    second = trained(chosen, kept)
    assert second.epoch is first.epoch
    alone = trained(chosen, Programs(digits))
    assert second.step == alone.step
    for a, b in zip(second.model.variables, alone.model.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(second.model.optimizer.variables, alone.model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_traced_again(digits):
    kept = Programs(digits)
    for seed, subset in ((1, 550), (2, 720), (3, 600)):
        trainer = trained(config(seed=seed, data={"subset": subset}), kept)
    epoch, evaluation = trainer.epoch, trainer.evaluation
    for function in (epoch._loop, epoch._last, evaluation._scored):
        assert function.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("case", OTHER_SHAPE)
def test_what_is_compiled_in_makes_another_program(case, digits):
    kept = Programs(digits)
    first = kept.take(config(), UNCOMPILED, 550)
    other = config(**OTHER_SHAPE[case])
    assert kept.take(other, UNCOMPILED, 550).epoch is not first.epoch


def test_an_epoch_twice_as_large_makes_another_program(digits):
    kept = Programs(digits)
    first = kept.take(config(), UNCOMPILED, 550).epoch
    assert kept.take(config(), UNCOMPILED, 1024).epoch is first
    assert kept.take(config(), UNCOMPILED, 1025).epoch is not first
    assert kept.take(config(), UNCOMPILED, 512).epoch is not first


def test_device_precision_and_compiler_make_other_programs(digits):
    kept = Programs(digits)
    ways = [
        UNCOMPILED,
        Execution("/CPU:0", "CPU", "bfloat16", False, ""),
        Execution("/CPU:0", "CPU", "float32", True, ""),
    ]
    assert len({id(kept.take(config(), way, 550).epoch) for way in ways}) == 3


@pytest.mark.parametrize("xla", [False, True])
def test_the_loop_is_compiled_with_xla_where_that_was_chosen(xla, digits):
    program = Programs(digits).take(config(), Execution("/CPU:0", "CPU", "float32", xla, reason=""), 550)
    attributes = program.epoch._loop.get_concrete_function().function_def.attr
    assert ("_XlaMustCompile" in attributes and attributes["_XlaMustCompile"].b) == xla


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_computes_in_the_precision_that_was_chosen(precision, digits):
    program = Programs(digits).take(config(), Execution("/CPU:0", "CPU", precision, xla=False, reason=""), 550)
    *hidden, last = [layer for layer in program.model.layers if layer.weights]
    assert {layer.compute_dtype for layer in hidden} == {precision}
    assert last.compute_dtype == "float32"
    multiplied = [node.attr["T"].type for node in _nodes(program.epoch._last) if node.op == "MatMul"]
    assert (tf.as_dtype(precision).as_datatype_enum in multiplied) and tf.float32.as_datatype_enum in multiplied


def _nodes(function):
    return function.get_concrete_function().graph.as_graph_def().node


def test_a_program_tells_what_it_takes(digits):
    program = Programs(digits).take(config(), UNCOMPILED, 550)
    # Adam keeps two numbers for each that it trains; the averages of batch normalisation, 2 x 8, it does not train.
    numbers = 3 * config().parameters - 2 * 16
    assert 0 < program.bytes - programs.CODE_BYTES - 4 * numbers < 100


def test_the_least_recently_used_goes(digits, monkeypatch):
    monkeypatch.setattr(programs, "MOST_BYTES", 2.5 * programs.CODE_BYTES)
    kept = Programs(digits)
    four, five, six = (config(architecture={"hidden_units": [units]}) for units in (4, 5, 6))
    first, second = (kept.take(c, UNCOMPILED, 550).epoch for c in (four, five))
    assert kept.take(four, UNCOMPILED, 550).epoch is first
    kept.take(six, UNCOMPILED, 550)
    assert kept.take(four, UNCOMPILED, 550).epoch is first
    assert kept.take(five, UNCOMPILED, 550).epoch is not second


@pytest.mark.parametrize("loop", ["fit", "tape"])
def test_one_set_of_drawn_pictures_is_held_at_a_time(digits, loop):
    kept = Programs(digits)

    def take(not_digits, units):
        training = BASE["training"] | {"loop": loop}
        chosen = config(data={"not_digits": not_digits}, architecture={"hidden_units": [units]}, training=training)
        return kept.take(chosen, UNCOMPILED, 550).epoch

    few, plain, others = take(20, 8), take(0, 8), weakref.ref(take(20, 9))
    assert take(20, 8) is few  # of the same set all are kept, also when plain digits come between
    few = weakref.ref(few)
    take(30, 8)
    gc.collect()
    assert few() is others() is None
    assert take(0, 8) is plain


def test_the_largest_network_is_kept():
    assert 3 * 4 * MOST_PARAMETERS + programs.CODE_BYTES < programs.MOST_BYTES
