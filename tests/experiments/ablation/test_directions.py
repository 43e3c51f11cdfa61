import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from interventions.operand_model import operand_model
from models.constructed import PERIODS, decoy_frame, wave_frame
from numprobe.experiments.ablation.directions import component, ordered_directions
from numprobe.interventions.directions import random_basis
from numprobe.measure.subspaces import principal_angles

NUMBERS = st.floats(-10, 10, allow_nan=False, width=32)
#: The sine of period 2 is null: the planes of the waves hold one direction less.
PLANTED = 2 * len(PERIODS) - 1


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return operand_model(tmp_path_factory.mktemp("ablation") / "states", "code")


@given(states=arrays(np.float64, (3, 6), elements=NUMBERS), mean=arrays(np.float64, 6, elements=NUMBERS),
       rank=st.integers(1, 6), seed=st.integers(0, 100))  # fmt: skip
def test_what_was_taken_away_is_gone(states, mean, rank, seed):
    basis = random_basis(6, rank, seed, "test")
    left = states - component(states, mean, basis)
    assert_allclose(component(left, mean, basis), 0, atol=1e-9)
    assert_allclose((left - mean) @ basis, 0, atol=1e-9)
    # What is orthogonal to the subspace stays.
    moved = (states - left) - (states - left) @ basis @ basis.T
    assert_allclose(moved, 0, atol=1e-9)


@given(states=arrays(np.float64, (3, 6), elements=NUMBERS), mean=arrays(np.float64, 6, elements=NUMBERS))
def test_all_directions_leave_the_mean(states, mean):
    assert_allclose(states - component(states, mean, random_basis(6, 6, 0, "test")), mean + 0 * states, atol=1e-9)


def test_the_subspaces_are_nested_and_orthonormal(model):
    for (name, _), basis in ordered_directions(model.probe, model.patterns, "1", "0", 6, 2, 0).items():
        assert basis.shape == (model.probe.width, 6), name
        assert_allclose(basis.T @ basis, np.eye(6), atol=1e-6)
    first, second = (ordered_directions(model.probe, model.patterns, "1", fold, 6, 2, 0) for fold in ("0", "1"))
    assert_allclose(first["random", 1], second["random", 1])
    assert np.abs(first["random", 0].T @ first["random", 1]).max() < 0.9


def test_probe_and_patterns_find_the_planted_planes(model):
    found = ordered_directions(model.probe, model.patterns, "1", "0", PLANTED, 1, 0)
    assert principal_angles(found["readout", 0], wave_frame()).max() < 25
    assert principal_angles(found["patterns", 0], wave_frame()).max() < 25
    assert principal_angles(found["readout", 0], decoy_frame()).min() > 60
