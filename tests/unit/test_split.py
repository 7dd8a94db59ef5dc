"""Splits are scikit-learn's where they say so, and fair where they promise to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from mnist_core.config import DataConfig
from mnist_core.data.mnist import load
from mnist_core.data.split import class_counts, split

LABELS = np.random.default_rng(0).choice(10, 6_000, p=np.arange(1, 11) / 55).astype(np.uint8)
"""Labels of which some digits are ten times as frequent as others."""

fractions = st.just(0.0) | st.floats(1e-6, 0.9)
seeds = st.integers(0, 2**31 - 1)
kinds = st.sampled_from(["random", "stratified", "first"])


@given(fractions.filter(bool), seeds)
def test_random_is_scikit_learns_split_exactly(fraction, seed):
    found = split(LABELS, DataConfig(validation_fraction=fraction, split_seed=seed))
    train, validation = train_test_split(np.arange(6_000), test_size=fraction, random_state=seed)
    np.testing.assert_array_equal(found.train, train)
    np.testing.assert_array_equal(found.validation, validation)


def test_random_is_scikit_learns_split_on_the_whole_database():
    labels = load("train").labels
    found = split(labels, DataConfig(validation_fraction=0.3, split_seed=111))
    train, validation = train_test_split(np.arange(60_000), test_size=0.3, random_state=111)
    np.testing.assert_array_equal(found.train, train)
    np.testing.assert_array_equal(found.validation, validation)


@given(fractions, seeds, kinds, st.integers(500, 6_000))
def test_no_image_is_on_both_sides_and_none_is_lost(fraction, seed, kind, subset):
    data = DataConfig(validation_fraction=fraction, split=kind, split_seed=seed)
    found = split(LABELS, data)
    assert found.train.dtype == found.validation.dtype == np.int32
    np.testing.assert_array_equal(np.sort(np.concatenate([found.train, found.validation])), np.arange(6_000))
    assert 0 <= len(found.validation) - fraction * 6_000 < 1

    fewer = split(LABELS, data.model_copy(update={"subset": subset}))
    np.testing.assert_array_equal(fewer.train, found.train[:subset])
    np.testing.assert_array_equal(fewer.validation, found.validation)


@given(fractions, seeds, kinds)
def test_the_same_seed_gives_the_same_split(fraction, seed, kind):
    data = DataConfig(validation_fraction=fraction, split=kind, split_seed=seed)
    one, other = split(LABELS, data), split(LABELS, data)
    np.testing.assert_array_equal(one.train, other.train)
    np.testing.assert_array_equal(one.validation, other.validation)


@pytest.mark.parametrize("kind", ["random", "stratified"])
def test_another_seed_gives_another_split(kind):
    one, other = (split(LABELS, DataConfig(split=kind, split_seed=seed)) for seed in (1, 2))
    assert set(one.validation) != set(other.validation)


@given(fractions, seeds)
def test_stratified_holds_out_the_same_share_of_every_digit(fraction, seed):
    found = split(LABELS, DataConfig(validation_fraction=fraction, split="stratified", split_seed=seed))
    counts, held_out = class_counts(LABELS), len(found.validation)
    taken = class_counts(LABELS[found.validation])
    assert np.all(np.abs(taken - counts * held_out / 6_000) < 1)
    assert np.all(taken <= counts)


@given(fractions)
def test_stratified_gives_what_rounding_leaves_over_to_the_largest_remainders(fraction):
    found = split(LABELS, DataConfig(validation_fraction=fraction, split="stratified"))
    exact = class_counts(LABELS) * len(found.validation) / 6_000
    more = class_counts(LABELS[found.validation]) > exact
    remainders = exact - np.floor(exact)
    if more.any() and not more.all():
        assert remainders[more].min() >= remainders[~more].max() - 1e-9


def test_stratified_mixes_the_digits():
    found = split(LABELS, DataConfig(split="stratified", validation_fraction=0.5))
    for part in (found.train, found.validation):
        first, last = (class_counts(LABELS[half]) / len(half) for half in np.array_split(part, 2))
        assert np.abs(first - last).max() < 0.05


@given(fractions)
def test_first_learns_from_the_first_and_validates_on_the_last(fraction):
    found = split(LABELS, DataConfig(split="first", validation_fraction=fraction))
    np.testing.assert_array_equal(np.concatenate([found.train, found.validation]), np.arange(6_000))


@pytest.mark.parametrize("kind", ["random", "stratified", "first"])
def test_nothing_held_out_keeps_all_for_training(kind):
    found = split(LABELS, DataConfig(split=kind, validation_fraction=0.0))
    assert len(found.validation) == 0
    np.testing.assert_array_equal(found.train, np.arange(6_000))


def test_class_counts_are_ten_even_where_digits_lack():
    counts = class_counts(np.array([0, 0, 3], np.uint8))
    assert counts.tolist() == [2, 0, 0, 1, 0, 0, 0, 0, 0, 0]
