"""Training from the start and from a checkpoint: exact, repeatable, and honest when it goes wrong."""

from functools import partial, wraps
from itertools import chain, repeat

import keras
import numpy as np
import pytest

from mnist_core.data.others import _series as others_series
from mnist_core.data.others import others
from mnist_core.data.split import split
from mnist_core.data.written import _series as written_series
from mnist_core.data.written import written
from mnist_core.errors import TrainingDiverged
from mnist_core.models.build import build
from mnist_core.recipes import recipe
from mnist_core.training import compiled, fit, tape
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs
from tests.fits import CASES, UNCOMPILED, Watch, assert_equal, assert_rows_equal, config, train
from tests.helpers import assert_friendly
from tests.reference import plain_loop


@pytest.mark.parametrize("case", ["mlp", "cnn"])
def test_two_epochs_are_the_plain_loop(case, digits):
    chosen = config(**CASES[case])
    trainer, watch = train(chosen, digits, execution=None)
    assert trainer.execution.xla == (case == "mlp")
    parts = split(digits.labels, chosen.data)
    part = type(digits)(digits.images[parts.train], digits.labels[parts.train])
    orders = [np.random.default_rng([epoch, chosen.seed]).permutation(500) for epoch in range(2)]
    weights, steps = plain_loop(chosen, part, orders, [0.001] * 6)
    for found, expected in zip(trainer.model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    for row, epoch in zip(watch.epochs, (steps[:3], steps[3:]), strict=True):
        losses, right, sizes = zip(*epoch, strict=True)
        assert row["loss"] == pytest.approx(np.average(losses, weights=sizes), rel=1e-5)
        assert row["accuracy"] == pytest.approx(sum(right) / 500)


def test_the_flagships_recipe_ends_twice_with_the_same_weights(digits):
    """Changed images, drawn ones, 16 bits and all cores: still the same to the last bit on one machine."""
    less = {"data.subset": 500, "data.not_digits": 60, "data.written": 40, "training.epochs": 2}
    chosen, found = recipe("flagship").config.replace(less), []
    for _ in range(2):
        others_series.cache_clear(), written_series.cache_clear()
        found.append(train(chosen, digits, execution=None)[0].model.get_weights())
    for first, second in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)


def test_validation_is_what_keras_evaluates(digits):
    trainer, watch = train(config(), digits)
    images = trainer.validation.images[..., None] / np.float32(255)
    loss, accuracy = trainer.model.evaluate(images, trainer.validation.labels, batch_size=120, verbose=0)
    assert len(images) == 120
    last = watch.epochs[-1]
    assert (last["val_loss"], last["val_accuracy"]) == pytest.approx((loss, accuracy), rel=1e-4)


@pytest.mark.parametrize("part", [50, 120])
def test_validation_does_not_depend_on_how_often_it_is_interrupted(part, digits, monkeypatch):
    _, whole = train(config(), digits)
    monkeypatch.setattr(fit, "VALIDATION_PART", part)
    trainer, watch = train(config(), digits)
    assert_rows_equal(watch.epochs, whole.epochs)
    assert trainer.evaluation.evaluate(trainer.validation)[0] == pytest.approx(
        {name: watch.epochs[-1][f"val_{name}"] for name in ("loss", "accuracy")}
    )


def test_early_stopping_restores_the_best_weights(digits):
    trainer, watch = train(
        config(training={"early_stopping": 2, "epochs": 30}, optimizer={"learning_rate": 0.3}), digits
    )
    losses = [row["val_loss"] for row in watch.epochs]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 30
    assert_equal(trainer.model.get_weights(), watch.weights[best])
    assert trainer.evaluation.evaluate(trainer.validation)[0]["loss"] == pytest.approx(min(losses))


def test_plateau_cuts_the_rate_when_nothing_improves(digits):
    slow = config(
        optimizer={"name": "sgd", "learning_rate": 1e-6},
        schedule={"name": "plateau", "patience": 2, "factor": 0.1},
        training={"epochs": 6},
    )
    _, watch = train(slow, digits)
    rates = [row["learning_rate"] for row in watch.epochs]
    # The first epoch is the best; after two without improvement comes a cut, which shows from the next on.
    assert rates == pytest.approx([1e-6, 1e-6, 1e-6, 1e-7, 1e-7, 1e-8], rel=1e-5)


