import gc
import weakref

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.probes.planted import split_of, waves

from numprobe.probes.codes import make_code
from numprobe.probes.moments import make_moments
from numprobe.probes.solutions import Ridges, make_parts
from numprobe.probes.statistics import accumulate

SPLIT = split_of(99, folds=6)
FOURIER, DIGITS, LINEAR = (make_code(kind, 0, 99) for kind in ("fourier", "digits", "linear"))
MATRIX = np.hstack([FOURIER.matrix, DIGITS.matrix, LINEAR.matrix])
PENALTIES = (0.1, 0.01, 1.0)
BLOCKS = (0, 2, 3)


@pytest.fixture(scope="module")
def states():
    return waves(SPLIT.values, width=8, noise=0.5)


@pytest.fixture
def ridges(states):
    moments = make_moments(accumulate(states, SPLIT.values, SPLIT), MATRIX, SPLIT)
    return Ridges(moments, make_parts([99, 20, 1], [FOURIER.places]))


def expected(states, penalty):
    train = np.isin(SPLIT.block, BLOCKS)
    centred = states[train] - states[train].mean(axis=0)
    gram = centred.T @ centred
    return np.linalg.solve(gram + penalty * np.trace(gram) / 8 * np.eye(8), centred.T @ MATRIX[train])


def test_every_part_has_the_solutions_of_its_penalties(ridges, states):
    found = np.hstack([ridges.on(BLOCKS).weights(part, PENALTIES) for part in ridges.parts])
    columns = [slice(0, 99), slice(99, 119), slice(119, 120)]
    for penalty, some in zip(PENALTIES, columns, strict=True):
        assert_allclose(found[:, some], expected(states, penalty)[:, some], rtol=1e-3, atol=1e-4)


def test_solutions_do_not_depend_on_what_was_asked_before(ridges):
    direct = ridges.parts[-1]
    first = ridges.on(BLOCKS).weights(direct, (1.0, 0.1, 0.1)).copy()
    mixed = ridges.on(BLOCKS).weights(direct, (1.0, 0.1, 0.01))
    assert np.array_equal(mixed[:, :20], first[:, :20]) and not np.array_equal(mixed[:, 20], first[:, 20])
    assert np.array_equal(ridges.on(BLOCKS).weights(direct, (1.0, 0.1, 0.1)), first)


def test_the_columns_of_parts():
    assert [part.columns for part in make_parts([9, 4, 1], [FOURIER.places])] == [slice(0, 9), slice(9, 14)]
    assert [part.targets for part in make_parts([9, 9], [FOURIER.places] * 2)] == [(0,), (1,)]
    (direct,) = make_parts([4, 1], [])
    assert direct.columns == slice(0, 5) and direct.within == (slice(0, 4), slice(4, 5))


def test_training_sets_that_are_long_out_of_use_are_forgotten_at_once(ridges):
    gc.disable()
    try:
        first = ridges.on(BLOCKS)
        for part in ridges.parts:
            first.weights(part, PENALTIES)
        seen = weakref.ref(first)
        assert ridges.on(BLOCKS[::-1]) is first
        del first
        for block in range(4):
            assert seen() is not None
            ridges.on((block,))
        assert seen() is None
    finally:
        gc.enable()
