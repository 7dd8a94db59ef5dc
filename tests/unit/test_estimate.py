"""How long a training will take: by its arithmetic, corrected by what earlier runs took."""

from types import SimpleNamespace

import pytest

from mnist_core.config import RunConfig
from mnist_core.recipes import recipe
from mnist_core.training.estimate import RUNS_LOOKED_AT, START_SECONDS, correction, expected_seconds


def earlier(config, slower, status="finished", share=1.0):
    """A run that trained for ``slower`` times what the arithmetic of its configuration says, for a share of it."""
    start = START_SECONDS["convolution" if config.architecture.convolutional else "dense"]
    seconds = slower * (expected_seconds(config) - start) * share
    return SimpleNamespace(status=status, settings=config, train_seconds=seconds, progress=share)


LONG = recipe("quick").config.replace({"training.epochs": 60})


@pytest.mark.parametrize("config", [LONG, recipe("tiny").config, recipe("sgd-classifier").config])
def test_a_machine_that_has_been_slower_will_be(config):
    assert correction([earlier(config, 1.5)]) == pytest.approx(1.5)
    start = expected_seconds(config) - earlier(config, 1.0).train_seconds
    slow = earlier(config, 3.0)
    assert expected_seconds(config, correction([slow])) == pytest.approx(start + slow.train_seconds)


def test_the_middle_of_the_latest_runs_counts():
    runs = [earlier(LONG, slower) for slower in (1.0, 9.0, 2.0)] + [earlier(LONG, 50.0, "stopped")]
    assert correction(runs) == pytest.approx(2.0)
    assert correction([earlier(LONG, 2.0)] * RUNS_LOOKED_AT + [earlier(LONG, 9.0)] * 100) == pytest.approx(2.0)


def test_a_run_that_ended_early_is_measured_by_the_steps_it_did():
    patient = LONG.replace({"training.epochs": 500, "training.early_stopping": 3})
    assert correction([earlier(patient, 2.0, share=0.5)]) == pytest.approx(2.0)


def test_runs_that_were_too_short_tell_nothing():
    short = RunConfig.parse({"training": {"epochs": 1}, "data": {"subset": 500}})
    assert correction([]) == correction([earlier(short, 5.0)]) == 1.0