@pytest.mark.parametrize("schedule", [{"name": "step", "every": 1}, {"name": "warmup_cosine", "warmup": 0.5}])
def test_the_rate_follows_the_schedule(schedule, digits):
    chosen = config(schedule=schedule, training={"epochs": 3})
    trainer, watch = train(chosen, digits)
    factors = chosen.schedule.factors(np.arange(9), 9, 3)
    assert [row["learning_rate"] for row in watch.epochs] == pytest.approx(0.001 * factors[[2, 5, 8]], rel=1e-5)
    assert int(trainer.model.optimizer.iterations) == 9


def test_divergence_is_told_with_the_step_and_what_to_try(digits):
    running_away = config(
        architecture={"hidden_units": [32, 32, 32], "activation": "elu"},
        optimizer={"name": "sgd", "learning_rate": 10.0},
        data={"scaled": False},
        training={"epochs": 20},
    )
    with pytest.raises(TrainingDiverged) as error:
        train(running_away, digits)
    assert_friendly(error, "infinite or not a number at step", "much smaller than 10", "scaled pixels")


def test_without_validation_there_are_no_validation_numbers(digits):
    trainer, watch = train(config(data={"validation_fraction": 0.0}), digits)
    assert len(trainer.train_indices) == 500
    assert {"loss", "accuracy", "learning_rate", "seconds", "step"} == set(watch.epochs[-1])


def test_a_batch_larger_than_the_data_is_one_step_an_epoch(digits):
    trainer, watch = train(config(training={"batch_size": 4096}), digits)
    assert trainer.total_steps == trainer.step == 2
    assert [row["images"] for row in watch.batches] == [500, 500]


def test_a_stop_in_the_middle_ends_at_once_and_keeps_the_weights(digits, monkeypatch):
    monkeypatch.setattr(compiled, "SLICE_SECONDS", 0.0)
    trainer, watch = train(config(), digits, ("step", 2))
    assert (trainer.step, trainer.position.epoch, trainer.position.step) == (2, 0, 2)
    assert watch.epochs == []
    assert watch.calls == ["begin", ("epoch", 0), "end"]
    assert trainer.position.sums.images == 400


def test_batches_are_reported_with_their_step_and_size(digits, monkeypatch):
    monkeypatch.setattr(compiled, "SLICE_SECONDS", 0.0)
    _, watch = train(config(), digits)
    assert [(row["step"], row["images"]) for row in watch.batches] == [
        (1, 200), (2, 200), (3, 100), (4, 200), (5, 200), (6, 100)
    ]  # fmt: skip
    for key in ("loss", "accuracy"):
        expected = np.average([row[key] for row in watch.batches[:3]], weights=[200, 200, 100])
        assert watch.epochs[0][key] == pytest.approx(expected)


def test_label_smoothing_is_in_the_loss_but_not_in_the_answers(digits):
    trainer, watch = train(config(training={"label_smoothing": 0.2}), digits)
    floor = -(0.82 * np.log(0.82) + 9 * 0.02 * np.log(0.02))  # the entropy of the smoothed labels
    assert all(row["loss"] > floor and row["val_loss"] > floor for row in watch.epochs)
    probabilities = trainer.evaluation.probabilities(trainer.validation.images)
    right = (probabilities.argmax(axis=1) == trainer.validation.labels).mean()
    assert watch.epochs[-1]["val_accuracy"] == pytest.approx(right)


@pytest.mark.parametrize("loop", ["fit", "tape"])
def test_pictures_that_are_no_digits_make_it_unsure_of_others(digits, loop):
    """Of pictures that it has not seen, drawn from another seed."""
    pictures = others(200, seed=1)

    def certainty(**data):
        wide = {"architecture": {"hidden_units": [64]}, "optimizer": {"learning_rate": 0.005}}
        trainer, watch = train(config(data=data, training={"loop": loop, "epochs": 8}, **wide), digits)
        assert watch.batches[-1]["step"] == trainer.config.total_steps
        assert watch.epochs[-1]["accuracy"] > 0.6, "being unsure of what is no digit is right"
        probabilities = trainer.model.predict(pictures[..., None] / 255.0, verbose=0)
        return probabilities.max(axis=1).mean()

    assert certainty(not_digits=400) < certainty() - 0.15


