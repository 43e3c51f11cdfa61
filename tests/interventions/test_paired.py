import numpy as np
import pytest

from numprobe.interventions.paired import change_from


def test_the_difference_is_that_of_the_means_over_all_draws():
    rng = np.random.default_rng(0)
    draws, own, values = rng.random((3, 60)) < 0.3, rng.random((2, 60)) < 0.6, np.repeat(np.arange(20), 3)
    found = change_from(values, draws, own)
    assert found.value == pytest.approx(own.mean() - draws.mean()) and found.low < found.value < found.high
    assert found.n_values == 20


def test_the_same_draw_again_adds_no_certainty():
    rng = np.random.default_rng(1)
    values, draw, own = np.arange(80), rng.random(80) < 0.3, rng.random(80) < 0.6
    once, twice = (change_from(values, np.array([draw] * times), own) for times in (1, 2))
    assert twice.low == pytest.approx(once.low, abs=0.01) and twice.high == pytest.approx(once.high, abs=0.01)
