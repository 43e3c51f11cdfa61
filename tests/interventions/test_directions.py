import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numprobe.interventions.directions import (
    complement,
    random_basis,
    random_change,
    random_complement,
    relative_norm,
    rescaled,
)

CHANGE = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32) * np.arange(500)[:, None]


def test_a_random_change_has_the_length_and_nothing_else():
    drawn = random_change(CHANGE, 0, "1")
    assert_allclose(np.linalg.norm(drawn, axis=1), np.linalg.norm(CHANGE, axis=1), rtol=1e-5)
    cosine = (drawn * CHANGE).sum(1)[1:] / (np.linalg.norm(CHANGE, axis=1) ** 2)[1:]
    assert abs(cosine.mean()) < 4 / np.sqrt(500 * 64) and cosine.std() == pytest.approx(1 / 8, rel=0.2)
    assert_array_equal(drawn, random_change(CHANGE, 0, "1"))
    assert not np.allclose(drawn, random_change(CHANGE, 0, "2"))


def test_a_random_subspace_is_orthonormal():
    basis = random_basis(64, 5, 0, "1")
    assert_allclose(basis.T @ basis, np.eye(5), atol=1e-12)
    other = random_complement(basis, 0, "2")
    assert_allclose(other.T @ np.hstack([other, basis]), np.eye(5, 10), atol=1e-12)
    assert random_complement(random_basis(8, 6, 0), 0).shape == (8, 2)


def test_a_null_change_stays_null():
    assert_array_equal(rescaled(np.zeros((1, 3)), np.ones((1, 3))), np.zeros((1, 3)))


def test_lengths_are_relative_to_the_states():
    assert relative_norm(np.array([[3.0, 4.0], [0, 0]]), np.array([[10.0, 0], [1, 0]])) == pytest.approx(0.25)


def test_a_subspace_and_its_complement_hold_every_state():
    basis = random_basis(7, 3, 0, "test")
    rest = complement(basis)
    assert rest.shape == (7, 4)
    assert_allclose(basis @ basis.T + rest @ rest.T, np.eye(7), atol=1e-12)
