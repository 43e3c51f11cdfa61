"""CKA: one for kernels that differ in scale and offset, zero on average for independent ones, with honest intervals."""

import numpy as np
import pytest

from numprobe.experiments.consistency.kernels import centre, similarity


def kernel(seed, count=60, width=40):
    states = np.random.default_rng(seed).standard_normal((count, width))
    return states @ states.T


def test_scale_and_offset_of_a_kernel_do_not_matter():
    one = kernel(0)
    assert similarity([(centre(one), centre(3 * one + 7))], 100, 0).value == pytest.approx(1, abs=1e-5)


def test_a_centred_kernel_has_no_diagonal_rows_that_sum_to_zero_and_length_one():
    found = centre(kernel(1)).astype(float)
    assert np.abs(np.diag(found)).max() == 0
    assert np.abs(found.sum(axis=0)).max() < 1e-5
    assert (found**2).sum() == pytest.approx(1, abs=1e-4)


def test_independent_kernels_are_not_alike_however_few_the_numbers():
    # The biased estimate gives .4 here: 40 random components of 60 numbers.
    found = [similarity([(centre(kernel(2 * i)), centre(kernel(2 * i + 1)))], 100, 0) for i in range(40)]
    values = [one.value for one in found]
    assert abs(np.mean(values)) < 0.03
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert covered > 0.8


def test_shared_and_private_parts_lie_between():
    shared = kernel(5)
    mixed = [centre(shared + kernel(seed)) for seed in (6, 7)]
    assert 0.3 < similarity([tuple(mixed)], 100, 0).value < 0.7


def test_pairs_are_averaged_and_kernels_without_content_left_out():
    one, other, empty = centre(kernel(8)), centre(kernel(9)), centre(np.ones((60, 60)))
    assert not empty.any()
    single = similarity([(one, other)], 100, 0)
    assert similarity([(one, other), (one, empty)], 100, 0) == single
    both = similarity([(one, other), (one, one)], 100, 0)
    assert both.value == pytest.approx((single.value + 1) / 2, abs=1e-4)
    assert similarity([(empty, one)], 100, 0).value is None
