"""How sure a comparison is: intervals and tests that tell a difference from chance.

Each is a few lines on SciPy's distributions; tests hold them to SciPy's own and to worked examples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
SIGNIFICANT = 0.05
"""The usual line below which a difference counts as more than chance."""


class Interval(NamedTuple):
    low: float
    high: float


class McNemar(NamedTuple):
    """Two runs on the same images: how many only the one and only the other read rightly, and the tests' p."""

    only_first: int
    only_second: int
    p: float
    """Exact: the chance of so uneven a split if both were equally good (two-sided binomial test)."""
    chi_squared: float
    p_corrected: float
    """From chi squared with the continuity correction; close to ``p`` where many images are split."""


class Welch(NamedTuple):
    """Difference of two means (second less first), its interval, and the p of Welch's test.

    Interval and p are ``nan`` where neither group has any spread.
    """

    difference: float
    low: float
    high: float
    p: float


def wilson(right: int, images: int, confidence: float = CONFIDENCE) -> Interval:
    """The Wilson score interval of a share ``right / images``, both 0..1.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22.
    Unlike the plain normal interval it stays within 0..1 and holds near 100 %, where digit readers are.

    Raises:
        ValueError: no images, or more right than there are.
    """
    from scipy.special import ndtri

    if not 0 <= right <= images or not images:
        raise ValueError(f"{right} right of {images} images; images is 1 or more, right from 0 to images.")
    z = float(ndtri(0.5 + confidence / 2))
    share, shrink = right / images, 1 + z * z / images
    middle = (share + z * z / (2 * images)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / images + z * z / (4 * images * images))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def mcnemar(only_first: int, only_second: int) -> McNemar:
    """McNemar's test for two classifiers on the same images; images that both get right or wrong say nothing.

    McNemar 1947, Psychometrika 12; the correction is Edwards 1948, Psychometrika 13. Dietterich 1998, Neural
    Computation 10, recommends it for two networks that were each trained once.
    """
    from scipy.special import bdtr, chdtrc

    split = only_first + only_second
    if not split:
        return McNemar(0, 0, 1.0, 0.0, 1.0)
    exact = min(1.0, 2 * float(bdtr(min(only_first, only_second), split, 0.5)))
    statistic = max(0, abs(only_first - only_second) - 1) ** 2 / split
    return McNemar(only_first, only_second, exact, statistic, float(chdtrc(1, statistic)))


def welch(first: Sequence[float], second: Sequence[float], confidence: float = CONFIDENCE) -> Welch:
    """Welch's t-test: whether two groups of runs differ by more than their seeds make them differ.

    Welch 1947, Biometrika 34; the groups may differ in size and spread. Runs that agree exactly say nothing about
    what seeds make of them, as when few images are held out, so two such groups have no p.

    Raises:
        ValueError: a group of fewer than two runs, which has no spread.
    """
    from scipy.special import stdtr, stdtrit

    first, second = np.asarray(first, float), np.asarray(second, float)
    if min(len(first), len(second)) < 2:
        raise ValueError("each group needs two runs or more, since one alone has no spread.")
    difference = float(second.mean() - first.mean())
    if not np.ptp(first) and not np.ptp(second):  # their variances are 0 but for rounding
        return Welch(difference, math.nan, math.nan, math.nan)
    parts = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    error = math.sqrt(sum(parts))
    freedom = _degrees_of_freedom(*parts, len(first) - 1, len(second) - 1)
    half = float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(difference) / error))
    return Welch(difference, difference - half, difference + half, p)


def welch_of_pairs(groups: Sequence[Sequence[float]]) -> np.ndarray:
    """The p of ``welch`` for every two of the groups, ``(pairs,)`` in the order of ``itertools.combinations``."""
    from scipy.special import stdtr

    freedoms = np.array([len(values) - 1 for values in groups])
    means = np.array([np.mean(values) for values in groups])
    parts = np.array([np.var(values, ddof=1) / len(values) if np.ptp(values) else 0.0 for values in groups])
    one, other = np.triu_indices(len(groups), 1)
    sums = np.where((both := parts[one] + parts[other]) > 0, both, np.nan)
    freedom = _degrees_of_freedom(parts[one], parts[other], freedoms[one], freedoms[other])
    return 2 * stdtr(freedom, -abs(means[one] - means[other]) / np.sqrt(sums))


def _degrees_of_freedom(one, other, freedom_of_one, freedom_of_other):
    """Of the sum of two estimated variances of means, of which each has its own; numbers or arrays of one shape.

    Welch-Satterthwaite: Satterthwaite 1946, "An approximate distribution of estimates of variance components",
    Biometrics Bulletin 2. Not a number where both variances are 0.
    """
    with np.errstate(invalid="ignore"):
        return (one + other) ** 2 / (one**2 / freedom_of_one + other**2 / freedom_of_other)


def holm(ps: Sequence[float]) -> list[float]:
    """The p of several tests, in their order, each so much larger that chance seldom makes any of them significant.

    Of twenty tests among equals one is below 0.05 by chance. With these, none is in 95 of 100 such families.
    Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6: the smallest p counts
    as often as there are tests, the next once less, and none becomes smaller than one before it.
    """
    order, adjusted = np.argsort(ps), np.empty(len(ps))
    adjusted[order] = np.maximum.accumulate(np.arange(len(ps), 0, -1) * np.asarray(ps, float)[order]).clip(max=1.0)
    return adjusted.tolist()
