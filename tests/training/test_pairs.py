import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS
from numprobe.training.pairs import draw_pairs, held_out, log_uniform, operands, results

ALL = np.meshgrid(np.arange(1000), np.arange(1000))


def test_about_five_percent_of_the_pairs_are_held_out():
    assert held_out(*ALL).mean() == pytest.approx(0.05, abs=0.001)


def test_both_orders_of_a_pair_are_on_one_side():
    assert_array_equal(held_out(*ALL), held_out(*ALL).T)


@pytest.mark.parametrize("modulus", [2, 3, 5, 10, 20, 100])
def test_no_remainder_of_the_sum_tells_what_is_held_out(modulus):
    held = held_out(*ALL).ravel()
    remainder = (ALL[0] + ALL[1]).ravel() % modulus
    share = np.bincount(remainder, held) / np.bincount(remainder)
    assert np.all(np.abs(share - 0.05) < 0.02)


@given(st.sampled_from("+-*/"), st.integers(99, 999), st.integers(0, 2**32))
def test_operands_and_results_stay_in_range(operation, maximum, seed):
    a, b = operands(operation, np.random.default_rng(seed), 200, maximum)
    c = results(operation, a, b)
    for values in (a, b, c):
        assert values.min() >= 0 and values.max() <= maximum


@pytest.mark.parametrize("operation", ARITHMETIC_TEMPLATES)
def test_results_agree_with_the_prompts(operation):
    a, b = operands(operation, np.random.default_rng(0), 500, 999)
    expected = [RESULTS[operation](int(x), int(y)) for x, y in zip(a, b, strict=True)]
    assert_array_equal(results(operation, a, b), expected)


@pytest.mark.parametrize("held", [False, True])
def test_drawn_pairs_are_all_on_the_side_asked_for(held):
    def draw(random, count):
        return operands("+", random, count, 999)

    a, b = draw_pairs(draw, np.random.default_rng(0), 3000, held)
    assert a.shape == b.shape == (3000,)
    assert np.all(held_out(a, b) == held)


def test_pairs_that_are_never_held_out_are_refused():
    with pytest.raises(ValueError, match="held out"):
        draw_pairs(lambda random, n: (np.full(n, 1), np.full(n, 2)), np.random.default_rng(0), 5, held=True)


def test_no_pairs_are_two_empty_arrays():
    a, b = draw_pairs(lambda random, n: operands("+", random, n, 99), np.random.default_rng(0), 0)
    assert a.shape == b.shape == (0,)


def test_log_uniform_factors_are_small_as_often_as_large():
    factors = log_uniform(np.random.default_rng(0), 100_000, 999)
    assert factors.min() == 1 and factors.max() == 999
    # P(n < 10) = log(10) / log(1000)
    assert np.mean(factors < 10) == pytest.approx(1 / 3, abs=0.01)
