"""Statistics against SciPy's own, and against worked examples of the literature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mnist_core.explore.seeds import band, fate, noise, spread, without_number
from mnist_core.explore.statistics import mcnemar, welch, wilson
from tests.helpers import assert_friendly


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_is_scipys(counts, confidence):
    expected = stats.binomtest(*counts).proportion_ci(confidence, method="wilson")
    assert wilson(*counts, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("counts", [(1, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_share(counts):
    with pytest.raises(ValueError, match="images"):
        wilson(*counts)


@given(st.integers(0, 3_000), st.integers(0, 3_000))
def test_mcnemar_is_the_binomial_test(first, second):
    test = mcnemar(first, second)
    if not first + second:
        assert test.p == test.p_corrected == 1.0
        return
    assert test.p == pytest.approx(stats.binomtest(first, first + second).pvalue, rel=1e-6, abs=1e-12)
    statistic = max(0, abs(first - second) - 1) ** 2 / (first + second)
    assert test.p_corrected == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-9, abs=1e-300)


def test_mcnemar_by_the_documented_example_of_statsmodels():
    """Agresti's approval ratings (statsmodels' contingency_tables): 150 against 86 changed their mind."""
    test = mcnemar(86, 150)
    assert test.chi_squared == pytest.approx(63**2 / 236)
    assert test.p == pytest.approx(3.716e-05, rel=1e-3)


numbers = st.lists(st.floats(0, 1), min_size=2, max_size=12)


@given(numbers, numbers)
def test_welch_is_scipys(first, second):
    if min(np.std(first), np.std(second)) < 1e-4:  # SciPy warns of lost digits where all are nearly alike
        return
    expected = stats.ttest_ind(second, first, equal_var=False)
    interval = expected.confidence_interval(0.95)
    ours = welch(first, second)
    assert ours.difference == pytest.approx(np.mean(second) - np.mean(first))
    assert ours.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


def test_welch_without_spread_and_with_too_few():
    for value in (0.5, 0.7, 0.1):  # the mean of three times 0.1 is not 0.1 to the last bit
        test = welch([0.5, 0.5], [value] * 3)
        assert test.difference == pytest.approx(value - 0.5)
        assert np.isnan([test.low, test.high, test.p]).all()
    assert 0 < welch([0.5, 0.5], [0.7, 0.71]).p < 0.05
    with pytest.raises(ValueError, match="two runs"):
        welch([0.5], [0.7, 0.8])


RAN_AWAY = "The loss became infinite or not a number at step 7 with a learning rate of 10."


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ([("finished", "")] * 3, []),
        ([("finished", ""), ("stopped", ""), ("running", "")], []),
        ([("failed", RAN_AWAY), ("finished", ""), ("failed", RAN_AWAY)], ["2 of 3 seeds diverged", "look better"]),
        ([("failed", RAN_AWAY), ("complete", ""), ("pruned", "Given up after epoch 1.")],
         ["1 of 3 seeds diverged, 1 of 3 seeds ended early, by the pruner", "look better"]),
        ([("failed", "Its run was deleted."), ("complete", "")], ["1 of 2 seeds failed", "those of the others alone."]),
        ([("failed", RAN_AWAY)] * 2, ["2 of 2 seeds diverged", "no mean"]),
    ],
)  # fmt: skip
def test_seeds_that_came_to_no_number_are_counted(ends, told):
    fates = {seed: fate(*end) for seed, end in enumerate(ends)}
    sentences = without_number({"rate 10": fates})
    assert len(sentences) == bool(told)
    for sentence in sentences:
        assert_friendly(sentence, "rate 10", *told)


def test_spread_and_band():
    assert spread([0.9, 0.8, 1.0]) == (3, pytest.approx(0.9), pytest.approx(0.1), 0.8, 1.0)
    assert spread([0.5]).deviation == 0.0
    with pytest.raises(ValueError, match="no values"):
        spread([])
    rows = [[{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}], [{"epoch": 1, "loss": 4.0}], [{"epoch": 1}]]
    assert band(rows, "loss") == {"epoch": [1, 2], "mean": [3.0, 1.0], "low": [2.0, 1.0], "high": [4.0, 1.0]}


def test_seed_noise_is_said_plainly():
    sure = noise({"Adam": [0.970, 0.971, 0.969], "SGD": [0.90, 0.91, 0.905]})
    assert sure.startswith("Adam is better than SGD by 6.50 points")
    assert "more than the noise" in sure
    tie = noise({"Adam": [0.970, 0.960, 0.965], "SGD": [0.968, 0.961, 0.964]})
    assert "call it a tie" in tie
    assert "Repeat over three seeds" in noise({"a": [0.9], "b": [0.8]})
    assert "one seed each" in noise({"a": [0.9], "b": [0.8]})
    assert "but one seed of b cannot tell" in noise({"a": [0.9, 0.91, 0.92], "b": [0.8]})
    assert "but one seed of a cannot tell" in noise({"a": [0.9], "b": [0.8, 0.81, 0.82]})
    agreed = noise({"Adam": [0.98] * 3, "SGD": [0.97] * 3})
    assert "cannot tell" in agreed
    assert "1.00 points" in agreed
    assert "more than the noise" not in agreed
    assert "takes two" in noise({"a": [0.9]})
    assert noise({"a": [0.30, 0.31], "b": [0.10, 0.11]}, higher_is_better=False).startswith("b is better than a")
