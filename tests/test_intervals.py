"""Scores and intervals: known answers, identities, coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import r2_score

from numprobe.intervals import (
    BOOTSTRAP,
    WILSON,
    accuracy_interval,
    accuracy_intervals,
    mean_interval,
    prompt_accuracy_interval,
    r2_interval,
    resampling_weights,
    wilson,
)

ROWS = st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=1, max_size=60)


def columns(rows):
    values, scores = zip(*rows, strict=True)
    return np.array(values), np.array(scores)


def test_wilson_of_no_success_has_a_closed_form():
    z = 1.959963984540054
    assert wilson(0, 1000) == pytest.approx((0, z**2 / (1000 + z**2)))
    assert wilson(1000, 1000) == pytest.approx((1000 / (1000 + z**2), 1))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(case):
    expected = binomtest(*case).proportion_ci(method="wilson")
    assert wilson(*case) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_accuracy_weighs_values_and_not_rows():
    values = np.array([1, 1, 1, 1, 2])
    correct = np.array([True, True, True, False, False])
    by_value = accuracy_interval(values, correct, 100, 0)
    by_row = prompt_accuracy_interval(values, correct, 100, 0)
    assert (by_value.value, by_row.value) == (0.375, 0.6)
    assert (by_value.n_values, by_value.n_prompts, by_value.resampled) == (2, 5, BOOTSTRAP)


def test_wilson_over_values_where_all_rows_of_a_value_agree():
    values, correct = np.repeat(np.arange(55), 3), np.repeat(np.arange(55) > 0, 3)
    found = accuracy_interval(values, correct, 100, 0)
    assert found.resampled == WILSON
    assert (found.low, found.high) == pytest.approx(wilson(54, 55))


@pytest.mark.parametrize("score", [accuracy_interval, prompt_accuracy_interval])
@pytest.mark.parametrize("right", [0.0, 1.0])
def test_intervals_do_not_collapse_at_zero_and_one(score, right):
    values = np.array([1, 1, 2, 3, 3, 3])
    found = score(values, np.full(6, right), 100, 0)
    assert found.value == right
    assert found.high - found.low > 0.5


def test_mean_interval_of_known_errors():
    found = mean_interval(np.array([5, 5, 9]), np.array([0.0, 2.0, 3.0]), 500, 0)
    assert found.value == 2.0
    assert (found.low, found.high) == (1.0, 3.0)


def test_r2_known_answers():
    values = np.arange(100)
    assert r2_interval(values, values, 50, 0).value == 1.0
    assert r2_interval(np.arange(101), np.full(101, 50), 50, 0).value == pytest.approx(0.0)
    assert r2_interval(values, values[::-1], 50, 0).value == pytest.approx(-3.0)


def test_r2_agrees_with_scikit_learn_where_each_value_has_one_row():
    random = np.random.default_rng(0)
    values = random.permutation(300)
    decoded = values + random.integers(-100, 100, 300)
    found = r2_interval(values, decoded, 200, 0)
    assert found.value == pytest.approx(r2_score(values, decoded))
    assert found.low < found.value < found.high


def test_r2_of_one_value_is_not_defined():
    found = r2_interval(np.array([7, 7]), np.array([7, 8]), 50, 0)
    assert (found.value, found.low, found.high, found.resampled) == (None, None, None, None)


def test_one_value_has_nothing_to_resample():
    found = mean_interval(np.array([7, 7]), np.array([1.0, 2.0]), 50, 0)
    assert (found.value, found.low, found.high, found.resampled) == (1.5, None, None, None)


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="no rows"):
        accuracy_interval(np.array([], dtype=int), np.array([], dtype=bool), 10, 0)


@given(ROWS)
def test_estimates_lie_within_their_intervals(rows):
    values, correct = columns(rows)
    for score in (accuracy_interval, prompt_accuracy_interval):
        found = score(values, correct, 50, 0)
        assert found.low is None or 0 <= found.low <= found.value <= found.high <= 1


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    mixed = random.sample(rows, len(rows))
    assert accuracy_interval(*columns(rows), 50, 0) == accuracy_interval(*columns(mixed), 50, 0)


@given(ROWS)
def test_repeating_every_row_changes_nothing_but_the_number_of_prompts(rows):
    once, twice = (accuracy_interval(*columns(part), 50, 0) for part in (rows, rows * 2))
    assert (once.value, once.low, once.high) == pytest.approx((twice.value, twice.low, twice.high))
    assert twice.n_prompts == 2 * once.n_prompts


def test_resampling_weights_are_drawn_with_replacement():
    weights = resampling_weights(40, 2000, 0)
    assert (weights.sum(axis=1) == 40).all()
    # The share of units that a bootstrap sample misses tends to (1 - 1/n)^n.
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 40) ** 40, abs=0.01)


def test_another_seed_draws_other_samples():
    assert not np.array_equal(resampling_weights(40, 10, 0), resampling_weights(40, 10, 1))


def test_coverage_is_about_the_level():
    """Values of different difficulty, eight rows each: the true accuracy lies in 95 % of the intervals."""
    random = np.random.default_rng(0)
    values = np.repeat(np.arange(100), 8)
    hits = 0
    for _ in range(400):
        difficulty = random.beta(2, 1, 100)
        correct = random.random(800) < np.repeat(difficulty, 8)
        found = accuracy_interval(values, correct, 400, 0)
        hits += found.low <= 2 / 3 <= found.high
    assert 0.91 <= hits / 400 <= 0.98


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 40))
def test_many_accuracies_are_what_each_is_alone(seed, distinct, rows):
    random = np.random.default_rng(seed)
    values = random.integers(0, distinct, rows)
    correct = random.random((rows, 4)) < np.array([0, 0.3, 0.7, 1])
    together = accuracy_intervals(values, correct, 40, 1)
    for one, found in zip(correct.T, together, strict=True):
        alone = accuracy_interval(values, one, 40, 1)
        assert (found.resampled, found.n_values, found.n_prompts) == (alone.resampled, alone.n_values, alone.n_prompts)
        for bound in ("value", "low", "high"):
            assert getattr(found, bound) == pytest.approx(getattr(alone, bound), abs=1e-12)
