"""States that are stored in half the room are fitted and read as what they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numprobe.activations.columns import narrow, widen
from numprobe.activations.store import read_states
from numprobe.probes.dataset import describe_split, training_rows
from numprobe.probes.fit_closed_form import fit_closed_form

from .planted import split_of, waves, write_folder

SPLIT = split_of(199, folds=3)
VALUES = np.tile(np.arange(200), 2)


def fitted(folder, states, dtype):
    """A probe fitted on a folder whose states are stored in a type, and how it reads them."""
    write_folder(folder, {"1": states}, VALUES, dtype=dtype)
    described = describe_split(SPLIT, SPLIT.folds)
    probes = fit_closed_form(training_rows(folder, SPLIT), SPLIT, ["fourier"], [], 0, {"split": described})
    probe = probes["fourier", "none"]
    return probe.tensors, probe.decode(read_states(folder, "1"), "1")


def test_bfloat16_on_disk_is_what_its_rounded_states_are_in_float32(tmp_path):
    states = 1000 * waves(VALUES).astype(np.float32)
    rounded = widen(narrow(states, "bfloat16"), "bfloat16")
    (half, read), (whole, expected) = (
        fitted(tmp_path / "half", states, "bfloat16"),
        fitted(tmp_path / "whole", rounded, "float32"),
    )
    assert_array_equal(read_states(tmp_path / "half", "1"), read_states(tmp_path / "whole", "1"))
    for fold, tensors in whole.items():
        for name, tensor in tensors.items():
            assert_array_equal(half[fold][name], tensor)
    assert_array_equal(read, expected)
    assert (read == VALUES).mean() > 0.9


@pytest.mark.parametrize(("dtype", "error"), [("bfloat16", 2**-8), ("float16", 2**-11)])
def test_components_keep_their_significant_bits(tmp_path, dtype, error):
    states = 1000 * waves(VALUES).astype(np.float32)
    write_folder(tmp_path, {"1": states}, VALUES, dtype=dtype)
    assert_allclose(read_states(tmp_path, "1").astype(np.float32), states, rtol=error)
