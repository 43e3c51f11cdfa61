"""Spaces of functions of a number: their dimensions, what lies in them, what columns add."""

import numpy as np
import pytest

from numprobe.experiments.composition.digit_spaces import added_directions, digit_space, digits_of, magnitude_columns

NUMBERS = np.arange(100, 1000)


def test_digits_stand_in_reading_order():
    np.testing.assert_array_equal(digits_of(np.array([907, 100])), [[9, 0, 7], [1, 0, 0]])


@pytest.mark.parametrize(
    ("numbers", "together", "rank"),
    [
        (np.arange(10, 100), 1, 9 + 10 - 1),
        (np.arange(10, 100), 2, 90),
        (NUMBERS, 1, 9 + 10 + 10 - 2),
        (NUMBERS, 2, 1 + 8 + 9 + 9 + 8 * 9 + 8 * 9 + 9 * 9),
        (NUMBERS, 3, 900),
        (np.arange(1000, 2000), 1, 1 + 9 + 9 + 9),
    ],
)
def test_dimensions_are_those_of_the_analysis_of_variance(numbers, together, rank):
    assert digit_space(numbers, together).rank == rank


def test_a_projection_is_the_fit_of_least_squares_where_numbers_are_missing():
    rng = np.random.default_rng(0)
    numbers = rng.choice(NUMBERS, 600, replace=False)
    code = rng.standard_normal((600, 3))
    for together in (1, 2):
        space = digit_space(numbers, together)
        columns = space.indicator.toarray()
        fit = columns @ np.linalg.lstsq(columns, code, rcond=None)[0]
        np.testing.assert_allclose(space.project(code), fit, atol=1e-10)
        assert space.rank == np.linalg.matrix_rank(columns)


def test_the_number_itself_is_additive_in_its_digits_and_its_logarithm_is_not():
    columns = magnitude_columns(NUMBERS)
    additive, pairs = digit_space(NUMBERS, 1), digit_space(NUMBERS, 2)
    assert [added_directions(columns["n"], space).rank for space in (None, additive, pairs)] == [1, 0, 0]
    assert [added_directions(columns["log"], space).rank for space in (None, additive, pairs)] == [1, 1, 1]
    # Periods 2, 5, 10 are functions of the units, 20, 50, 100 of two digits; the sine of period 2 is null.
    assert [added_directions(columns["waves"], space).rank for space in (None, additive, pairs)] == [17, 12, 6]


def test_what_is_added_is_orthonormal_and_orthogonal_to_what_was_there():
    pairs = digit_space(NUMBERS, 2)
    added = added_directions(magnitude_columns(NUMBERS)["waves"], pairs)
    np.testing.assert_allclose(added.basis.T @ added.basis, np.eye(6), atol=1e-9)
    np.testing.assert_allclose(pairs.project(added.basis), 0, atol=1e-9)


def test_permuted_numbers_add_their_share_of_the_dimensions():
    """The chance level of the table: k directions of m that are free hold k / m of what is left."""
    rng = np.random.default_rng(0)
    numbers = np.arange(10, 100)
    space = digit_space(numbers, 1)
    code = rng.standard_normal((90, 5)) + 3 * np.cos(numbers[:, None])
    left = code - space.project(code)
    shares = []
    for _ in range(400):
        columns = magnitude_columns(rng.permutation(numbers))["waves"]
        added = added_directions(columns, space)
        shares.append((added.project(code) ** 2).sum() / (left**2).sum() / added.rank)
    assert np.mean(shares) == pytest.approx(1 / (90 - space.rank), rel=0.02)
