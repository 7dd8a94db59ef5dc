"""Images that are kept small come out as they went in."""

import sys

import numpy as np
import pytest

from mnist_core.data import mnist
from mnist_core.data.packed import PackedImages


@pytest.mark.parametrize("count", [1, 10, 25])
def test_each_image_comes_out_as_it_went_in(count):
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
    packed = PackedImages(images)
    assert packed.shape == images.shape and np.array_equal(list(packed), images)
    assert np.array_equal(packed[np.int64(count - 1)], images[-1]) and np.array_equal(packed[-1], images[-1])
    assert not packed[0].flags.writeable
    for outside in (count, -count - 1):
        with pytest.raises(IndexError):
            packed[outside]


def test_the_test_images_take_a_quarter_of_their_memory():
    images = mnist.load("test").images
    packed = PackedImages(images)
    assert sum(map(sys.getsizeof, packed._pieces)) < images.nbytes / 4
    assert all(np.array_equal(packed[i], images[i]) for i in range(0, len(images), 7))
