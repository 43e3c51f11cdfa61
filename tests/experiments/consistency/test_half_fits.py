"""Fits on both halves of the numbers: their rank, wide states, and the file of kernels."""

import numpy as np
import pytest

from numprobe.errors import NumprobeError
from numprobe.experiments.consistency.half_fits import fit_state, load_kernels, save_kernels, stored_kernel
from numprobe.probes.readout import number_kernel, readout_basis
from probes.planted import waves

COUNT = 120
VALUES = np.arange(COUNT)
PERIODS = (2, 10, 120)


def fits(width=24, controls=("none",)):
    states = waves(VALUES, width=width, periods=PERIODS, seed=1)
    return states, fit_state(states, VALUES, 0, COUNT - 1, (0,), controls, 0)


def test_planted_waves_take_as_many_directions_as_they_have_sines_and_cosines():
    _, found = fits(width=40)
    assert 4 <= found.rank <= 8


def test_wide_states_are_fitted_in_the_space_of_their_rows():
    states, found = fits(width=300)
    tensors = found.tensors["none", 0, "0"]
    assert tensors["weight"].shape[0] == 300 and readout_basis(tensors).shape[0] == 300
    # Nothing of the read-out lies outside the rows.
    rows = np.linalg.qr(states.T)[0]
    assert np.allclose(rows @ (rows.T @ tensors["weight"]), tensors["weight"], atol=1e-4)


def test_kernels_survive_the_file(tmp_path):
    _, found = fits(controls=("none", "shuffled"))
    save_kernels(tmp_path / "k.safetensors", {("number", "0"): found}, {"model": "m"})
    stored = load_kernels(tmp_path / "k.safetensors")["number", "0"]
    assert set(stored) == set(found.tensors)
    for key, tensors in found.tensors.items():
        assert np.allclose(stored_kernel(stored[key], found.code).matrix(), number_kernel(tensors, found.code).matrix())


def test_a_damaged_file_of_kernels_is_refused(tmp_path):
    (tmp_path / "k.safetensors").write_bytes(b"nothing")
    with pytest.raises(NumprobeError, match="is damaged"):
        load_kernels(tmp_path / "k.safetensors")


def test_constant_states_have_no_fits():
    assert fit_state(np.ones((COUNT, 8)), VALUES, 0, COUNT - 1, (0,), ("none",), 0) is None
