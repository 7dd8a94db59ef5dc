"""Training from the start and from a checkpoint: exact, repeatable, and honest when it goes wrong."""

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.data.others import others
from mnist_core.data.split import split
from mnist_core.errors import TrainingDiverged
from mnist_core.training import compiled
from mnist_core.training.execution import Execution, choose
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs
from tests.helpers import assert_friendly
from tests.reference import plain_loop

QUICK = {
    "architecture": {"hidden_units": [16]},
    "training": {"epochs": 2, "batch_size": 200, "precision": "float32"},
    "data": {"subset": 500},
}
CNN = {"name": "cnn", "blocks": [{"filters": 4, "kernel": 5}], "hidden_units": [8]}

CASES = {
    "mlp": {},
    "dropout and batch norm": {
        "architecture": {"hidden_units": [16, 8], "dropout": 0.4, "batch_norm": True},
        "optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.1},
        "schedule": {"name": "one_cycle"},
    },
    "augmentation": {"augmentation": {"shift": 2.0, "rotate": 15.0}, "optimizer": {"name": "nadam"}},
    "plateau and early stopping": {
        "schedule": {"name": "plateau", "patience": 1},
        "training": {"early_stopping": 3, "epochs": 4},
        "optimizer": {"learning_rate": 0.1},
    },
    "cnn": {"architecture": CNN},
}


def config(**data):
    """A quick configuration, with what ``data`` changes in it."""
    return RunConfig.parse(data | {section: QUICK[section] | data.get(section, {}) for section in QUICK})


class Watch(keras.callbacks.Callback):
    """Keeps what happens, and stops at a step or at the end of an epoch with a checkpoint, if told to."""

    def __init__(self, stop_at=None):
        super().__init__()
        self.stop_at, self.checkpoint = stop_at, None
        self.epochs, self.batches, self.weights, self.calls = [], [], [], []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")
        self.begun_at = self.trainer.step

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(logs)
        self._perhaps_stop(("step", self.trainer.step))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs)
        self.weights.append(self.model.get_weights())
        self._perhaps_stop(("epoch", epoch + 1))

    def on_train_end(self, logs=None):
        self.calls.append("end")

    def _perhaps_stop(self, now):
        if now == self.stop_at:
            self.checkpoint = self.trainer.checkpoint()
            self.model.stop_training = True


UNCOMPILED = Execution("/CPU:0", "CPU", "float32", xla=False, reason="XLA takes a second to compile")


def train(config, digits, stop_at=None, resume_from=None, execution=UNCOMPILED):
    trainer, watch = Trainer(config, Programs(digits), execution), Watch(stop_at)
    trainer.fit([watch], resume_from)
    return trainer, watch


def state(trainer):
    return [np.asarray(v) for v in (*trainer.model.variables, *trainer.model.optimizer.variables)]


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


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


def test_validation_is_what_keras_evaluates(digits):
    trainer, watch = train(config(), digits)
    images = trainer.validation.images[..., None] / np.float32(255)
    loss, accuracy = trainer.model.evaluate(images, trainer.validation.labels, batch_size=120, verbose=0)
    assert len(images) == 120
    last = watch.epochs[-1]
    assert (last["val_loss"], last["val_accuracy"]) == pytest.approx((loss, accuracy), rel=1e-4)


def assert_rows_equal(rows, others):
    """The same numbers but for the time they took; sums may round otherwise when slices were cut otherwise."""
    for a, b in zip(rows, others, strict=True):
        assert {**a, "seconds": 0} == pytest.approx({**b, "seconds": 0}, rel=1e-5)


def assert_the_same_after_stops(chosen, digits, stops, execution, monkeypatch):
    """Trains once through and once with stops, and gives the rows of epochs of the latter."""
    whole, watched = train(chosen, digits, execution=execution)
    assert whole.epoch_steps == 3
    monkeypatch.setattr(compiled, "SLICE_SECONDS", 0.0)  # so that it can be stopped at any step
    seen, data = [], None
    for stop_at in (*stops, None):
        trainer, watch = train(chosen, digits, stop_at, data, execution)
        assert (watch.checkpoint is None) == (stop_at is None)
        data = watch.checkpoint
        seen += watch.epochs
    assert_equal(state(trainer), state(whole))
    return seen, watched.epochs


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_was_interrupted_ends_bit_for_bit_as_one_that_was_not(case, digits, monkeypatch):
    stops = (("epoch", 1), ("step", 5))
    rows, expected = assert_the_same_after_stops(config(**CASES[case]), digits, stops, UNCOMPILED, monkeypatch)
    assert_rows_equal(rows, expected)


def test_so_does_one_that_xla_compiles(digits, monkeypatch):
    chosen = config(architecture={"hidden_units": [8], "dropout": 0.5})
    assert choose(chosen).xla
    rows, expected = assert_the_same_after_stops(chosen, digits, [("step", 2)], choose(chosen), monkeypatch)
    assert_rows_equal(rows, expected)


def test_a_stop_at_the_last_step_of_an_epoch_repeats_no_step(digits, monkeypatch):
    rows, expected = assert_the_same_after_stops(config(), digits, [("step", 3)], UNCOMPILED, monkeypatch)
    # The epoch ends both times: before the stop takes effect, and after the checkpoint from before its end.
    assert_rows_equal(rows, [expected[0], *expected])


def test_a_stop_reckons_up_an_epoch_whose_steps_are_done(digits):
    class Stop(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.stop_training = True

    _, paused = train(config(), digits, ("step", 3))
    trainer, watch = Trainer(config(), Programs(digits), UNCOMPILED), Watch()
    trainer.fit([Stop(), watch], paused.checkpoint)
    assert (trainer.position.epoch, trainer.position.step, trainer.step) == (1, 0, 3)
    assert_rows_equal(watch.epochs, paused.epochs)
    assert not watch.batches, "and trains nothing more"


def test_a_resumed_run_stands_where_it_was_before_anyone_looks(digits):
    _, stopped = train(config(), digits, ("epoch", 1))
    _, watch = train(config(), digits, resume_from=stopped.checkpoint)
    assert watch.begun_at == 3
    assert watch.calls == ["begin", ("epoch", 1), "end"]


def test_a_run_that_stopped_early_does_not_go_on_when_it_is_resumed(digits):
    overfitting = config(training={"early_stopping": 1, "epochs": 30}, optimizer={"learning_rate": 0.3})
    whole, watched = train(overfitting, digits)
    assert len(watched.epochs) < 30
    _, stopped = train(overfitting, digits, ("epoch", len(watched.epochs)))
    resumed, watch = train(overfitting, digits, resume_from=stopped.checkpoint)
    assert watch.epochs == []
    assert_equal(resumed.model.get_weights(), whole.model.get_weights())


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
    assert_friendly(error, "infinite or not a number at step", "ten times smaller than 10", "scaled pixels")


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


def test_sixteen_bits_learn_too(digits):
    trainer, watch = train(
        config(training={"precision": "bfloat16", "epochs": 5}, optimizer={"learning_rate": 0.01}),
        digits,
        execution=None,
    )
    assert trainer.execution.precision == "bfloat16"
    assert watch.epochs[-1]["loss"] < watch.epochs[0]["loss"] / 1.5
    assert all(np.isfinite(row["val_loss"]) for row in watch.epochs)
