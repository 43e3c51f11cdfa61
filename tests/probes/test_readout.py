"""What a probe reads with: its kernel and its frequencies."""

import numpy as np
import pytest

from numprobe.probes.codes import make_code
from numprobe.probes.readout import frequency_weights, number_kernel

from .planted import fit, split_of, waves

COUNT = 120
VALUES = np.arange(COUNT)
PERIODS = (2, 10, 120)
CODE = make_code("fourier", 0, COUNT - 1).matrix


@pytest.fixture(scope="module")
def tensors():
    states = waves(VALUES, periods=PERIODS, seed=1)
    return fit("fourier", states, VALUES, split_of(COUNT - 1, folds=3, inner=2)).tensors["0", "0"]


def test_the_kernel_is_the_product_of_the_directions_along_which_scores_grow(tensors):
    classes = (CODE[:, tensors["columns"]] - tensors["target_mean"]) * tensors["precision"]
    directions = classes @ tensors["weight"].T
    expected = directions @ directions.T
    assert np.allclose(number_kernel(tensors, CODE).matrix(), expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_planted_frequencies_carry_most_information(tensors):
    weights = frequency_weights(tensors, CODE)
    assert set(sorted(weights, key=weights.get)[-3:]) == {COUNT // period for period in PERIODS}
