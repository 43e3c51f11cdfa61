"""Halves of the numbers: disjoint, complete, and the same wherever they are asked for."""

import numpy as np
import pytest

from numprobe.errors import NumprobeError
from numprobe.probes.halves import make_halves


def test_each_half_trains_once_and_tests_once():
    split = make_halves(0, 999, seed=0, draw=0)
    first, second = split.folds
    assert set(first.train) == set(second.test) and set(first.test) == set(second.train)
    assert set(first.train) | set(first.test) == set(range(split.n_blocks))
    assert {block for group in first.inner for block in group} == set(first.train)
    share = np.isin(split.block, first.train).mean()
    assert 0.4 < share < 0.6


def test_the_half_of_a_value_depends_on_seed_and_draw_alone():
    wide, narrow = make_halves(0, 999, 0, 1), make_halves(0, 499, 0, 1)
    assert (wide.block[:500] == narrow.block).all()
    assert (wide.block != make_halves(0, 999, 0, 2).block).any()
    assert (wide.block != make_halves(0, 999, 1, 1).block).any()


def test_a_range_too_small_for_halves_is_refused():
    with pytest.raises(NumprobeError, match=r"numbers: 0\.\.5 cannot be divided"):
        make_halves(0, 5, 0, 0)
