"""Linear separability of n mod T on held-out numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.metrics import cohen_kappa_score

from numprobe.intervals import BOOTSTRAP, EXACT, exact_bounds
from numprobe.measure.separability import held_out_classes, kappa, kappa_interval
from numprobe.measure.spectra import principal_coordinates

NUMBERS = np.arange(200)
CIRCLE = np.column_stack([np.sin(2 * np.pi * NUMBERS / 10), np.cos(2 * np.pi * NUMBERS / 10)])
NOISE = np.random.default_rng(0).standard_normal((200, 20))
LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=50).filter(
    lambda pairs: len({label for pair in pairs for label in pair}) > 1
)


def test_a_circle_separates_the_residues_of_its_period():
    states = CIRCLE - CIRCLE.mean(axis=0)
    classes = np.column_stack([NUMBERS % 10, NUMBERS % 10])
    assert np.array_equal(held_out_classes(states, NUMBERS, classes, 0), classes)


def test_noise_separates_nothing():
    classes = (NUMBERS % 5)[:, None]
    predicted = held_out_classes(NOISE - NOISE.mean(axis=0), NUMBERS, classes, 0)
    assert abs(kappa(classes[:, 0], predicted[:, 0])) < 0.2


def test_power_is_not_separability():
    """A wave along one axis has all its power at period 10, yet tells at most 6 of 10 residues apart."""
    wave = CIRCLE[:, :1] - CIRCLE[:, :1].mean()
    classes = (NUMBERS % 10)[:, None]
    assert kappa(classes[:, 0], held_out_classes(wave, NUMBERS, classes, 0)[:, 0]) <= (0.6 - 0.1) / (1 - 0.1)


def test_rare_classes_are_not_neglected():
    """The smaller of two well separated classes is found, although its rows are few."""
    classes = (NUMBERS % 20 == 0).astype(int)[:, None]
    states = classes + 0.1 * NOISE[:, :1]
    assert np.array_equal(held_out_classes(states - states.mean(axis=0), NUMBERS, classes, 0), classes)


def test_a_class_that_no_training_number_has_is_not_predicted():
    classes = np.where(NUMBERS == 7, 1, 0)[:, None]
    assert held_out_classes(NOISE, NUMBERS, classes, 0)[7] == 0


def test_neither_basis_nor_scale_matters():
    states = np.hstack([CIRCLE, NOISE]) - np.hstack([CIRCLE, NOISE]).mean(axis=0)
    rotated = 1000 * states @ ortho_group.rvs(22, random_state=0)
    classes = (NUMBERS % 10)[:, None]
    found = [held_out_classes(part, NUMBERS, classes, 0) for part in (states, rotated)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("count", [60, 200])
def test_the_penalty_depends_on_no_basis(count):
    """Fewer numbers than dimensions too: the axes of the states as they are, rotated, padded and in their own axes."""
    weak = np.hstack([0.4 * CIRCLE, np.random.default_rng(1).standard_normal((200, 118))])[:count]
    numbers, classes = NUMBERS[:count], (NUMBERS[:count] % 10)[:, None]
    rotated = weak @ ortho_group.rvs(120, random_state=1)
    padded = np.hstack([weak, np.ones((count, 40))])
    bases = [weak, rotated, padded, principal_coordinates(weak)]
    found = [held_out_classes(basis, numbers, classes, 0)[:, 0] for basis in bases]
    assert len({kappa(classes[:, 0], predicted) for predicted in found}) == 1
    assert all(np.array_equal(found[0], predicted) for predicted in found[1:])


@given(LABELS)
def test_kappa_agrees_with_scikit_learn(pairs):
    true, found = (np.array(labels) for labels in zip(*pairs, strict=True))
    if len({*true}) == len({*found}) == 1 and true[0] == found[0]:
        return
    assert kappa(true, found) == pytest.approx(cohen_kappa_score(true, found, labels=range(5)))


def test_an_interval_over_numbers_holds_the_estimate():
    true = NUMBERS % 5
    found = np.where(NUMBERS % 3 == 0, (true + 1) % 5, true)
    low, high, resampled = kappa_interval(true, found, 300, 0)
    assert low < kappa(true, found) < high
    assert high - low < 0.3
    assert resampled == BOOTSTRAP


def test_perfect_agreement_keeps_an_uncertainty():
    true = NUMBERS % 5
    low, high, resampled = kappa_interval(true, true, 300, 0)
    assert (high, resampled) == (1.0, EXACT)
    assert low == pytest.approx((exact_bounds(200, 200)[0] - 0.2) / 0.8)
