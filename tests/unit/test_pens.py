"""Other pens, shaky hands, poor scans and clutter: within their ranges, repeatable, and doing what they say."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from mnist_core.config import Augmentation
from mnist_core.data import mnist, pens
from mnist_core.data.augment import augment

CHANGES = {
    "shaky": (pens.shaky, 1.5),
    "pens": (pens.pens, 3.0),
    "outlines": (pens.outlines, 0.9),
    "scans": (pens.scans, 1.0),
    "clutter": (pens.clutter, 1.0),
}


@pytest.fixture(scope="module")
def images():
    return mnist.load("train").images[:64, ..., None].astype(np.float32) / 255


def run(change, images, strength, seed=(1, 2)):
    return change(tf.constant(images), strength, tf.constant(seed)).numpy()


@pytest.mark.parametrize("name", CHANGES)
def test_pictures_stay_pictures(name, images):
    changed = run(CHANGES[name][0], images, CHANGES[name][1])
    assert changed.shape == images.shape and changed.dtype == np.float32
    assert changed.min() >= 0 and changed.max() <= 1
    assert (changed != images).any()


@pytest.mark.parametrize("name", CHANGES)
def test_a_seed_repeats_and_another_differs(name, images):
    change, strength = CHANGES[name]
    once = run(change, images, strength)
    assert (run(change, images, strength) == once).all()
    assert (run(change, images, strength, (1, 3)) != once).any()


def test_each_picture_is_changed_in_its_own_way(images):
    same = np.repeat(images[:1], 32, axis=0)
    for change, strength in CHANGES.values():
        assert len({picture.tobytes() for picture in run(change, same, strength)}) > 8


def test_a_shaky_line_is_the_picture_looked_up_elsewhere(images):
    place = np.stack(np.meshgrid(np.arange(28), np.arange(28), indexing="ij")) + 0.3
    places = np.repeat(place.transpose(1, 2, 0)[None], len(images), axis=0)
    found = pens._looked_up(tf.constant(images), tf.constant(places, tf.float32)).numpy()
    expected = [ndimage.map_coordinates(image[..., 0], place, order=1, mode="nearest") for image in images]
    inner = np.s_[:, :26, :26]
    np.testing.assert_allclose(found[..., 0][inner], np.stack(expected)[inner], atol=1e-5)


def test_pens_make_strokes_thicker_and_thinner(images):
    same = np.repeat(images[:1], 256, axis=0)
    ink = run(pens.pens, same, 3.0).sum(axis=(1, 2, 3)) / same[0].sum()
    assert ink.max() > 1.5 and ink.min() < 0.8
    assert (run(pens.pens, same, 3.0).max(axis=(1, 2, 3)) > 0.99 * same[0].max()).all()


def test_outlines_are_the_rim_of_the_ink(images):
    square = np.zeros((256, 28, 28, 1), np.float32)
    square[:, 8:20, 8:20] = 1
    drawn = run(pens.outlines, square, 1.0)[..., 0]
    inner, outer = drawn.sum(axis=(1, 2)) == 4 * 12 - 4, drawn.sum(axis=(1, 2)) == 4 * 12 + 4
    assert (inner | outer).all() and inner.any() and outer.any()
    assert not drawn[:, 10:18, 10:18].any(), "the middle is hollow"
    hollow = (run(pens.outlines, square, 0.25) != square).any(axis=(1, 2, 3)).mean()
    assert 0.15 < hollow < 0.35


def test_clutter_leaves_its_share_alone(images):
    many = np.tile(images, (16, 1, 1, 1))
    untouched = (run(pens.clutter, many, 0.3) == many).all(axis=(1, 2, 3)).mean()
    assert 0.62 < untouched < 0.8


def test_a_share_is_left_as_it_is(images):
    many, how = np.tile(images, (8, 1, 1, 1)), Augmentation(shift=3.0, shaky=2.0, untouched=0.4)
    changed = augment(tf.constant(many), how, tf.constant((1, 2))).numpy()
    assert 0.3 < (changed == many).all(axis=(1, 2, 3)).mean() < 0.5
    assert not Augmentation(untouched=0.4).active


def test_settings_choose_what_is_done(images):
    def with_(**how):
        return augment(tf.constant(images), Augmentation(**how), tf.constant((1, 2))).numpy()

    assert not Augmentation().active and Augmentation(pens=1.0).active
    assert (with_() == images).all()
    alone = with_(clutter=0.9)
    assert (alone != images).any()
    assert (with_(clutter=0.9, scans=0.5) != alone).any()
