"""Training that was stopped goes on as if nothing had been."""

import keras
import pytest

from mnist_core.training import compiled, fit
from mnist_core.training.execution import choose
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs
from tests.fits import CASES, UNCOMPILED, Watch, assert_equal, assert_rows_equal, config, state, train


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


@pytest.mark.parametrize("loop", ["fit", "tape"])
def test_a_stop_in_the_middle_of_a_validation_leaves_its_epoch_for_later(loop, digits, monkeypatch):
    monkeypatch.setattr(fit, "VALIDATION_PART", 50)
    chosen = config(training={"loop": loop})
    whole, watched = train(chosen, digits)
    stopped, seen = train(chosen, digits, ("validation", 1))
    assert (stopped.position.epoch, stopped.position.step, seen.epochs) == (0, 3, [])
    resumed, watch = train(chosen, digits, resume_from=seen.checkpoint)
    assert min(row["step"] for row in watch.batches) > 3, "no step is done again"
    assert_rows_equal(watch.epochs, watched.epochs)
    assert_equal(state(resumed), state(whole))


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


@pytest.mark.parametrize("stop", [("epoch", 2), ("step", 6)])
def test_what_has_nothing_left_to_train_compiles_nothing(digits, stop, monkeypatch):
    chosen = config(training={"epochs": 2})
    _, watch = train(chosen, digits, stop)
    monkeypatch.setattr(compiled.CompiledEpoch, "compile", lambda *args: pytest.fail("it compiled"))
    resumed, _ = train(chosen, digits, resume_from=watch.checkpoint)
    assert resumed.position.epoch == 2
