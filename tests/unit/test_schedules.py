"""Schedules are the formulas that they name, checked against Keras' schedules and plain loops."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.training.schedules import (
    SCHEDULES,
    Constant,
    Exponential,
    OneCycle,
    Plateau,
    Step,
    WarmupCosine,
)
from tests.helpers import settings_of

LENGTHS = [(1, 1), (2, 1), (10, 10), (47, 10), (500, 100)]
"""Steps in all, and in an epoch."""


def factors(schedule, total, per_epoch):
    return schedule.factors(np.arange(total), total, per_epoch)


def by_keras(schedule, total):
    return [float(schedule(step)) for step in range(total)]


@pytest.mark.parametrize(("total", "per_epoch"), LENGTHS)
@pytest.mark.parametrize("schedule", [Constant(), Plateau()])
def test_constant_and_plateau_leave_the_rate_alone(schedule, total, per_epoch):
    np.testing.assert_array_equal(factors(schedule, total, per_epoch), np.ones(total))


@pytest.mark.parametrize(("total", "per_epoch"), LENGTHS)
@pytest.mark.parametrize("every", [1, 3])
def test_step_is_keras_staircase(total, per_epoch, every):
    decay = keras.optimizers.schedules.ExponentialDecay(1.0, every * per_epoch, 0.5, staircase=True)
    found = factors(Step(factor=0.5, every=every), total, per_epoch)
    np.testing.assert_allclose(found, by_keras(decay, total), rtol=1e-5)


@pytest.mark.parametrize(("total", "per_epoch"), LENGTHS)
def test_exponential_is_keras_decay(total, per_epoch):
    decay = keras.optimizers.schedules.ExponentialDecay(1.0, per_epoch, 0.8)
    np.testing.assert_allclose(factors(Exponential(factor=0.8), total, per_epoch), by_keras(decay, total), rtol=1e-5)


@pytest.mark.parametrize("total", [2, 10, 500])
@pytest.mark.parametrize("floor", [0.0, 0.25, 1.0])
def test_cosine_without_warm_up_is_keras_cosine(total, floor):
    decay = keras.optimizers.schedules.CosineDecay(1.0, total, alpha=floor)
    found = factors(WarmupCosine(warmup=0.0, floor=floor), total, 10)
    np.testing.assert_allclose(found, by_keras(decay, total), atol=1e-6)


@pytest.mark.parametrize(("total", "warmup"), [(10, 0.1), (100, 0.25), (500, 0.9)])
def test_warm_up_rises_in_a_line_and_then_follows_the_cosine(total, warmup):
    rise = round(warmup * total)
    found = factors(WarmupCosine(warmup=warmup, floor=0.1), total, 10)
    np.testing.assert_allclose(found[:rise], [(step + 1) / rise for step in range(rise)])
    decay = keras.optimizers.schedules.CosineDecay(1.0, total - rise, alpha=0.1)
    np.testing.assert_allclose(found[rise:], by_keras(decay, total - rise), atol=1e-6)


@pytest.mark.parametrize(("total", "rise"), [(100, 0.3), (40, 0.05), (500, 0.8)])
def test_one_cycle_is_two_half_cosines(total, rise):
    schedule = OneCycle(rise=rise, start=20, finish=500)
    top, expected = round(rise * total), []
    for step in range(total):
        if step < top:
            here, begin, end = step / top, 1 / 20, 1.0
        else:
            here, begin, end = (step - top) / (total - 1 - top), 1.0, 1 / 500
        expected.append(end + (begin - end) * (1 + math.cos(math.pi * here)) / 2)
    found = factors(schedule, total, 10)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found[0] == pytest.approx(1 / 20)
    assert found[top] == pytest.approx(found.max()) == 1.0
    assert found[-1] == pytest.approx(1 / 500)


@given(st.sampled_from(SCHEDULES).flatmap(settings_of), st.integers(1, 300), st.integers(1, 100))
def test_every_factor_is_positive_and_no_more_than_one(data, total, per_epoch):
    schedule = next(kind for kind in SCHEDULES if kind().name == data["name"]).model_validate(data)
    # Nothing learns with a rate of 10^-300; below that numbers end.
    if data["name"] in ("step", "exponential") and data.get("factor", 1) ** (total / per_epoch) < 1e-300:
        return
    found = factors(schedule, total, per_epoch)
    assert found.shape == (total,)
    assert found.dtype == np.float64
    assert np.all(found > 0)
    assert np.all(found <= 1 + 1e-12)


@given(st.sampled_from(SCHEDULES).flatmap(settings_of), st.integers(2, 300))
def test_any_part_of_the_steps_gives_that_part_of_the_factors(data, total):
    schedule = next(kind for kind in SCHEDULES if kind().name == data["name"]).model_validate(data)
    np.testing.assert_array_equal(
        schedule.factors(np.arange(total // 2, total), total, 7), factors(schedule, total, 7)[total // 2 :]
    )