@pytest.mark.parametrize("loop", ["fit", "tape"])
def test_digits_of_other_schools_are_learned_besides(digits, loop):
    """Beside pictures that are no digits, whose places in the training set come before theirs."""
    images, labels = written(200, seed=1)

    def right(**data):
        wide = {"architecture": {"hidden_units": [64]}, "optimizer": {"learning_rate": 0.005}}
        trainer, _ = train(config(data={"not_digits": 50} | data, training={"loop": loop, "epochs": 6}, **wide), digits)
        probabilities = trainer.model.predict(images[..., None] / 255.0, verbose=0)
        return (probabilities.argmax(axis=1) == labels).mean()

    assert right(written=600) > right() + 0.1


def test_sixteen_bits_learn_too(digits):
    trainer, watch = train(
        config(training={"precision": "bfloat16", "epochs": 5}, optimizer={"learning_rate": 0.01}),
        digits,
        execution=None,
    )
    assert trainer.execution.precision == "bfloat16"
    assert watch.epochs[-1]["loss"] < watch.epochs[0]["loss"] / 1.5
    assert all(np.isfinite(row["val_loss"]) for row in watch.epochs)


class Clock(keras.callbacks.Callback):
    """Stands still, but when something is compiled; notes its time at a training's beginning and end."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def slow(self, function):
        @wraps(function)
        def slowly(*arguments, **more):
            self.now += 100.0
            return function(*arguments, **more)

        return slowly

    def on_train_begin(self, logs=None):
        self.begun = self.now

    def on_train_end(self, logs=None):
        self.ended = self.now


@pytest.mark.parametrize("loop", ["fit", "tape"])
def test_compiling_is_no_part_of_what_a_training_takes(loop, digits, monkeypatch):
    clock, watch = Clock(), Watch()
    monkeypatch.setattr(fit, "time", clock)
    for module in (compiled, tape):
        monkeypatch.setattr(module, "right", clock.slow(module.right))  # tracing comes by there
    chosen = config(training={"loop": loop}, data={"validation_fraction": 0.0})
    trainer = Trainer(chosen, Programs(digits), UNCOMPILED)
    if loop == "fit":
        # XLA compiles when it is called for the first time.
        calls = chain([clock.slow(trainer.epoch._loop)], repeat(trainer.epoch._loop))
        trainer.epoch._loop = lambda *arguments: next(calls)(*arguments)
    trainer.fit([watch, clock])
    assert trainer.position.train_seconds == 0.0
    assert [row["seconds"] for row in watch.epochs] == [0.0, 0.0]
    assert clock.begun == clock.ended >= 100.0


class Told(keras.callbacks.Callback):
    """Notes what it is told, but of a row of batches one, and with what parameters."""

    def __init__(self):
        super().__init__()
        self.told = []
        for part in ("train", "epoch", "train_batch", "test", "test_batch"):
            for when in ("begin", "end"):
                setattr(self, f"on_{part}_{when}", partial(self._note, f"{part}_{when}"))

    def _note(self, name, *_, logs=None):
        batches = [f"{name.rpartition('_')[0]}_{when}" for when in ("begin", "end")]
        if name == batches[1] and self.told[-3:] == [*batches, batches[0]]:
            self.told.pop()
        else:
            self.told.append(name)


def test_callbacks_are_called_as_keras_calls_them(digits):
    chosen = config()
    ours, theirs = Told(), Told()
    Trainer(chosen, Programs(digits), UNCOMPILED).fit([ours, keras.callbacks.ProgbarLogger()])
    images, labels = digits.images[:500, ..., None] / np.float32(255), digits.labels[:500]
    training = {"epochs": chosen.training.epochs, "batch_size": chosen.training.batch_size, "verbose": 0}
    build(chosen).fit(images, labels, **training, validation_data=(images[:50], labels[:50]), callbacks=[theirs])
    assert ours.told == theirs.told
    assert {"train_batch_begin", "test_begin", "test_batch_end"} < set(ours.told)
    assert ours.params.keys() == theirs.params.keys()
    assert ours.params["epochs"] == theirs.params["epochs"]
