import numpy as np
import pytest
from tests.probes.planted import split_of

from numprobe.errors import NumprobeError
from numprobe.probes.controls import control_labels, gaussian_states

SPLIT = split_of(99)


def test_shuffled_labels_are_one_permutation_for_all_rows():
    values = np.repeat(np.arange(100), 3)
    labels = control_labels("shuffled", values, SPLIT, seed=4)
    assert sorted(set(labels)) == list(range(100))
    assert (labels.reshape(100, 3) == labels.reshape(100, 3)[:, :1]).all()
    assert (labels[::3] == np.arange(100)).mean() < 0.1
    assert np.array_equal(labels, control_labels("shuffled", values, SPLIT, seed=4))
    assert not np.array_equal(labels, control_labels("shuffled", values, SPLIT, seed=5))


def test_labels_of_a_held_out_block_are_labels_of_no_training_row():
    labels = control_labels("shuffled", SPLIT.values, SPLIT, seed=0)
    for fold in SPLIT.folds:
        held_out = np.isin(SPLIT.block, fold.test)
        assert not set(labels[held_out]) & set(labels[~held_out])


def test_other_controls_keep_the_values():
    assert control_labels("gaussian", np.array([3, 5]), SPLIT, 0).tolist() == [3, 5]
    assert control_labels("none", np.array([3, 5]), SPLIT, 0).tolist() == [3, 5]
    with pytest.raises(NumprobeError, match="no control 'random'"):
        control_labels("random", np.array([3]), SPLIT, 0)


def test_gaussian_states_depend_on_the_value_alone():
    states = gaussian_states(np.array([7, 3, 7]), 64, seed=1)
    assert states.dtype == np.float32 and np.array_equal(states[0], states[2])
    assert np.array_equal(states[1], gaussian_states(np.array([3]), 64, seed=1)[0])
    assert not np.allclose(states[0], states[1])
    many = gaussian_states(np.arange(500), 64, seed=1)
    assert abs(many.mean()) < 0.02 and abs(many.std() - 1) < 0.02
