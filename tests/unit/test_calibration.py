"""Temperature and threshold are those that a plain search finds, and change no answer."""

import numpy as np
import pytest

from mnist_core.calibration import REFUSED_SHARE, Calibration, calibrate, calibrated, certainty
from mnist_core.evaluation import cross_entropy, reliability


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def truth():
    """Logits of a network that knows how sure it may be, and labels drawn by just these probabilities."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2.5, (20_000, 10))
    drawn = (softmax(logits).cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    return logits, drawn


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_how_much_too_sure_a_network_is(truth, too_sure):
    logits, labels = truth
    probabilities = softmax(logits * too_sure)
    found = calibrate(labels, probabilities).temperature
    assert found == pytest.approx(too_sure, rel=0.03)
    plain = min(np.arange(0.3, 3.5, 0.01), key=lambda t: cross_entropy(labels, softmax(logits * too_sure / t)))
    assert found == pytest.approx(plain, abs=0.01)
    assert reliability(labels, calibrated(probabilities, found)).ece < 0.01


def test_a_temperature_is_a_division_of_the_logits_and_changes_no_answer(truth):
    logits, _ = truth
    softer = calibrated(softmax(logits), 2.0)
    np.testing.assert_allclose(softer, softmax(logits / 2), rtol=1e-4)
    assert softer.dtype == np.float32
    assert (softer.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_one_changes_nothing(truth):
    probabilities = softmax(truth[0]).astype(np.float32)
    assert calibrated(probabilities, 1.0) is probabilities


def test_the_threshold_refuses_its_share_of_the_held_out_digits(truth):
    logits, labels = truth
    found = calibrate(labels, softmax(logits))
    sure = certainty(calibrated(softmax(logits), found.temperature))
    assert (sure < found.threshold).mean() == pytest.approx(REFUSED_SHARE, abs=1e-4)


def test_certain_and_wrong_is_still_a_number():
    probabilities = np.eye(10, dtype=np.float32)
    found = calibrate(np.roll(np.arange(10), 1), probabilities)
    assert np.isfinite([found.temperature, found.threshold]).all()
    assert np.isfinite(calibrated(probabilities, found.temperature)).all()


def test_without_held_out_images_nothing_is_changed():
    assert calibrate(np.zeros(0, int), np.zeros((0, 10))) == Calibration()


def test_it_survives_json_and_its_absence():
    assert Calibration.from_json(Calibration(1.25, 0.75).to_json().encode()) == Calibration(1.25, 0.75)
    assert Calibration.from_json(None) == Calibration(1.0, 0.0)
