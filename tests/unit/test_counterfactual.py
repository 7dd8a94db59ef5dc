"""The least ink: it really changes what is read, it costs little, and it says so when it cannot be done."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mnist_core.explain.counterfactual import least_ink


class Linear:
    """scikit-learn's logistic regression, with the slopes of its log-probabilities."""

    def __init__(self, digits):
        model = LogisticRegression(C=0.05, tol=0.01, max_iter=1000)
        self.model = model.fit(digits.images.reshape(len(digits), -1) / 255, digits.labels)
        self.asked = 0

    def probabilities(self, images):
        self.asked += len(images)
        return self.model.predict_proba(images.reshape(len(images), -1) / 255).astype(np.float32)

    def slope(self, pixels, digit):
        shares = self.model.predict_proba(pixels.reshape(1, -1) / 255)[0]
        weights = self.model.coef_
        return (weights[digit] - shares @ weights).reshape(28, 28) / 255


@pytest.fixture(scope="module")
def linear(digits):
    return Linear(digits)


def read_rightly(linear, digits):
    right = linear.probabilities(digits.images[:30]).argmax(axis=1) == digits.labels[:30]
    return digits.images[:30][right]


def ink_between(one, other):
    return np.abs(one.astype(float) - other).sum() / 255


@pytest.mark.parametrize("target", range(10))
def test_it_changes_what_is_read_and_is_cheaper_than_another_digit(target, linear, digits):
    for image in read_rightly(linear, digits)[:6]:
        change = least_ink(linear.probabilities, linear.slope, image, target)
        assert change.reached
        assert change.image.dtype == np.uint8
        after = linear.probabilities(change.image[None])[0]
        assert after.argmax() == target == change.target
        np.testing.assert_array_equal(change.after, after)
        np.testing.assert_array_equal(change.before, linear.probabilities(image[None])[0])
        if change.before.argmax() == target:
            assert change.ink == change.pixels == 0
            continue
        assert change.ink == pytest.approx(ink_between(image, change.image))
        assert change.pixels == (image != change.image).sum()
        # Naively: put the most similar digit with that label in its place.
        others = digits.images[digits.labels == target]
        replaced = min(ink_between(image, other) for other in others)
        assert change.ink < replaced / 2


def test_it_is_near_the_least_that_two_digits_allow(linear, digits):
    """With two digits the least is known: ink goes where the difference of weights is largest, and only there."""
    weights, bias = (each[7] - each[1] for each in (linear.model.coef_, linear.model.intercept_))

    def probabilities(images):
        scores = images.reshape(len(images), -1) / 255 @ weights + bias
        seven = 1 / (1 + np.exp(-scores))
        return np.stack([1 - seven, seven], axis=1)

    for image in digits.images[digits.labels == 1][:5]:
        change = least_ink(probabilities, lambda pixels, digit: weights.reshape(28, 28), image, 1)
        flat = image.ravel() / 255
        missing = -(flat @ weights + bias)
        room = np.where(weights > 0, 1 - flat, flat)
        least = 0.0
        for pixel in np.argsort(-np.abs(weights))[: np.count_nonzero(weights)]:
            step = min(room[pixel], max(0.0, missing) / abs(weights[pixel]))
            least += step
            missing -= step * abs(weights[pixel])
        assert change.reached
        assert least <= change.ink * 1.001
        assert change.ink <= 1.25 * least + 0.2


def test_no_more_than_is_needed(linear, digits):
    """With all of the change made a tenth smaller, the answer falls back."""
    image = read_rightly(linear, digits)[0]
    for target in set(range(10)) - {int(linear.probabilities(image[None]).argmax())}:
        change = least_ink(linear.probabilities, linear.slope, image, target)
        smaller = np.rint(image + 0.9 * (change.image.astype(float) - image)).astype(np.uint8)
        assert change.reached
        assert linear.probabilities(smaller[None])[0].argmax() != target


def test_what_cannot_be_reached_is_told(digits):
    def probabilities(images):
        return np.tile(np.eye(10, dtype=np.float32)[2], (len(images), 1))

    flat = least_ink(probabilities, lambda pixels, digit: np.zeros((28, 28)), digits.images[0], 5)
    assert not flat.reached
    assert flat.ink == 0
    climbing = least_ink(probabilities, lambda pixels, digit: np.ones((28, 28)), digits.images[0], 5)
    assert not climbing.reached
    assert climbing.removed == 0 < climbing.added
    assert climbing.after.argmax() == 2


def test_where_nothing_rises_the_way_leads_back_from_an_example(linear, digits):
    """As in a network all of whose units are silent for this drawing."""
    image = read_rightly(linear, digits)[0]
    target = int(linear.probabilities(image[None]).argmin())
    others = digits.images[digits.labels == target][:10]
    flat = least_ink(linear.probabilities, lambda pixels, digit: np.zeros((28, 28)), image, target, 64, lambda: others)
    assert flat.reached
    assert linear.probabilities(flat.image[None])[0].argmax() == target
    assert flat.ink < min(ink_between(image, other) for other in others)
    wrong = digits.images[digits.labels == linear.probabilities(image[None]).argmax()][:3]
    assert not least_ink(
        linear.probabilities, lambda pixels, digit: np.zeros((28, 28)), image, target, 64, lambda: wrong
    ).reached


def test_it_is_asked_a_bounded_number_of_times(linear, digits):
    linear.asked = 0
    least_ink(linear.probabilities, linear.slope, digits.images[0], 8)
    assert linear.asked < 300
