"""Arrays and networks as bytes."""

import io

import numpy as np
import pytest

from mnist_core.models import blobs


def test_arrays_are_packed_without_pickles():
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(np.load(io.BytesIO(blobs.array_bytes(array)), allow_pickle=False), array)
    with pytest.raises(ValueError, match="pickle"):
        blobs.array_bytes(np.array([object()]))
