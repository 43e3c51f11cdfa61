import numpy as np
import pytest

from numprobe.experiments.multi_token.pigeonhole import PIGEONHOLE, whole_numbers
from numprobe.intervals import EXACT, accuracy_interval, exact_bounds

RANDOM = np.random.default_rng(0)
VALUES = RANDOM.integers(0, 60, size=(600, 2))


def test_joint_and_product_are_what_they_are_called():
    right = RANDOM.random((3, 600, 2)) < 0.7
    found = whole_numbers(VALUES, right, 100, 0)
    np.testing.assert_allclose(found.joint.value, right.all(axis=2).mean(axis=1))
    np.testing.assert_allclose(found.product.value, right.mean(axis=1).prod(axis=1))
    np.testing.assert_allclose(found.difference.value, found.joint.value - found.product.value)


def test_independent_errors_make_the_product_right():
    right = RANDOM.random((1, 600, 2)) < 0.7
    found = whole_numbers(VALUES, right, 300, 0)
    assert found.difference.low[0] < 0 < found.difference.high[0]


def test_errors_that_come_together_make_the_product_wrong():
    together = np.repeat(RANDOM.random((1, 600, 1)) < 0.7, 2, axis=2)
    apart = together.copy()
    apart[..., 1] = ~together[..., 0]
    assert whole_numbers(VALUES, together, 300, 0).difference.low[0] > 0.1
    assert whole_numbers(VALUES, apart, 300, 0).difference.high[0] < -0.1


def test_one_place_is_resampled_as_everywhere_else():
    values, right = VALUES[:, :1], RANDOM.random((600, 1)) < 0.5
    # Equally many rows per value, so that both are means over the same units.
    values = np.repeat(np.arange(60), 10)[:, None]
    joint = whole_numbers(values, right[None], 2000, 0).joint
    one = accuracy_interval(values[:, 0], right[:, 0])
    assert joint.value[0] == pytest.approx(one.value)
    assert joint.low[0] == pytest.approx(one.low, abs=0.01)
    assert joint.high[0] == pytest.approx(one.high, abs=0.01)


def test_rows_that_share_values_widen_the_interval():
    bad = np.isin(VALUES[:, 0], np.arange(20))
    by_value = np.stack([~bad, np.ones(600, dtype=bool)], axis=1)
    by_row = by_value[RANDOM.permutation(600)]
    clustered, spread = (whole_numbers(VALUES, right[None], 500, 0).joint for right in (by_value, by_row))
    assert clustered.high[0] - clustered.low[0] > 2 * (spread.high[0] - spread.low[0])


def test_certain_shares_have_the_exact_interval_over_values():
    found = whole_numbers(VALUES, np.ones((1, 600, 2), dtype=bool), 100, 0)
    assert found.joint.resampled == (EXACT,)
    assert (found.joint.low[0], found.joint.high[0]) == exact_bounds(60, 60)
    some = whole_numbers(VALUES, RANDOM.random((1, 600, 2)) < 0.5, 100, 0)
    assert some.joint.resampled == (PIGEONHOLE,)
