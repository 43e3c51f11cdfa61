"""The rank of a read-out is chosen without the numbers that test."""

import numpy as np
import pytest

from numprobe.probes.dataset import training_rows
from numprobe.probes.ranks import readout_ranks

from .planted import split_of, waves, write_folder

SPLIT = split_of()
VALUES = np.repeat(SPLIT.values, 2)
FOLDS = [fold.name for fold in SPLIT.folds]


def ranks(folder, states):
    return readout_ranks(training_rows(write_folder(folder, states, VALUES), SPLIT), SPLIT, list(states), FOLDS, 0)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    states = {"1": waves(VALUES, width=64), "2": np.ones((len(VALUES), 64))}
    return ranks(tmp_path_factory.mktemp("planted"), states)


def test_planted_waves_take_as_many_directions_as_they_have_sines_and_cosines(planted):
    assert all(6 <= planted["1", fold] <= 12 for fold in FOLDS)


def test_constant_states_have_rank_one(planted):
    assert {planted["2", fold] for fold in FOLDS} == {1}


def test_the_numbers_that_test_do_not_count(planted, tmp_path):
    states = waves(VALUES, width=64)
    spoiled = np.isin(SPLIT.block_of(VALUES), SPLIT.folds[0].test)
    states[spoiled] = 100 * np.random.default_rng(0).standard_normal((int(spoiled.sum()), 64))
    assert ranks(tmp_path, {"1": states})["1", "0"] == planted["1", "0"]
