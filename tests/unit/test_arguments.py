"""Runs that differ in numbers alone that are arguments of a program share it, and learn as each would alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.engine import jobs
from mnist_core.models.architectures import ARCHITECTURES, ConvBlock
from mnist_core.models.build import build
from mnist_core.training.arguments import NUMBERS, Numbers
from mnist_core.training.compiled import CompiledEvaluation
from mnist_core.training.execution import Execution
from mnist_core.training.fit import Trainer
from mnist_core.training.forward import forward
from mnist_core.training.optimizers import OPTIMIZERS
from mnist_core.training.programs import Programs

BLOCKS = [{"filters": 4, "kernel": 5, "dropout": 0.2}, {"filters": 6, "batch_norm": True}]
MLP = {"architecture": {"hidden_units": [8, 6], "dropout": 0.3, "l2": 0.01}}
CNN = {"architecture": {"name": "cnn", "blocks": BLOCKS, "dropout": 0.3, "l2": 0.01}}
REST = {"optimizer": {"name": "adamw", "weight_decay": 0.1}, "data": {"subset": 550}}
TRAINING = {"epochs": 1, "batch_size": 100}


def config(base, training=TRAINING, **changes):
    return RunConfig.parse(base | REST | {"training": training}).replace(changes)


def execution(precision="float32", xla=False):
    return Execution("/CPU:0", "CPU", precision, xla=xla, reason="")


def trained(chosen, kept, how):
    trainer = Trainer(chosen, kept, how)
    trainer.fit()
    return trainer


WAYS = {
    "dense": (MLP, execution()),
    "dense by XLA": (MLP, execution(xla=True)),
    "convolutions": (CNN, execution()),
    "convolutions in 16 bits": (CNN, execution("bfloat16")),
}


@pytest.mark.parametrize("way", WAYS)
def test_other_numbers_share_a_program_and_learn_as_alone(way, digits):
    base, how = WAYS[way]
    kept = Programs(digits)
    first = trained(config(base), kept, how)
    losses = {first.evaluation.evaluate(digits)[0]["loss"]}
    for changes in (
        {"architecture.dropout": 0.6},
        {"architecture.l2": 0.05},
        {"optimizer.weight_decay": 0.4},
    ):
        chosen = config(base, **changes)
        again, alone = trained(chosen, kept, how), trained(chosen, Programs(digits), how)
        assert again.epoch is first.epoch
        for found, expected in zip(again.model.variables, alone.model.variables, strict=True):
            np.testing.assert_array_equal(found, expected)
        assert again.evaluation.evaluate(digits)[0] == alone.evaluation.evaluate(digits)[0]
        assert again.model.get_config() == alone.model.get_config(), "what is saved tells this run's numbers"
        assert again.model.optimizer.weight_decay == chosen.optimizer.weight_decay
        losses.add(again.evaluation.evaluate(digits)[0]["loss"])
    assert len(losses) == 4, "each of them makes a difference"


@pytest.mark.parametrize("changes", [{"architecture.api": "functional"}, {"training.loop": "tape"}], ids=str)
def test_elsewhere_they_are_compiled_in(changes, digits):
    kept, chosen = Programs(digits), config(MLP, **changes)
    first = kept.take(chosen, execution(), 550)
    assert kept.take(chosen, execution(), 550) is first
    assert kept.take(chosen.replace({"architecture.dropout": 0.6}), execution(), 550) is not first


@pytest.mark.parametrize("changes", [{"architecture.dropout": 0.0}, {"architecture.l2": 0.0}], ids=str)
def test_at_0_there_is_nothing_to_do(changes, digits):
    kept = Programs(digits)
    first = kept.take(config(CNN), execution(), 550)
    assert kept.take(config(CNN, **changes), execution(), 550) is not first


def test_whatever_bears_such_a_name_is_held():
    """A setting called like one of them is no part of a program's key: it must be an argument, or wear another name."""
    networks = [part for part in ARCHITECTURES if part.family == "network"]
    every = [*networks, ConvBlock, *OPTIMIZERS]
    named = {(part.__name__, name) for part in every for name in part.model_fields if name in NUMBERS}
    held = {("MLP", "dropout"), ("MLP", "l2"), ("CNN", "dropout"), ("CNN", "l2"), ("ConvBlock", "dropout")}
    assert named == held | {("Softmax", "l2"), ("AdamW", "weight_decay")}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_traced_step_drops_what_the_layer_drops(precision, digits):
    images = tf.constant(digits.images[:64, ..., None] / np.float32(255))

    def answers(in_place):
        model = build(config(CNN), precision)
        numbers = Numbers(model)

        @tf.function
        def step():
            if not in_place:
                return model(images, training=True)
            with numbers.in_place():
                return forward(model, images)

        found = step().numpy()
        rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        assert rates == [0.2, 0.3], "after it, the numbers are back"
        return found

    np.testing.assert_allclose(answers(True), answers(False), rtol=1e-5 if precision == "float32" else 0.05, atol=1e-6)


def test_numbers_are_back_after_an_error():
    model = build(config(MLP))
    with pytest.raises(ZeroDivisionError), Numbers(model).in_place():
        assert not isinstance(model.optimizer.weight_decay, float)
        raise ZeroDivisionError
    assert model.optimizer.weight_decay == 0.1
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.3, 0.3]


def test_a_model_that_is_not_trained_has_none():
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    found = CompiledEvaluation(model, scaled=True, logits=True).probabilities(np.zeros((2, 28, 28), np.uint8))
    np.testing.assert_allclose(found, 0.1)


def test_a_worker_traces_nothing_for_the_second_run_of_a_shape(store, train):
    jobs._programs.cache_clear()
    epochs = []
    for changes in ({}, {"seed": 2, "optimizer.learning_rate": 0.01}, {"architecture.dropout": 0.5}):
        run = train(store.create(config(MLP, **changes, **{"augmentation.shift": 0.1})))[1]
        assert run.status == "finished"
        (program,) = jobs._programs()._kept.values()
        epochs.append(program.epoch)
    assert epochs[0] is epochs[1] is epochs[2]
    for function in (program.epoch._loop, program.epoch._last, program.evaluation._scored):
        assert function.experimental_get_tracing_count() == 1
