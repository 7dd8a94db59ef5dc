"""Limits: each says in one sentence which it is and by which setting; 0 is none."""

from types import SimpleNamespace

import pytest

from mnist_core import limits
from mnist_core.config import MOST_PARAMETERS, RunConfig
from mnist_core.errors import OverLimit
from mnist_core.limits import KEYS_KEPT, RateLimit
from mnist_core.settings import Settings
from tests.helpers import assert_friendly

CONFIG = RunConfig.parse({"training": {"epochs": 12}})


def having(**variables):
    return Settings.from_environment({f"MNIST_LAB_{name}": str(value) for name, value in variables.items()})


@pytest.mark.parametrize(
    ("check", "setting", "at", "received"),
    [
        (lambda s: limits.require_size(s, CONFIG), "PARAMETERS", CONFIG.parameters, CONFIG.parameters),
        (lambda s: limits.require_size(s, CONFIG), "EPOCHS", 12, 12),
        (lambda s: limits.require_turn(s, 6), "WAITING", 7, 6),
        (lambda s: limits.require_room(s, 7_999_999), "STORED_MEGABYTES", 8, 8),
    ],
)
def test_a_limit_is_named_where_it_is_passed(check, setting, at, received):
    check(having())
    check(having(**{setting: at}))
    check(having(**{setting: 0}))
    with pytest.raises(OverLimit) as error:
        check(having(**{setting: at - 1}))
    assert_friendly(error, f"MNIST_LAB_{setting}", f"{received:,}", f"{at - 1:,}")


def test_a_lab_with_nothing_set_allows_the_largest_dense_network():
    config = RunConfig.parse({"architecture": {"name": "mlp", "hidden_units": [2048] * 6, "batch_norm": True}})
    assert 22_000_000 < config.parameters < MOST_PARAMETERS
    limits.require_size(having(), config)
    assert having().most_parameters == MOST_PARAMETERS


def test_steps_count_as_the_epochs_that_they_are():
    config = RunConfig.parse({"training": {"steps": 10 * CONFIG.steps_per_epoch}})
    limits.require_size(having(EPOCHS=10), config)
    with pytest.raises(OverLimit):
        limits.require_size(having(EPOCHS=9), config)


def test_trees_are_no_epochs():
    limits.require_size(having(EPOCHS=1), RunConfig.parse({"architecture": {"name": "random_forest"}}))


def test_a_run_has_so_many_minutes():
    assert limits.out_of_time(having(RUN_MINUTES=2), 119.9) == ""
    assert_friendly(limits.out_of_time(having(RUN_MINUTES=2), 120), "2 minutes", "validation", "MNIST_LAB_RUN_MINUTES")
    assert limits.out_of_time(having(RUN_MINUTES=0), 1e9) == ""


def test_so_many_a_minute_for_each_and_then_evenly():
    clock = SimpleNamespace(now=0.0)
    limit = RateLimit(6, "More than {most}; wait {seconds} s.", lambda: clock.now)
    for _ in range(6):
        limit.take("me")
    with pytest.raises(OverLimit, match="More than 6; wait 10 s"):
        limit.take("me")
    limit.take("another")
    clock.now = 10.0
    limit.take("me")
    with pytest.raises(OverLimit):
        limit.take("me")
    clock.now = 3600.0
    for _ in range(6):  # no more than one minute's is saved up
        limit.take("me")
    with pytest.raises(OverLimit):
        limit.take("me")


def test_no_limit_and_no_endless_memory():
    RateLimit(0, "").take("me")
    limit = RateLimit(1, "")
    for number in range(KEYS_KEPT + 5):
        limit.take(str(number))
    assert len(limit._buckets) == KEYS_KEPT
