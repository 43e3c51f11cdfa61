import numpy as np

from numprobe.probes.controls import control_labels
from numprobe.probes.held_out import inner_accuracy, read_held_out
from numprobe.splits import make_split

from .planted import waves

SPLIT = make_split(0, 199, "folds", 4, 3, 0)
VALUES = np.tile(np.arange(200), 2)
STATES = waves(VALUES, periods=(2, 5, 10, 100, 200))


def test_every_row_is_read_without_its_value():
    (reading,) = read_held_out(STATES, VALUES, SPLIT, "fourier", [None])
    assert reading.right.mean() > 0.98
    assert (reading.labels == VALUES).all()


def test_shuffled_labels_are_not_read():
    shuffled = control_labels("shuffled", SPLIT.values, SPLIT, 0)
    plain, control = read_held_out(STATES, VALUES, SPLIT, "fourier", [None, shuffled])
    assert (control.labels == shuffled[VALUES]).all()
    assert control.right.mean() < 0.05 < plain.right.mean()


def test_states_of_one_vector_hold_nothing():
    constant = np.ones((len(VALUES), 8))
    assert read_held_out(constant, VALUES, SPLIT, "fourier", [None]) is None
    assert np.isnan(inner_accuracy(constant, VALUES, SPLIT, "fourier")).all()


def test_the_choice_of_a_fold_does_not_see_its_test_values():
    before = inner_accuracy(STATES, VALUES, SPLIT, "fourier")
    assert (before > 0.9).all()
    for index, fold in enumerate(SPLIT.folds):
        spoiled = STATES.copy()
        spoiled[np.isin(SPLIT.block_of(VALUES), fold.test)] = 1e3
        assert inner_accuracy(spoiled, VALUES, SPLIT, "fourier")[index] == before[index]


def test_where_nothing_is_read_the_estimate_is_small_but_not_zero():
    noise = np.random.default_rng(0).standard_normal((len(VALUES), 8))
    found = inner_accuracy(noise, VALUES, SPLIT, "fourier")
    assert ((found > 0) & (found < 0.1)).all()
