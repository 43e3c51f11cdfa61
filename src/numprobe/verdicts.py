"""Verdicts of paired comparisons: higher, lower, equivalent, or undecided, each from a named test.

A comparison is an estimated difference with its 95 % and 90 % intervals, the p-value of no difference, and a margin,
the largest difference that does not matter, with the reason. A difference is read from the 95 % interval, equivalence
from the 90 % interval, which is two one-sided tests at 5 % (Schuirmann 1987). Several comparisons of one claim are a
family, whose verdicts keep a false discovery rate.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, stdtr, stdtrit
from scipy.stats import false_discovery_control

#: Level of each test alone, and false discovery rate of a family.
LEVEL = 0.05
#: Share of samples in which a difference must be found for "an effect of this size would have been seen".
POWER = 0.8
# Smallest p-value that is told from 0.
_SMALLEST = 1e-12
_Z_95 = float(ndtri(0.975))

#: Level -> lower and upper bound of a difference.
Bounds = Callable[[float], tuple[float, float]]


class Verdict(StrEnum):
    """Outcome of a comparison."""

    HIGHER = "higher"
    LOWER = "lower"
    EQUIVALENT = "equivalent"
    #: A difference is shown, and it is shown to be smaller than the margin.
    HIGHER_WITHIN = "higher, but within the margin"
    LOWER_WITHIN = "lower, but within the margin"
    UNDECIDED = "undecided"


#: Verdicts that show a difference to be smaller than the margin.
WITHIN = frozenset({Verdict.EQUIVALENT, Verdict.HIGHER_WITHIN, Verdict.LOWER_WITHIN})


@dataclass(frozen=True)
class Margin:
    """The largest difference that does not matter, above 0, in the unit of the comparison, and the reason for it."""

    value: float
    reason: str

    def __post_init__(self) -> None:
        if not self.value > 0:
            raise ValueError(f"a margin must be above 0, not {self.value}")
        if not self.reason.strip():
            raise ValueError("a margin needs its reason")


@dataclass(frozen=True)
class Comparison:
    """An estimated difference and its tests.

    Attributes
    ----------
    estimate
        The difference; positive where the first of the two compared is higher.
    low, high
        Its 95 % interval.
    inner_low, inner_high
        Its 90 % interval.
    p_value
        Two-sided, of no difference.
    p_equivalence
        The larger one of two one-sided tests, of a difference of at least the margin in either direction.
    margin
        The difference that does not matter.
    """

    estimate: float
    low: float
    high: float
    inner_low: float
    inner_high: float
    p_value: float
    p_equivalence: float
    margin: Margin

    @property
    def visible(self) -> float:
        """Return the difference that this test, on its own, finds in four of five samples."""
        return (self.high - self.low) / 2 * (1 + float(ndtri(POWER)) / _Z_95)

    @property
    def beyond(self) -> bool:
        """Return whether the 95 % interval lies outside the margin: a difference that matters is shown."""
        return self.low > self.margin.value or self.high < -self.margin.value

    def exchanged(self) -> "Comparison":
        """Return the comparison of the second with the first."""
        tests = (self.p_value, self.p_equivalence, self.margin)
        return Comparison(-self.estimate, -self.high, -self.low, -self.inner_high, -self.inner_low, *tests)


def verdict(comparison: Comparison) -> Verdict:
    """Return the verdict of a comparison alone: every test at 5 %, without correction."""
    differs = comparison.low > 0 or comparison.high < 0
    margin = comparison.margin.value
    equivalent = -margin < comparison.inner_low and comparison.inner_high < margin
    return _named(comparison.estimate, differs, equivalent)


def family_verdicts(comparisons: Sequence[Comparison], rate: float = LEVEL) -> list[Verdict]:
    """Return the verdicts of all comparisons of a claim, among which a share of at most `rate` is expected to be false.

    Parameters
    ----------
    comparisons
        The family: all comparisons of the claim over models, layers and contexts, whatever they show.
    rate
        False discovery rate.

    Notes
    -----
    Three hypotheses of each comparison count: higher, lower (one-sided), and equivalent. Their p-values are adjusted
    together by the procedure of Benjamini and Yekutieli (2001), which holds under any dependence, such as that of the
    layers of a model.
    """
    if not comparisons:
        return []
    half = np.array([one.p_value / 2 for one in comparisons])
    positive = np.array([one.estimate > 0 for one in comparisons])
    higher, lower = np.where(positive, half, 1 - half), np.where(positive, 1 - half, half)
    equivalence = np.array([one.p_equivalence for one in comparisons])
    adjusted = false_discovery_control(np.concatenate([higher, lower, equivalence]), method="by")
    found = (adjusted <= rate).reshape(3, -1)
    return [
        _named(one.estimate, bool(differs), bool(equivalent))
        for one, differs, equivalent in zip(comparisons, found[0] | found[1], found[2], strict=True)
    ]


def _named(estimate: float, differs: bool, equivalent: bool) -> Verdict:
    if not differs:
        return Verdict.EQUIVALENT if equivalent else Verdict.UNDECIDED
    if estimate > 0:
        return Verdict.HIGHER_WITHIN if equivalent else Verdict.HIGHER
    return Verdict.LOWER_WITHIN if equivalent else Verdict.LOWER


def at_least(verdicts: Iterable[Verdict], wanted: Iterable[Verdict], count: int) -> bool:
    """Return whether at least `count` of `verdicts` are among the `wanted` ones.

    Notes
    -----
    With `count` = all of them, this is an intersection-union test (Berger 1982): it needs no correction, because it
    errs only if a test errs whose hypothesis is false, so pass it what `verdict` returned. With fewer, each verdict
    alone errs in 5 %; to bound the errors among all of them, pass it what `family_verdicts` returned.
    """
    accepted = set(wanted)
    return sum(one in accepted for one in verdicts) >= count


def by_level(estimate: float, bounds: Bounds, margin: Margin) -> Comparison:
    """Return the comparison of an estimate whose intervals can be had at every level.

    Parameters
    ----------
    estimate
        The difference.
    bounds
        Level (0 to 1) -> lower and upper bound; they widen with the level, and meet at the estimate where it is 0.
        An example is `lambda level: change_bounds(clusters, before, after, weights, level)`, a paired change.
    margin
        The difference that does not matter.

    Notes
    -----
    The p-values invert the intervals: a hypothetical difference is rejected at 1 - level where the interval excludes
    it. So they agree with the intervals.
    """
    return _tested(estimate, bounds, lambda value: _inverted(estimate, bounds, value), margin)


def by_bounds(estimate: float, low: float, high: float, margin: Margin, reference: float = 0.0) -> Comparison:
    """Return the comparison of a measured number with a reference, from its 95 % interval alone.

    Parameters
    ----------
    estimate, low, high
        A row of a table of measurements; the bounds hold the estimate.
    margin
        The difference that does not matter.
    reference
        A fixed number, such as a published one or chance.

    Notes
    -----
    The estimate is taken to be normal with a standard error of its own in each direction: the distance to that bound
    over 1.96. Near the ends of a range, where intervals are skewed, this follows the interval as it is.
    """
    value, below, above = estimate - reference, (estimate - low) / _Z_95, (high - estimate) / _Z_95

    def bounds(level: float) -> tuple[float, float]:
        z = float(ndtri((1 + level) / 2))
        return value - z * below, value + z * above

    def tail(hypothetical: float) -> float:
        distance = value - hypothetical
        error = below if distance > 0 else above
        return float(ndtr(-distance / error)) if error > 0 else _certain(distance)

    return _tested(value, bounds, tail, margin)


def by_rows(
    first: tuple[float, float, float], second: tuple[float, float, float], margin: Margin, reference: float = 0.0
) -> Comparison:
    """Return the comparison of two measured numbers, each given as (value, lower bound, upper bound) at 95 %.

    Parameters
    ----------
    first, second
        Rows of tables of measurements.
    margin
        The difference that does not matter.
    reference
        Difference with which that of the two is compared.

    Notes
    -----
    The interval of the difference is that of Zou and Donner (2008), which takes two independent estimates. Readings of
    the same numbers mostly err together; then the interval is too wide, and the test misses differences rather than
    finds wrong ones. Where outcomes of single rows are at hand, compare these (`by_level`).
    """
    (one, one_low, one_high), (other, other_low, other_high) = first, second
    difference = one - other
    below = float(np.hypot(one - one_low, other_high - other))
    above = float(np.hypot(one_high - one, other - other_low))
    return by_bounds(difference, difference - below, difference + above, margin, reference)


def untested(estimate: float, margin: Margin) -> Comparison:
    """Return the comparison of a difference without an interval, as of a single number: it decides nothing."""
    return Comparison(estimate, -np.inf, np.inf, -np.inf, np.inf, 1.0, 1.0, margin)


def by_differences(clusters: np.ndarray, differences: np.ndarray, margin: Margin) -> Comparison:
    """Return the comparison of two scores of the same rows, such as absolute errors, by a paired t-test over clusters.

    Parameters
    ----------
    clusters
        int [n]: the cluster (number, true result) of each row, at least two distinct ones.
    differences
        float [n]: first minus second score.
    margin
        The difference that does not matter.

    Notes
    -----
    The estimate is the mean over clusters of the mean within each. Differences of outcomes (right or wrong) near no
    change are not normal; for these take the score interval of a paired change (`by_level`).
    """
    place = np.unique(clusters, return_inverse=True)[1]
    means = np.bincount(place, differences) / np.bincount(place)
    count = len(means)
    estimate, error = float(means.mean()), float(means.std(ddof=1)) / np.sqrt(count)

    def bounds(level: float) -> tuple[float, float]:
        half = float(stdtrit(count - 1, (1 + level) / 2)) * error
        return estimate - half, estimate + half

    def tail(hypothetical: float) -> float:
        distance = estimate - hypothetical
        return float(stdtr(count - 1, -distance / error)) if error > 0 else _certain(distance)

    return _tested(estimate, bounds, tail, margin)


def _tested(estimate: float, bounds: Bounds, tail: Callable[[float], float], margin: Margin) -> Comparison:
    """Return a comparison from `tail`: true difference -> the probability of an estimate as high as this or higher."""
    (low, high), (inner_low, inner_high) = bounds(0.95), bounds(0.90)
    above = tail(0.0)
    p_value = min(1.0, 2 * min(above, 1 - above))
    p_equivalence = max(1 - tail(margin.value), tail(-margin.value))
    return Comparison(estimate, low, high, inner_low, inner_high, p_value, p_equivalence, margin)


def _certain(distance: float) -> float:
    """Return the probability of an estimate that cannot err."""
    return 0.5 if distance == 0 else float(distance < 0)


def _inverted(estimate: float, bounds: Bounds, value: float) -> float:
    """Return the probability of an estimate as high as this under a true difference of `value`, from the intervals."""
    if estimate == value:
        return 0.5
    side = 0 if estimate > value else 1

    def excess(log_p: float) -> float:
        """Return the distance of `value` outside the interval, whose two tails together have this probability."""
        bound = bounds(-np.expm1(log_p))[side]
        return bound - value if side == 0 else value - bound

    smallest, largest = float(np.log(_SMALLEST)), float(np.log1p(-_SMALLEST))
    if excess(smallest) >= 0:
        tail = _SMALLEST / 2
    elif excess(largest) <= 0:
        tail = 0.5
    else:
        tail = float(np.exp(brentq(excess, smallest, largest, xtol=1e-9))) / 2
    return tail if side == 0 else 1 - tail
