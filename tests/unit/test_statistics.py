"""Statistics against SciPy's own, and against worked examples of the literature."""

import math
import re
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mnist_core.explore.seeds import band, fate, noise, pieces, spread, without_number
from mnist_core.explore.statistics import holm, mcnemar, welch, welch_of_pairs, wilson
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


twentieths = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=2, max_size=6)


@given(st.lists(twentieths, min_size=2, max_size=5))
def test_welch_of_all_pairs_is_that_of_each(groups):
    ps = [welch(*pair).p for pair in combinations(groups, 2)]
    assert welch_of_pairs(groups) == pytest.approx(ps, rel=1e-6, abs=1e-12, nan_ok=True)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12), st.integers(1, 999))
def test_holm_rejects_what_his_procedure_does(thousandths, level):
    """Step by step, in fractions: the smallest p at level / m, the next at level / (m - 1), until one is too large."""
    ps, level = [Fraction(p, 1000) for p in thousandths], Fraction(level, 1000) + Fraction(1, 10_007)
    rejected = set()
    for place, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        if ps[index] > level / (len(ps) - place):
            break
        rejected.add(index)
    assert {i for i, p in enumerate(holm([float(p) for p in ps])) if p <= float(level)} == rejected


def test_holm_by_an_example_and_of_none():
    """Worked by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04, which may not be below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_seed_noise_counts_all_pairs():
    """The best two of many equals differ by luck more often than any two do."""
    two = {"a": [0.960, 0.962, 0.961], "b": [0.957, 0.959, 0.958]}
    assert "b by 0.30 points, which is more than the noise" in noise(two)
    assert "Holm" not in noise(two)
    many = two | {name: [0.950 + i / 1000, 0.953, 0.956] for i, name in enumerate("cde")}
    said = noise(many)
    assert "call it a tie" in said
    assert "with Holm's correction for 10 pairs" in said
    same = {name: [0.9, 0.9] for name in "fg"}
    assert "for 20 pairs" in noise(many | same), "two without any spread have no p, but each has one with the others"
    assert "10 pairs" in noise(many | {"one seed": [0.1]})


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), min_size=3, max_size=6))
def test_the_p_of_the_two_best_is_that_of_holm_among_all_pairs(groups):
    groups = sorted(groups, key=np.mean)
    best, second = groups[-1], groups[-2]
    tests = [
        (pair, p)
        for pair in combinations([i for i, values in enumerate(groups) if len(values) > 1], 2)
        if not math.isnan(p := welch(groups[pair[0]], groups[pair[1]]).p)
    ]
    place = [i for i, (pair, _) in enumerate(tests) if pair == (len(groups) - 2, len(groups) - 1)]
    said = noise({str(i): values for i, values in enumerate(groups)})
    unlike = np.mean(best) > np.mean(second) > np.mean(groups[-3])  # else which two are the best is by their order
    if place and unlike:
        p = holm([p for _, p in tests])[place[0]]
        assert float(re.search(r"p = (\d[\d.e-]*\d|\d)", said)[1]) == pytest.approx(p, rel=0.06)  # two digits are told
        assert f"for {len(tests)} pairs" in said or len(tests) == 1


def test_spread_and_band():
    assert spread([0.9, 0.8, 1.0]) == (3, pytest.approx(0.9), pytest.approx(0.1), 0.8, 1.0)
    assert spread([0.5]).deviation is None
    with pytest.raises(ValueError, match="no values"):
        spread([])
    rows = [[{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}], [{"epoch": 1, "loss": 4.0}], [{"epoch": 1}]]
    found = {"epoch": [1, 2], "runs": [2, 1], "mean": [3.0, 1.0], "low": [2.0, 1.0], "high": [4.0, 1.0]}
    assert band(rows, "loss") == found
    assert pieces(found) == [{key: [column[place]] for key, column in found.items()} for place in (0, 1)]
    assert pieces(band([], "loss")) == []


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
