"""The numbers agree with scikit-learn, and with plain loops written from the definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics

from mnist_core import evaluation

DIGITS = range(10)


@st.composite
def answers(draw):
    """Labels (N,) and probabilities (N, 10) of 1 to 60 images, from useless to nearly certain."""
    count = draw(st.integers(1, 60))
    labels = draw(hnp.arrays(np.uint8, count, elements=st.integers(0, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.normal(scale=draw(st.sampled_from([0.1, 1.0, 5.0])), size=(count, 10))
    scores[np.arange(count), labels] += draw(st.sampled_from([0.0, 2.0]))
    odds = np.exp(scores)
    return labels, (odds / odds.sum(axis=1, keepdims=True)).astype(draw(st.sampled_from(["f4", "f8"])))


def one_hot(predicted, confidence=1.0):
    """Probabilities (N, 10) that name ``predicted`` with ``confidence`` and share out the rest."""
    rows = np.repeat((1 - np.broadcast_to(confidence, len(predicted)))[:, None] / 9, 10, axis=1)
    rows[np.arange(len(predicted)), predicted] = confidence
    return rows


@given(answers())
def test_accuracy_and_loss_are_scikit_learns(both):
    labels, probabilities = both
    predicted = evaluation.predictions(probabilities)
    assert predicted.dtype.kind == "i"
    assert evaluation.accuracy(labels, probabilities) == metrics.accuracy_score(labels, predicted)
    # scikit-learn warns when rows sum to 1 within the rounding of float32 only.
    rows = np.clip(probabilities.astype("f8"), 1e-7, 1)
    expected = metrics.log_loss(labels, rows / rows.sum(axis=1, keepdims=True), labels=DIGITS)
    assert evaluation.cross_entropy(labels, probabilities) == pytest.approx(expected, abs=1e-5)


@given(answers())
def test_confusion_and_report_are_scikit_learns(both):
    labels, probabilities = both
    predicted = evaluation.predictions(probabilities)
    matrix = evaluation.confusion_matrix(labels, predicted)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(labels, predicted, labels=DIGITS))

    report = evaluation.classification_report(matrix)
    options = {"labels": DIGITS, "zero_division": 0}
    expected = metrics.precision_recall_fscore_support(labels, predicted, **options)
    for ours, theirs in zip(
        (report.precision, report.recall, report.f1, report.support), expected, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for average in ("macro", "weighted"):
        theirs = metrics.precision_recall_fscore_support(labels, predicted, average=average, **options)[:3]
        assert getattr(report, average) == pytest.approx(theirs)
    assert report.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))


def test_report_rows_make_a_table():
    labels = np.array([0, 0, 1, 2])
    rows = evaluation.classification_report(
        evaluation.confusion_matrix(labels, np.array([0, 1, 1, 2]))
    ).rows()
    assert [row["class"] for row in rows] == [*map(str, DIGITS), "macro average", "weighted average"]
    assert rows[0] == {
        "class": "0",
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "support": 2,
    }
    assert rows[-1] == {
        "class": "weighted average",
        "precision": pytest.approx(0.875),
        "recall": pytest.approx(0.75),
        "f1": pytest.approx(0.75),
        "support": 4,
    }
    assert rows[-2]["precision"] == pytest.approx(0.25)
    assert all(type(row["support"]) is int and type(row["f1"]) is float for row in rows)


def test_a_class_never_predicted_and_a_class_without_images_score_zero():
    report = evaluation.classification_report(evaluation.confusion_matrix(np.array([3, 3]), np.array([3, 5])))
    assert (report.precision[3], report.recall[3]) == (1.0, 0.5)
    assert (report.precision[5], report.recall[5], report.f1[5], report.support[5]) == (0.0, 0.0, 0.0, 0)
    assert (report.precision[9], report.recall[9], report.f1[9]) == (0.0, 0.0, 0.0)


def test_no_images_make_an_empty_matrix_and_a_report_of_zeros():
    none = np.array([], dtype=int)
    matrix = evaluation.confusion_matrix(none, none)
    assert matrix.shape == (10, 10) and not matrix.any()
    assert evaluation.classification_report(matrix).accuracy == 0.0


def test_other_numbers_of_classes():
    matrix = evaluation.confusion_matrix(np.array([0, 1]), np.array([1, 1]), classes=2)
    assert matrix.tolist() == [[0, 1], [0, 1]]


def test_a_certain_mistake_costs_what_keras_makes_it_cost():
    assert evaluation.cross_entropy(np.array([3]), one_hot([4])) == pytest.approx(-math.log(1e-7))
    assert evaluation.cross_entropy(np.array([3]), one_hot([3])) == pytest.approx(1e-7)


def test_the_lower_digit_wins_a_tie():
    assert evaluation.predictions(np.full((1, 10), 0.1)).tolist() == [0]


def test_mistakes_come_most_confident_first_and_ties_in_order():
    labels = np.array([0, 1, 2, 3, 4])
    probabilities = one_hot([0, 7, 7, 7, 7], [0.99, 0.5, 0.9, 0.5, 0.7])
    assert evaluation.mistakes(labels, probabilities).tolist() == [2, 4, 1, 3]
    assert evaluation.mistakes(labels, probabilities, np.array([7, 7, 2, 3, 7])).tolist() == [0, 4, 1]


@given(answers())
def test_mistakes_and_cells_share_out_the_images(both):
    labels, probabilities = both
    predicted = evaluation.predictions(probabilities)
    wrong = evaluation.mistakes(labels, probabilities)
    assert sorted(wrong.tolist()) == [i for i in range(len(labels)) if predicted[i] != labels[i]]
    assert (np.diff(probabilities[wrong].max(axis=1)) <= 0).all()

    matrix = evaluation.confusion_matrix(labels, predicted)
    found = []
    for true in DIGITS:
        for guess in DIGITS:
            indices = evaluation.cell(labels, predicted, true, guess)
            assert len(indices) == matrix[true, guess]
            assert set(labels[indices]) <= {true} and set(predicted[indices]) <= {guess}
            found += indices.tolist()
    assert sorted(found) == list(range(len(labels)))


@given(answers(), st.integers(1, 20))
def test_reliability_is_the_loop_of_its_definition(both, bins):
    labels, probabilities = both
    result = evaluation.reliability(labels, probabilities, bins)
    sure, right = probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == labels
    ece = 0.0
    for b in range(bins):
        low, high = result.edges[b], result.edges[b + 1]
        assert high == pytest.approx((b + 1) / bins)
        inside = [i for i in range(len(labels)) if low < sure[i] <= high or (b == bins - 1 and sure[i] > 1)]
        assert result.count[b] == len(inside)
        if not inside:
            assert math.isnan(result.confidence[b]) and math.isnan(result.accuracy[b])
            continue
        mean_confidence = sum(sure[i] for i in inside) / len(inside)
        mean_accuracy = sum(right[i] for i in inside) / len(inside)
        assert result.confidence[b] == pytest.approx(mean_confidence)
        assert result.accuracy[b] == pytest.approx(mean_accuracy)
        ece += len(inside) / len(labels) * abs(mean_accuracy - mean_confidence)
    assert result.count.sum() == len(labels)
    assert result.ece == pytest.approx(ece)


def test_calibration_error_of_known_models():
    labels = np.arange(10)
    half_right = np.where(labels < 5, labels, (labels + 1) % 10)
    assert evaluation.reliability(labels, one_hot(half_right, 0.5)).ece == pytest.approx(0.0)
    assert evaluation.reliability(labels, one_hot(half_right, 1.0)).ece == pytest.approx(0.5)


def test_one_image():
    labels, probabilities = np.array([7]), one_hot([7], 0.8)
    assert evaluation.accuracy(labels, probabilities) == 1.0
    assert evaluation.cross_entropy(labels, probabilities) == pytest.approx(-math.log(0.8))
    assert evaluation.mistakes(labels, probabilities).tolist() == []
    result = evaluation.reliability(labels, probabilities)
    assert result.count.tolist() == [0] * 11 + [1] + [0] * 3
    assert result.ece == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("labels", "probabilities", "told"),
    [
        ([1, 2], one_hot([1]), "2 labels and 1 rows"),
        ([1], np.ones((1, 9)), r"\(1, 9\)"),
        ([1], np.ones(10), r"\(10,\)"),
        ([], np.ones((0, 10)), r"\(0, 10\)"),
        ([[1]], one_hot([1]), r"shape \(1, 1\)"),
        ([1.0], one_hot([1]), "float64"),
        ([10], one_hot([1]), "0 to 9"),
        ([-1], one_hot([1]), "from -1"),
        ([1], np.full((1, 10), np.nan), "nan"),
    ],
)
@pytest.mark.parametrize("measure", ["accuracy", "cross_entropy", "mistakes", "reliability"])
def test_wrong_arrays_are_told(measure, labels, probabilities, told):
    labels = np.array(labels, dtype=None if labels else int)
    with pytest.raises(ValueError, match=told):
        getattr(evaluation, measure)(labels, probabilities)


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match="2 labels and 1 predicted"):
        evaluation.confusion_matrix(np.array([1, 2]), np.array([1]))
    with pytest.raises(ValueError, match="2 labels and 1 predicted"):
        evaluation.cell(np.array([1, 2]), np.array([1]), 1, 1)
    with pytest.raises(ValueError, match="square"):
        evaluation.classification_report(np.ones((2, 3)))
    with pytest.raises(ValueError, match="bins is 0"):
        evaluation.reliability(np.array([1]), one_hot([1]), bins=0)
