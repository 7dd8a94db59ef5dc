"""What classical models say of themselves adds up to their answers, and is what scikit-learn's own trees hold."""

import io

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier

from mnist_core.errors import ExplainError
from mnist_core.explain import classical
from mnist_core.models import fitted
from mnist_core.models.fitted import Forest, LinearScores
from tests.helpers import assert_friendly


def pixels(images, scaled=True):
    return images.reshape(len(images), -1) / (255 if scaled else 1)


@pytest.fixture(scope="module", params=[True, False], ids=["scaled", "raw"])
def grown(request, digits):
    """scikit-learn's forest, and the same as arrays."""
    judge = RandomForestClassifier(9, random_state=0, max_features="sqrt").fit(
        pixels(digits.images, request.param), digits.labels
    )
    return judge, as_arrays(judge, request.param)


def as_arrays(judge, scaled=True):
    forest = Forest.empty(scaled)
    for each in judge.estimators_:
        tree = each.tree_
        counts, shares = tree.weighted_n_node_samples, tree.value[:, 0]
        forest = forest.with_tree(tree.children_left, tree.children_right, tree.feature, tree.threshold, shares, counts)
    return forest


def by_hand(judge, row, digit):
    """Saabas' sum on scikit-learn's own trees, node by node."""
    contributions, start = np.zeros(784), 0.0
    for each in judge.estimators_:
        tree, node = each.tree_, 0
        share = tree.value[:, 0, digit]
        start += share[0] / len(judge.estimators_)
        while tree.children_left[node] >= 0:
            feature = tree.feature[node]
            more = np.float32(row[feature]) > tree.threshold[node]
            child = tree.children_right[node] if more else tree.children_left[node]
            contributions[feature] += (share[child] - share[node]) / len(judge.estimators_)
            node = child
    return contributions.reshape(28, 28), start


def test_the_questions_add_up_to_the_probability(grown, digits):
    judge, forest = grown
    for image in digits.images[1190:1196]:
        for digit in (0, 7):
            found, start, end = classical.forest_contributions(forest, image, digit)
            expected, root = by_hand(judge, pixels(image[None], forest.scaled)[0], digit)
            np.testing.assert_allclose(found, expected, atol=1e-6)
            assert start == pytest.approx(root, abs=1e-6)
            assert end == pytest.approx(forest.probabilities(image[None])[0, digit], abs=1e-6)
            assert start + found.sum() == pytest.approx(end, abs=1e-5)


def test_trees_without_a_question(digits):
    judge = RandomForestClassifier(2, min_samples_leaf=700, random_state=0).fit(pixels(digits.images), digits.labels)
    forest = as_arrays(judge)
    values, start, end = classical.forest_contributions(forest, digits.images[0], 1)
    assert not values.any()
    assert start == end == pytest.approx(forest.probabilities(digits.images[:1])[0, 1])
    assert not classical.forest_slope(forest, digits.images[0].astype(float), 1).any()


def test_a_forest_from_before_leaves_were_counted_says_so(grown, digits):
    _, forest = grown
    arrays = forest.arrays() | {"scaled": forest.scaled}
    packed = io.BytesIO()
    np.savez(packed, **{name: array for name, array in arrays.items() if name != "counts"})
    older = fitted.from_bytes(packed.getvalue())
    np.testing.assert_array_equal(older.probabilities(digits.images[:9]), forest.probabilities(digits.images[:9]))
    with pytest.raises(ExplainError) as error:
        classical.forest_contributions(older, digits.images[0], 1)
    assert_friendly(error, "Train it again")
    assert older.to_bytes()  # it can be kept as before
    np.testing.assert_array_equal(fitted.from_bytes(forest.to_bytes()).counts, forest.counts)


def test_a_forests_slope_is_what_one_pixel_changes(grown, digits):
    """By asking the forest itself about 1,568 pictures, each with one pixel full of ink or without any."""
    _, forest = grown
    image = digits.images[3]
    found = classical.forest_slope(forest, image.astype(float), 5)
    full, blank = (np.repeat(image[None], 784, axis=0) for _ in range(2))
    full.reshape(784, 784)[np.diag_indices(784)] = 255
    blank.reshape(784, 784)[np.diag_indices(784)] = 0
    expected = (forest.probabilities(full)[:, 5] - forest.probabilities(blank)[:, 5]).reshape(28, 28) / 255
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert found.any()


def test_leaves_are_scikit_learns(grown, digits):
    judge, forest = grown
    found = classical.forest_leaves(forest, digits.images[:60])
    expected = judge.apply(pixels(digits.images[:60], forest.scaled))
    for ours, theirs in zip(found.T, expected.T, strict=True):
        np.testing.assert_array_equal(ours[:, None] == ours, theirs[:, None] == theirs)


@pytest.fixture(scope="module")
def sgd(digits):
    judge = SGDClassifier(max_iter=15, tol=None, random_state=0).fit(pixels(digits.images), digits.labels)
    return judge, LinearScores(True, judge.coef_, judge.intercept_, 10, logistic=False)


def test_weights_times_pixels_add_up_to_the_decision_value(sgd, digits):
    judge, model = sgd
    for image in digits.images[:5]:
        decision = judge.decision_function(pixels(image[None]))[0]
        for digit in range(10):
            values, bias, score = classical.linear_contributions(model, image, digit)
            assert bias == judge.intercept_[digit]
            assert score == pytest.approx(decision[digit])
            assert values.sum() + bias == pytest.approx(decision[digit], rel=1e-4, abs=1e-3)
            assert not values[image == 0].any()


def test_a_linear_slope_is_that_of_the_softmax(sgd, digits):
    _, model = sgd
    image = digits.images[8].astype(float) / 40  # so small that more than one digit has a share

    def logarithm(picture):
        scores = model.weights @ picture.ravel() / 255 + model.bias
        return scores[2] - np.log(np.exp(scores - scores.max()).sum()) - scores.max()

    found = classical.linear_slope(model, image, 2)
    for y, x in ((10, 10), (14, 17), (20, 12)):
        step = np.zeros((28, 28))
        step[y, x] = 1e-3
        assert (logarithm(image + step) - logarithm(image - step)) / 2e-3 == pytest.approx(found[y, x], rel=1e-3)


def test_a_digit_that_was_never_learned_is_refused(sgd, digits):
    judge, _ = sgd
    some = LinearScores(True, judge.coef_, judge.intercept_, 4, logistic=False)
    assert np.isfinite(classical.linear_slope(some, digits.images[0].astype(float), 3)).all()
    for ask in (
        lambda: classical.linear_contributions(some, digits.images[0], 4),
        lambda: classical.linear_slope(some, digits.images[0].astype(float), 9),
    ):
        with pytest.raises(ExplainError) as error:
            ask()
        assert_friendly(error, "stopped before")
