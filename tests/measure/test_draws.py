"""Ranges of random draws."""

import numpy as np

from numprobe.measure.draws import mean_and_middle, middle

DRAWS = np.random.default_rng(0).permutation(1001).astype(float)


def test_the_range_holds_95_percent_of_the_draws():
    assert middle(DRAWS) == {"ci_low": 25.0, "ci_high": 975.0}


def test_the_range_is_widened_to_hold_a_measurement():
    assert middle(DRAWS, 500.0) == middle(DRAWS)
    assert middle(DRAWS, -3.0) == {"ci_low": -3.0, "ci_high": 975.0}
    assert middle(DRAWS, 2000.0) == {"ci_low": 25.0, "ci_high": 2000.0}


def test_a_null_has_the_mean_of_its_draws():
    expected = {"value": 500.0, "ci_low": 25.0, "ci_high": 975.0, "resampled": "permutations"}
    assert mean_and_middle(DRAWS, "permutations") == expected
    assert mean_and_middle(list(DRAWS), "permutations") == expected
