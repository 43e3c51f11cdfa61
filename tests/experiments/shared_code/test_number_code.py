"""A code learned from one model's waves reads another model with the same waves, and only then."""

import numpy as np
import pytest

from numprobe.errors import NumprobeError
from numprobe.experiments.shared_code.number_code import (
    Evidence,
    HalfReader,
    NumberCode,
    Numbers,
    learn_code,
    pool,
    reassign,
)
from numprobe.probes.codes import fourier_frequencies, make_code
from numprobe.probes.halves import make_halves
from probes.planted import waves

COUNT = 200
VALUES = np.arange(COUNT)
COLUMNS = make_code("fourier", 0, COUNT - 1).matrix
SPLIT = make_halves(0, COUNT - 1, 0, 0)
PERIODS = (2, 5, 10, 20, 200)
OTHERS = (200 / 7, 200 / 13, 200 / 31, 200 / 57, 200 / 83)


def reader(periods=PERIODS, seed=1, half=0, noise=0.02):
    states = waves(VALUES, width=32, periods=periods, seed=seed, noise=noise)
    return HalfReader(Numbers(states, VALUES), COLUMNS, SPLIT, SPLIT.folds[half])


def accuracy(found: HalfReader, code: NumberCode) -> float:
    return float((found.read(code, 0) == found.tested).mean())


def test_the_code_of_another_model_with_the_same_waves_reads_unseen_numbers():
    code = learn_code(reader(seed=2).best_evidence)
    assert accuracy(reader(seed=1), code) > 0.95


def test_the_code_of_a_model_with_other_waves_does_not():
    code = learn_code(reader(OTHERS, seed=2).best_evidence)
    assert accuracy(reader(seed=1), code) < 0.1


def test_the_planted_frequencies_are_found_and_weigh_most():
    code = learn_code(reader().best_evidence)
    heaviest = code.columns[np.argsort(-code.precision)][:9]
    assert {round(COUNT / k) for k in fourier_frequencies(COUNT)[heaviest]} == set(PERIODS)


def test_the_same_weights_on_random_columns_and_no_weights_at_all_read_nothing():
    target = reader()
    code = learn_code(target.best_evidence)
    ranking = np.random.default_rng(0).permutation(COLUMNS.shape[1])
    assert accuracy(target, reassign(code, ranking)) < 0.1
    assert accuracy(target, NumberCode(np.arange(COLUMNS.shape[1]), np.ones(COLUMNS.shape[1]))) < 0.1


def test_reassigning_keeps_the_weights_and_puts_the_largest_first():
    moved = reassign(NumberCode(np.array([3, 5]), np.array([1.0, 4.0])), np.array([9, 8, 7]))
    assert moved.columns.tolist() == [9, 8] and moved.precision.tolist() == [4.0, 1.0]


def test_readings_do_not_depend_on_the_states_of_tested_numbers_of_the_code():
    # The test half of the source is replaced by noise: the code that it lends stays the same.
    states = waves(VALUES, width=32, periods=PERIODS, seed=2)
    spoiled = states.copy()
    tested = np.isin(SPLIT.block, SPLIT.folds[0].test)
    spoiled[tested] = np.random.default_rng(0).standard_normal(spoiled[tested].shape)
    codes = [
        learn_code(HalfReader(Numbers(part, VALUES), COLUMNS, SPLIT, SPLIT.folds[0]).best_evidence)
        for part in (states, spoiled)
    ]
    assert (codes[0].columns == codes[1].columns).all()
    assert np.allclose(codes[0].precision, codes[1].precision)


def test_pooled_evidence_is_the_mean_and_counts_as_many_values_as_the_smallest():
    one = Evidence(np.array([0.2]), np.array([0.2]), np.array([0.5]), 100)
    other = Evidence(np.array([0.4]), np.array([0.4]), np.array([0.5]), 60)
    pooled = pool([one, other])
    assert pooled.product[0] == pytest.approx(0.3) and pooled.values == 60
    assert pooled.explained[0] == pytest.approx(0.6)


def test_without_any_wave_above_chance_the_best_one_counts():
    code = learn_code(Evidence(np.array([0.0, 1e-4]), np.full(2, 1.0), np.full(2, 0.5), 10))
    assert code.columns.tolist() == [1] and code.precision[0] > 0


def test_more_components_than_numbers_are_no_obstacle():
    states = waves(VALUES, width=300, periods=PERIODS, seed=3)
    wide = HalfReader(Numbers(states, VALUES), COLUMNS, SPLIT, SPLIT.folds[1])
    assert accuracy(wide, learn_code(wide.best_evidence)) > 0.9


def test_too_few_numbers_are_refused():
    few = Numbers(np.eye(4), np.arange(4))
    with pytest.raises(NumprobeError, match="4 numbers are too few"):
        HalfReader(few, COLUMNS, SPLIT, SPLIT.folds[0])


def test_equal_states_are_constant():
    assert Numbers(np.ones((5, 3)), np.arange(5)).constant
    assert not Numbers(np.eye(5), np.arange(5)).constant
