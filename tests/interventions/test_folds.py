import numpy as np
import pytest

from numprobe.interventions.folds import is_tested, other_numbers, pattern_states, unseen_folds
from numprobe.splits import PAPER_TEST, make_split

SPLIT = make_split(0, 199, "folds", 5, 3, 0)
VALUES = np.repeat(np.arange(200), 2)


def test_every_prompt_is_in_the_fold_that_tests_its_number():
    folds = unseen_folds(VALUES, SPLIT, [fold.name for fold in SPLIT.folds])
    assert sorted(np.concatenate(list(folds.values())).tolist()) == list(range(len(VALUES)))
    for fold in SPLIT.folds:
        assert set(VALUES[folds[fold.name]]) == set(SPLIT.values_in(fold.test))


def test_numbers_that_no_fold_tests_are_left_out():
    split = make_split(0, 999, "paper", 10, 3, 0)
    values = np.arange(-5, 1100)
    assert values[is_tested(values, split, ["paper", "all"])].tolist() == sorted(PAPER_TEST)
    assert not is_tested(values, split, ["all"]).any()


def test_wrong_numbers_are_as_unseen_as_the_right_ones():
    folds = unseen_folds(VALUES, SPLIT, ["0", "1", "2", "3", "4"])
    wrong = other_numbers(VALUES[:, None], np.arange(len(VALUES)), SPLIT, folds, 0)
    assert (wrong != VALUES).all()
    assert np.array_equal(SPLIT.block_of(wrong), SPLIT.block_of(VALUES))
    assert (wrong[::2] != wrong[1::2]).mean() > 0.9


@pytest.mark.parametrize("fold", ["0", "3"])
def test_patterns_are_those_of_the_prompts_fold(fold):
    class Known:
        width = 2

        def states(self, values, layer, name):
            return np.column_stack([values, np.full(len(values), int(name))])

    folds = unseen_folds(VALUES, SPLIT, ["0", "1", "2", "3", "4"])
    states = pattern_states(Known(), folds, VALUES, "1")
    assert np.array_equal(states[:, 0], VALUES)
    assert (states[folds[fold], 1] == int(fold)).all()
