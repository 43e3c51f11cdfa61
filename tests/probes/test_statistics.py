import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probes.planted import split_of

from numprobe.probes.moments import make_moments
from numprobe.probes.statistics import accumulate

SPLIT = split_of(59, folds=4)


def rows(count, seed, width=5):
    random = np.random.default_rng(seed)
    return random.standard_normal((count, width)), random.integers(0, 60, count)


@settings(max_examples=30)
@given(st.integers(0, 80), st.lists(st.integers(0, 80), max_size=4), st.integers(0, 99))
def test_streamed_is_in_memory(count, cuts, seed):
    states, values = rows(count, seed)
    whole = accumulate(states, values, SPLIT)
    parts = np.split(np.arange(count), sorted(min(cut, count) for cut in cuts))
    streamed = accumulate(states[parts[0]], values[parts[0]], SPLIT)
    for part in parts[1:]:
        streamed = streamed + accumulate(states[part], values[part], SPLIT)
    assert np.allclose(whole.gram, streamed.gram, rtol=1e-12, atol=1e-12)
    assert np.allclose(whole.value_sum, streamed.value_sum, rtol=1e-12, atol=1e-12)
    assert np.array_equal(whole.value_count, streamed.value_count)


@pytest.mark.parametrize(("count", "width"), [(200, 5), (7000, 260)])
def test_sums_are_those_of_the_rows(count, width):
    states, values = rows(count, 1, width)
    statistics = accumulate(states, values, SPLIT)
    for value in (0, 17, 59):
        assert np.allclose(statistics.value_sum[value], states[values == value].sum(axis=0))
        assert statistics.value_count[value] == (values == value).sum()
    for block in range(4):
        of_block = states[SPLIT.block_of(values) == block]
        assert np.allclose(statistics.gram[block], of_block.T @ of_block)


def test_moments_about_a_centre_are_those_of_the_rows():
    states, values = rows(300, 2)
    states += 50.0
    targets = np.random.default_rng(3).standard_normal((60, 7))
    moments = make_moments(accumulate(states, values, SPLIT), targets, SPLIT)
    centre = moments.centre((0, 2))
    train = np.isin(SPLIT.block_of(values), (0, 2))
    assert np.allclose(centre.state, states[train].mean(axis=0))
    assert np.allclose(centre.target, targets[values[train]].mean(axis=0))
    held_out = np.isin(SPLIT.block_of(values), (1, 3))
    deviation, target = states[held_out] - centre.state, targets[values[held_out]] - centre.target
    assert np.allclose(moments.gram_about((1, 3), centre), deviation.T @ deviation)
    assert np.allclose(moments.cross_about((1, 3), centre), deviation.T @ target, atol=1e-3)
    assert np.allclose(moments.target_square_about((1, 3), centre), (target**2).sum(axis=0))
