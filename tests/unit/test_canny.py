"""Canny's edges against a plain loop, and each picture for itself."""

import numpy as np
import pytest
from scipy import ndimage

from mnist_core.data import mnist
from mnist_core.robustness.canny import CLEAR, FAINT, edges


@pytest.fixture(scope="module")
def images():
    return mnist.load("test").images[:12].astype(np.float32) / 255


def plain(image):
    """One picture, pixel by pixel, with SciPy's Sobel."""
    smooth = ndimage.gaussian_filter(image.astype(float), 1, mode="constant")
    down, across = ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1)
    slope = np.hypot(down, across)
    kept = np.zeros(image.shape, bool)
    for y in range(1, 27):
        for x in range(1, 27):
            if slope[y, x] < FAINT:
                continue
            d, a = down[y, x], across[y, x]
            large, small = max(abs(d), abs(a)), min(abs(d), abs(a))
            here = True
            for way in (1, -1):
                dy, dx = int(np.sign(d)) * way, int(np.sign(a)) * way
                ahead = slope[y + dy, x] if abs(d) >= abs(a) else slope[y, x + dx]
                between = small / large * slope[y + dy, x + dx] + (1 - small / large) * ahead
                here &= slope[y, x] >= between
            kept[y, x] = here
    pieces, count = ndimage.label(kept, np.ones((3, 3)))
    for piece in range(1, count + 1):
        if slope[pieces == piece].max() < CLEAR:
            kept[pieces == piece] = False
    return kept


def test_they_are_those_of_a_plain_loop(images):
    expected = np.stack([plain(image) for image in images])
    assert (edges(images) != expected).mean() < 1e-3, "but for slopes that are equal up to rounding"


def test_a_picture_has_the_edges_that_it_has_alone(images):
    np.testing.assert_array_equal(edges(images)[5], edges(images[5:6])[0])


def test_a_square_has_one_closed_line():
    square = np.zeros((1, 28, 28), np.float32)
    square[0, 8:20, 8:20] = 1
    found = edges(square)[0]
    assert ndimage.label(found, np.ones((3, 3)))[1] == 1
    assert ndimage.binary_fill_holes(found).sum() > found.sum() + 50 and not found[11:17, 11:17].any()


def test_blank_paper_has_none():
    assert not edges(np.zeros((2, 28, 28), np.float32)).any()
