"""Verdicts: known answers, the properties that make them fair, and their errors on simulated data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import norm, ttest_1samp

from numprobe.verdicts import (
    Comparison,
    Margin,
    Verdict,
    at_least,
    by_bounds,
    by_differences,
    by_level,
    by_rows,
    family_verdicts,
    verdict,
)

TWO_POINTS = Margin(0.02, "two numbers of a hundred")
SIZES = st.floats(0.001, 0.5)


def compared(estimate: float, error: float, margin: float = 0.02) -> Comparison:
    """A normal estimate with this standard error."""
    half = float(ndtri(0.975)) * error
    return by_bounds(estimate, estimate - half, estimate + half, Margin(margin, "a test"))


@pytest.mark.parametrize(
    ("estimate", "error", "expected"),
    [
        (0.10, 0.01, Verdict.HIGHER),
        (-0.10, 0.01, Verdict.LOWER),
        (0.001, 0.002, Verdict.EQUIVALENT),
        (0.010, 0.002, Verdict.HIGHER_WITHIN),
        (-0.010, 0.002, Verdict.LOWER_WITHIN),
        (0.010, 0.020, Verdict.UNDECIDED),
        # Significant, and not shown to be small: 90 % interval .002 to .022.
        (0.012, 0.006, Verdict.HIGHER),
    ],
)
def test_known_verdicts(estimate: float, error: float, expected: Verdict) -> None:
    assert verdict(compared(estimate, error)) == expected


def test_p_values_are_those_of_the_textbook() -> None:
    """Of a normal estimate, and of a t-test over clusters."""
    one = compared(0.03, 0.012, margin=0.05)
    assert one.p_value == pytest.approx(2 * norm.sf(0.03 / 0.012), rel=1e-6)
    assert one.p_equivalence == pytest.approx(norm.sf(0.02 / 0.012), rel=1e-6)
    draws = np.random.default_rng(3).normal(0.2, 1, 40)
    rows = by_differences(np.arange(40), draws, TWO_POINTS)
    assert rows.p_value == pytest.approx(ttest_1samp(draws, 0).pvalue, rel=1e-6)
    assert (rows.low, rows.high) == pytest.approx(ttest_1samp(draws, 0).confidence_interval(0.95))


@pytest.mark.parametrize(("estimate", "error"), [(0.03, 0.012), (-0.03, 0.012), (0.0, 0.01), (0.5, 0.01)])
def test_inverting_intervals_gives_the_p_values_of_the_test_behind_them(estimate: float, error: float) -> None:
    known = compared(estimate, error)
    found = by_level(estimate, lambda level: tuple(norm.interval(level, estimate, error)), known.margin)
    assert (found.low, found.inner_high) == pytest.approx((known.low, known.inner_high))
    assert found.p_value == pytest.approx(known.p_value, rel=1e-6, abs=1e-11)
    assert found.p_equivalence == pytest.approx(known.p_equivalence, rel=1e-6, abs=1e-11)


def test_rows_of_one_cluster_are_one_observation() -> None:
    draws = np.random.default_rng(5).normal(0.2, 1, 30)
    once = by_differences(np.arange(30), draws, TWO_POINTS)
    thrice = by_differences(np.repeat(np.arange(30), 3), np.repeat(draws, 3), TWO_POINTS)
    assert thrice.p_value == pytest.approx(once.p_value)


def test_two_rows_of_a_table_differ_by_the_root_of_their_squared_arms() -> None:
    one = by_rows((0.90, 0.86, 0.93), (0.80, 0.77, 0.83), TWO_POINTS)
    assert one.estimate == pytest.approx(0.10)
    assert (one.low, one.high) == pytest.approx((0.10 - 0.05, 0.10 + np.hypot(0.03, 0.03)))
    against = by_bounds(0.90, 0.86, 0.93, TWO_POINTS, reference=0.95)
    assert (against.low, against.high) == pytest.approx((-0.09, -0.02))
    assert verdict(against) == Verdict.LOWER
    # An exact reading equals its own value.
    assert by_bounds(1.0, 0.996, 1.0, TWO_POINTS, reference=1.0).p_value == 1


def test_an_undecided_comparison_names_what_it_could_have_seen() -> None:
    """A true difference of that size is found in four of five samples."""
    error = 0.02
    size = compared(0.0, error).visible
    draws = np.random.default_rng(7).normal(size, error, 2000)
    found = np.mean([abs(draw) > norm.ppf(0.975) * error for draw in draws])
    assert found == pytest.approx(0.8, abs=0.02)


def test_a_margin_has_a_reason_and_a_size() -> None:
    with pytest.raises(ValueError, match="reason"):
        Margin(0.1, " ")
    with pytest.raises(ValueError, match="above 0"):
        Margin(0.0, "none")


EXCHANGED = {
    Verdict.HIGHER: Verdict.LOWER,
    Verdict.HIGHER_WITHIN: Verdict.LOWER_WITHIN,
    Verdict.LOWER: Verdict.HIGHER,
    Verdict.LOWER_WITHIN: Verdict.HIGHER_WITHIN,
}


@given(st.lists(st.tuples(st.floats(-0.5, 0.5), SIZES), min_size=1, max_size=6), SIZES)
def test_exchanging_the_two_exchanges_the_verdict(cases: list[tuple[float, float]], margin: float) -> None:
    family = [compared(estimate, error, margin) for estimate, error in cases]
    others = [one.exchanged() for one in family]
    for one, other in zip(
        [*family_verdicts(family), *map(verdict, family)],
        [*family_verdicts(others), *map(verdict, others)],
        strict=True,
    ):
        assert other == EXCHANGED.get(one, one)


@given(st.floats(-0.5, 0.5), SIZES, SIZES, st.floats(1, 10))
def test_a_wider_margin_never_undoes_equivalence(estimate: float, error: float, margin: float, factor: float) -> None:
    """Nor makes a decided comparison undecided, alone or as a family."""
    narrow, wide = compared(estimate, error, margin), compared(estimate, error, margin * factor)
    for judge in (verdict, lambda one: family_verdicts([one])[0]):
        assert judge(wide) != Verdict.UNDECIDED or judge(narrow) == Verdict.UNDECIDED


@given(st.floats(-0.5, 0.5), SIZES, SIZES)
def test_a_family_of_one_decides_no_more_than_the_comparison_alone(
    estimate: float, error: float, margin: float
) -> None:
    one = compared(estimate, error, margin)
    if verdict(one) == Verdict.UNDECIDED:
        assert family_verdicts([one]) == [Verdict.UNDECIDED]


def test_all_of_several_needs_every_one() -> None:
    verdicts = [Verdict.HIGHER, Verdict.HIGHER, Verdict.UNDECIDED]
    assert at_least(verdicts, {Verdict.HIGHER}, 2)
    assert not at_least(verdicts, {Verdict.HIGHER}, 3)
    assert family_verdicts([]) == []


def test_errors_of_single_tests_and_of_families_stay_below_their_rate() -> None:
    """Without a difference at most 5 % are called one; at the margin at most 5 % are called equivalent.

    In families of 20 dependent comparisons, of which none differs, at most 5 % contain a false verdict.
    """
    random = np.random.default_rng(11)
    sets, error = 1000, 0.01
    none = [verdict(compared(draw, error)) for draw in random.normal(0, error, sets)]
    assert 0.03 < np.mean([one not in (Verdict.UNDECIDED, Verdict.EQUIVALENT) for one in none]) < 0.07
    edge = [verdict(compared(draw, 0.005)) for draw in random.normal(0.02, 0.005, sets)]
    within = {Verdict.EQUIVALENT, Verdict.HIGHER_WITHIN, Verdict.LOWER_WITHIN}
    assert np.mean([one in within for one in edge]) < 0.07
    wrong = 0
    for _ in range(100):
        shared, own = random.normal(0, 1), random.normal(0, 1, 20)
        layers = [compared(error * (0.8 * shared + 0.6 * one), error) for one in own]
        wrong += any(one not in (Verdict.UNDECIDED, Verdict.EQUIVALENT) for one in family_verdicts(layers))
    assert wrong / 100 <= 0.05
