"""Scores and intervals: known answers, identities, coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import r2_score

from numprobe.intervals import (
    EXACT,
    SCORE,
    accuracy_interval,
    accuracy_intervals,
    change_interval,
    exact_bounds,
    mean_interval,
    prompt_accuracy_interval,
    prompt_change_interval,
    r2_interval,
    resampling_weights,
)

ROWS = st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=1, max_size=60)


def columns(rows):
    return [np.array(column) for column in zip(*rows, strict=True)]


def test_exact_bounds_of_no_success_have_a_closed_form():
    assert exact_bounds(0, 1000) == pytest.approx((0, 1 - 0.025 ** (1 / 1000)))
    assert exact_bounds(1000, 1000) == pytest.approx((0.025 ** (1 / 1000), 1))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_exact_bounds_agree_with_scipy(case):
    expected = binomtest(*case).proportion_ci(method="exact")
    assert exact_bounds(*case) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_accuracy_weighs_values_and_not_rows():
    values = np.array([1, 1, 1, 1, 2])
    correct = np.array([True, True, True, False, False])
    by_value = accuracy_interval(values, correct)
    by_row = prompt_accuracy_interval(values, correct)
    assert (by_value.value, by_row.value) == (0.375, 0.6)
    assert (by_value.n_values, by_value.n_prompts, by_value.resampled) == (2, 5, EXACT)


def test_rows_of_a_value_that_agree_are_one_trial():
    values, correct = np.repeat(np.arange(55), 3), np.repeat(np.arange(55) > 0, 3)
    found = accuracy_interval(values, correct)
    assert (found.low, found.high) == pytest.approx(exact_bounds(54, 55), abs=0.01)


@pytest.mark.parametrize("score", [accuracy_interval, prompt_accuracy_interval])
@pytest.mark.parametrize("right", [0.0, 1.0])
def test_intervals_do_not_collapse_at_zero_and_one(score, right):
    values = np.array([1, 1, 2, 3, 3, 3])
    found = score(values, np.full(6, right))
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
        accuracy_interval(np.array([], dtype=int), np.array([], dtype=bool))


@given(ROWS)
def test_estimates_lie_within_their_intervals(rows):
    values, correct = columns(rows)
    for score in (accuracy_interval, prompt_accuracy_interval):
        found = score(values, correct)
        assert found.low is None or 0 <= found.low <= found.value <= found.high <= 1


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    mixed = random.sample(rows, len(rows))
    assert accuracy_interval(*columns(rows)) == accuracy_interval(*columns(mixed))


@given(ROWS)
def test_repeating_every_row_changes_nothing_but_the_number_of_prompts(rows):
    once, twice = (accuracy_interval(*columns(part)) for part in (rows, rows * 2))
    assert (once.value, once.low, once.high) == pytest.approx((twice.value, twice.low, twice.high))
    assert twice.n_prompts == 2 * once.n_prompts


def test_resampling_weights_are_drawn_with_replacement():
    weights = resampling_weights(40, 2000, 0)
    assert (weights.sum(axis=1) == 40).all()
    # The share of units that a bootstrap sample misses tends to (1 - 1/n)^n.
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 40) ** 40, abs=0.01)


def test_another_seed_draws_other_samples():
    assert not np.array_equal(resampling_weights(40, 10, 0), resampling_weights(40, 10, 1))


def test_a_change_over_values_and_over_rows():
    values = np.array([1, 1, 1, 1, 2])
    before, after = np.zeros(5, dtype=bool), np.array([True, True, True, False, False])
    by_value, by_row = change_interval(values, before, after), prompt_change_interval(values, before, after)
    assert (by_value.value, by_row.value) == pytest.approx((0.375, 0.6))
    assert {by_value.resampled, by_row.resampled} == {SCORE}


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_a_change_lies_in_its_interval_and_turns_round_with_the_readings(rows):
    values, before, after = columns(rows)
    for score in (change_interval, prompt_change_interval):
        found, back = score(values, before, after), score(values, after, before)
        assert back.value == pytest.approx(-found.value)
        if found.low is not None:
            assert -1 <= found.low <= found.value <= found.high <= 1
            assert (back.low, back.high) == pytest.approx((-found.high, -found.low), abs=1e-9)


def test_weights_of_values_matter_only_where_values_have_different_numbers_of_rows():
    random = np.random.default_rng(0)
    values = np.repeat(np.arange(50), 4)
    before, after = random.random(200) < 0.5, random.random(200) < 0.6
    one, other = change_interval(values, before, after), prompt_change_interval(values, before, after)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_the_unit_of_an_interval_can_be_named():
    found = accuracy_interval(np.arange(9), np.arange(9) > 3)
    assert found.columns()["resampled"] == "values (exact)"
    assert found.columns("operands")["resampled"] == "operands (exact)"


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 40))
def test_many_accuracies_are_what_each_is_alone(seed, distinct, rows):
    random = np.random.default_rng(seed)
    values = random.integers(0, distinct, rows)
    correct = random.random((rows, 4)) < np.array([0, 0.3, 0.7, 1])
    together = accuracy_intervals(values, correct)
    for one, found in zip(correct.T, together, strict=True):
        alone = accuracy_interval(values, one)
        assert (found.resampled, found.n_values, found.n_prompts) == (alone.resampled, alone.n_values, alone.n_prompts)
        for bound in ("value", "low", "high"):
            assert getattr(found, bound) == pytest.approx(getattr(alone, bound), abs=1e-12)
