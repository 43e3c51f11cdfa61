"""What torch does on a GPU is what NumPy and SciPy do; here torch works on the CPU."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from numprobe.probes.algebra import (
    all_waves,
    beside,
    beside_each_other,
    column_products,
    fetched,
    half_form,
    half_of,
    ridge_factor,
    spanned,
    zeros,
)
from numprobe.probes.codes import make_code


@pytest.fixture(scope="module")
def gram():
    rows = np.random.default_rng(0).standard_normal((50, 12))
    return rows.T @ rows


def both(array):
    return array, torch.from_numpy(array)


@pytest.mark.parametrize(("in_single", "tolerance"), [(False, 1e-12), (True, 1e-4)])
def test_ridge_problems_are_solved(gram, in_single, tolerance):
    right = np.random.default_rng(1).standard_normal((12, 5)).astype("f4")
    before = gram.copy()
    for matrix, given in zip(both(gram), both(right), strict=True):
        factor = ridge_factor(matrix, 2.0, in_single)
        for columns in (slice(None), np.array([3, 1]), [4]):
            found = fetched(factor.solve(given[:, columns]))
            assert_allclose((before + 2 * np.eye(12)) @ found, right[:, columns], rtol=tolerance, atol=tolerance)
            assert found.dtype == (np.float32 if in_single else np.float64)
        if in_single:
            assert_allclose(fetched(factor.solve_rows_first(given)), fetched(factor.solve(given)), rtol=1e-4, atol=1e-6)
    assert np.array_equal(gram, before)


def test_a_matrix_that_is_not_positive_definite_is_an_error():
    for matrix in both(np.diag([1.0, -5.0])):
        with pytest.raises((np.linalg.LinAlgError, torch.linalg.LinAlgError)):
            ridge_factor(matrix, 1.0, in_single=True)


def test_products_of_columns(gram):
    for left, right in zip(both(gram), both(gram[::-1].copy()), strict=True):
        assert_allclose(column_products(left, right), (gram * gram[::-1]).sum(axis=0))


def test_a_quadratic_form_of_each_column(gram):
    columns = np.random.default_rng(1).standard_normal((12, 5)).astype("f4")
    expected = np.diag(columns.T @ gram @ columns)
    for matrix, given in zip(both(gram.astype("f4")), both(columns), strict=True):
        assert_allclose(half_form(half_of(matrix), given), expected, rtol=1e-5)


@pytest.mark.parametrize(("minimum", "count"), [(0, 20), (0, 21), (-7, 2), (13, 50), (100, 97)])
def test_a_fourier_transform_is_the_product_with_all_waves(minimum, count):
    code = make_code("fourier", minimum, minimum + count - 1)
    random = np.random.default_rng(0)
    labels = random.permutation(count)[: count - count // 3]
    by_value = random.standard_normal((4, len(labels))).astype("f4")
    for given in both(by_value):
        found = fetched(all_waves(given, code.places[labels], count))
        assert_allclose(found, by_value @ code.matrix[labels], atol=1e-5)


@pytest.mark.parametrize(("rank", "largest", "found"), [(4, 9, True), (4, 3, False), (12, 9, False), (12, 12, True)])
def test_the_directions_that_are_filled(rank, largest, found):
    rows = np.random.default_rng(0).standard_normal((50, rank)) @ np.random.default_rng(1).standard_normal((rank, 12))
    for gram in both(rows.T @ rows):
        basis = spanned(gram, 1e-10, largest)
        assert (basis is not None) == found
        if basis is not None:
            assert basis.shape == (12, rank)
            assert_allclose(rows @ basis @ basis.T, rows, atol=1e-9)


def test_arrays_stay_in_their_place(gram):
    here, there = both(gram)
    assert beside(gram, here) is gram
    assert torch.equal(beside(gram.T, there), there.T)
    for one in (here, there):
        assert (beside_each_other([one[:, :5], one[:, 5:]]) == one).all()
        assert type(zeros(one, 3)) is type(one) and not zeros(one, 3).any() and zeros(one, 3).shape == (12, 3)
