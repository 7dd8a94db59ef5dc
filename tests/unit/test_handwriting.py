"""Own handwriting: divided, packed, and what a fine-tuning on it is."""

import io

import numpy as np
import pytest

from mnist_core.cli.evaluate import labelled
from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.errors import ConfigError
from mnist_core.handwriting import HELD_BACK, Handwriting, divide, fine_tuning, packed, too_little
from mnist_core.recipes import recipe
from mnist_core.ui.handwriting import as_csv, csv_rows
from tests.helpers import assert_friendly


def some(labels):
    """Drawings of these digits, each its own."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, 0], images[:, 14, 14] = np.arange(len(labels)), 255
    return Digits(images, np.array(labels, np.uint8))


HAND = divide(some([1, 2, 3, 4] * 10), 0)
"""30 drawings to learn from, and 10 held back."""


@pytest.mark.parametrize(
    ("labels", "word"),
    [([], "0 drawings"), ([1], "1 drawing of 1 digit is"), ([1, 2] * 4, "8 drawings"), ([7] * 30, "of 1 digit ")],
)  # fmt: skip
def test_too_few_are_told(labels, word):
    own = some(labels)
    assert_friendly(too_little(own.labels), word)
    with pytest.raises(ConfigError):
        divide(own, 0)


def test_a_quarter_of_every_digit_is_held_back():
    own = some([1] * 8 + [2] * 12 + [3] * 20)
    hand = divide(own, 0)
    assert np.bincount(hand.held_back.labels).tolist() == [0, 2, 3, 5]
    together = np.concatenate([hand.learned.images, hand.held_back.images])[:, 0, 0]
    assert sorted(together) == list(range(40)), "each once"
    assert (own.labels[hand.learned.images[:, 0, 0]] == hand.learned.labels).all()
    again, other = divide(own, 0), divide(own, 1)
    np.testing.assert_array_equal(hand.held_back.images, again.held_back.images)
    assert (hand.held_back.images != other.held_back.images).any()


def test_the_least_there_may_be():
    hand = divide(some([1] * 9 + [2]), 0)
    assert len(hand.held_back) == round(HELD_BACK * 10) and len(hand.learned) == 8


def test_it_is_kept_and_read_again():
    hand = divide(some([1, 2, 3] * 5), 0)
    again = Handwriting.from_bytes(hand.to_bytes())
    for part, same in ((hand.learned, again.learned), (hand.held_back, again.held_back)):
        np.testing.assert_array_equal(part.images, same.images)
        np.testing.assert_array_equal(part.labels, same.labels)


@pytest.mark.parametrize("name", ["quick", "flagship", "tiny", "cnn-fast"])
def test_a_fine_tuning_changes_only_how_long_and_how_fast_it_learns(name):
    config = recipe(name).config
    tuned = fine_tuning(config, "1a2b3c4d", HAND)
    changed = {key.partition(".")[0] for key in config.differences(tuned)}
    assert changed <= {"optimizer", "schedule", "data", "training", "fine_tuning"}
    assert tuned.data.validation_fraction == config.data.validation_fraction, "held out stays held out"
    assert tuned.data.split_seed == config.data.split_seed
    own = tuned.fine_tuning.images / tuned.training_images
    assert 0.15 < own < 0.3
    digits = config.training_images - config.data.not_digits - config.data.written
    for name in ("not_digits", "written"):
        before, after = getattr(config.data, name) / digits, getattr(tuned.data, name) / tuned.data.subset
        assert after == pytest.approx(before, abs=1e-3)
    assert RunConfig.parse(tuned.to_json()) == tuned


def test_as_many_other_drawings_make_another_configuration():
    other = divide(some([1, 2, 3, 4] * 9 + [5] * 4), 0)
    assert len(other.learned) == len(HAND.learned)
    first, again, second = (fine_tuning(RunConfig(), "1a2b3c4d", hand) for hand in (HAND, HAND, other))
    assert first == again
    assert list(first.differences(second)) == ["fine_tuning.digest"]


def test_a_configuration_without_it_says_nothing_of_it():
    assert "fine_tuning" not in RunConfig().to_json()
    assert not any(key.startswith("fine_tuning") for key in RunConfig().flat())


@pytest.mark.parametrize("changes", [{"architecture.name": "random_forest"}, {"architecture.name": "sgd_classifier"}])
def test_what_is_no_network_cannot_be_fine_tuned(changes):
    with pytest.raises(ConfigError) as refused:
        fine_tuning(RunConfig().replace(changes), "1a2b3c4d", HAND)
    assert_friendly(refused, "networks")


def test_a_fine_tuned_network_is_not_fine_tuned_again():
    with pytest.raises(ConfigError) as refused:
        fine_tuning(fine_tuning(RunConfig(), "1a2b3c4d", HAND), "5e6f7a8b", HAND)
    assert_friendly(refused, "began from")


def test_the_exports_are_what_evaluate_and_spreadsheets_read(tmp_path):
    own = some([5, 0, 4])
    path = tmp_path / "handwriting.npz"
    path.write_bytes(packed(images=own.images, labels=own.labels))
    images, labels = labelled(str(path))
    np.testing.assert_array_equal(images, own.images)
    assert labels.tolist() == [5, 0, 4]
    table = np.loadtxt(io.StringIO(as_csv(csv_rows(own))), delimiter=",", skiprows=1, dtype=int)
    assert table.shape == (3, 785)
    np.testing.assert_array_equal(table[:, 0], own.labels)
    np.testing.assert_array_equal(table[:, 1:].reshape(-1, 28, 28), own.images)
