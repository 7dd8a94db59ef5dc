"""Orders of images: all of them in every epoch, by chance where asked, and as tf.data's buffer would mix them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.sections import Training
from mnist_core.training.order import Order

IMAGES = 500
KINDS = {
    "whole": {},
    "once": {"reshuffle": False},
    "buffer": {"shuffle_buffer": 50},
    "buffer once": {"shuffle_buffer": 50, "reshuffle": False},
    "stream": {"shuffle_buffer": 50, "steps": 100},
    "none": {"shuffle": False},
}


def order(seed=1, **training):
    return Order(Training(**training), seed, IMAGES)


def test_without_shuffling_the_order_is_that_of_the_data():
    np.testing.assert_array_equal(order(shuffle=False).epoch(3), np.arange(IMAGES))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stream"])
def test_every_image_comes_once_an_epoch(kind):
    for epoch in range(3):
        found = order(**KINDS[kind]).epoch(epoch)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(np.sort(found), np.arange(IMAGES))


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_sees_the_same_order(kind):
    through = order(**KINDS[kind])
    epochs = [through.epoch(number) for number in range(4)]
    for number in (2, 0, 3, 3):
        np.testing.assert_array_equal(order(**KINDS[kind]).epoch(number), epochs[number])
        np.testing.assert_array_equal(through.epoch(number), epochs[number])


def test_reshuffled_or_not():
    assert list(order().epoch(0)) != list(order().epoch(1))
    assert list(order(reshuffle=False).epoch(0)) == list(order(reshuffle=False).epoch(9)) == list(order().epoch(0))
    assert list(order(seed=2).epoch(0)) != list(order().epoch(0))


@given(st.integers(1, IMAGES - 1))
def test_a_buffer_gives_no_image_before_it_can_be_in_it(size):
    """The image drawn as number k is one of the first k + size; so tf.data's documentation has it."""
    for found in (order(shuffle_buffer=size).epoch(0), order(shuffle_buffer=size, steps=9).epoch(0)):
        assert (found < np.arange(IMAGES) + size).all()


def test_a_small_buffer_mixes_only_neighbours_and_a_large_one_all():
    far = np.abs(order(shuffle_buffer=2).epoch(0) - np.arange(IMAGES))
    assert np.median(far) <= 2
    assert list(order(shuffle_buffer=IMAGES).epoch(0)) == list(order().epoch(0))


def test_of_a_repeated_stream_every_image_comes_equally_often_in_the_long_run():
    stream = order(shuffle_buffer=50, steps=100)
    drawn = np.concatenate([stream.epoch(number) for number in range(4)])
    # What arrived four times has been drawn, but for the 50 that wait in the buffer; some of these are a pass ahead.
    counts = np.bincount(drawn, minlength=IMAGES)
    assert counts.sum() == 4 * IMAGES
    assert set(counts[50:]) <= {3, 4}
    assert np.abs(drawn[:IMAGES] - np.arange(IMAGES)).max() < IMAGES
