"""Dissimilarities, their correlation, and nulls: known answers and identities."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import pearsonr, spearmanr

from numprobe.measure.similarity import (
    agreement,
    bootstrap_agreement,
    dissimilarity,
    edit_distance,
    graded,
    log_distance,
    mantel_null,
    p_value,
    value_distance,
)

RNG = np.random.default_rng(0)
STATES = RNG.standard_normal((60, 7))


def matrix(states, kind="cosine", correlation="spearman"):
    return graded(dissimilarity(states, kind), correlation)


def normal(seed, count=60, width=7):
    return np.random.default_rng(seed).standard_normal((count, width))


def compare(first, second, correlation="spearman", kind="cosine"):
    return agreement(*(graded(dissimilarity(states, kind), correlation) for states in (first, second)))


@pytest.mark.parametrize(
    ("kind", "metric"), [("cosine", "cosine"), ("pearson", "correlation"), ("euclidean", "euclidean")]
)
def test_dissimilarities_are_those_of_scipy(kind, metric):
    assert dissimilarity(STATES, kind) == pytest.approx(pdist(STATES, metric))


@pytest.mark.parametrize(("correlation", "reference"), [("spearman", spearmanr), ("pearson", pearsonr)])
def test_agreement_is_the_correlation_of_the_upper_triangles(correlation, reference):
    other = STATES + RNG.standard_normal(STATES.shape)
    expected = reference(pdist(STATES, "cosine"), pdist(other, "cosine")).statistic
    assert compare(STATES, other, correlation) == pytest.approx(expected, abs=1e-5)


def test_a_rotated_and_rescaled_copy_is_the_same_geometry():
    rotation = np.linalg.qr(RNG.standard_normal((12, 7)))[0].T
    assert compare(STATES, 3 * STATES @ rotation) == pytest.approx(1, abs=1e-5)


def test_independent_geometries_agree_no_better_than_permutations():
    first, second = matrix(normal(1, 80, 9)), matrix(normal(2, 80, 9))
    null = mantel_null(first, [second], 200, 0)[0]
    assert abs(agreement(first, second)) < 0.1
    assert 0.01 < p_value(agreement(first, second), null) <= 1
    low, high = bootstrap_agreement(first, second, 200, 0)
    assert low < 0 < high


def test_alike_geometries_are_beyond_all_permutations():
    first, second = matrix(STATES), matrix(STATES + 0.5 * normal(5))
    null = mantel_null(first, [second, first], 200, 0)
    assert null.shape == (2, 200)
    assert p_value(agreement(first, second), null[0]) == pytest.approx(1 / 201)
    assert abs(null).max() < 0.3


def test_permuting_matrices_is_permuting_numbers():
    order = np.random.default_rng(3).permutation(60)
    matrix = graded(dissimilarity(STATES, "euclidean"), "spearman")
    assert graded(dissimilarity(STATES[order], "euclidean"), "spearman") == pytest.approx(matrix[order][:, order])


def test_copies_of_one_number_do_not_count_in_the_bootstrap():
    # With copies, independent data would seem to agree: their distance is 0 in both.
    first, second = (matrix(normal(seed, 100, 40), "euclidean", "pearson") for seed in (1, 2))
    low, high = bootstrap_agreement(first, second, 300, 0)
    assert (low + high) / 2 == pytest.approx(agreement(first, second), abs=0.02)


def test_edit_distances_of_numerals():
    numbers = np.array([7, 17, 71, 123, 321, 999])
    pairs = [(a, b) for i, a in enumerate(numbers) for b in numbers[i + 1 :]]
    found = dict(zip(pairs, edit_distance(numbers), strict=True))
    assert found[7, 17] == found[7, 71] == 1
    assert found[17, 71] == 2
    assert found[123, 321] == 2
    assert found[7, 999] == found[123, 999] == 3
    assert found[71, 123] == 3


def test_distances_of_values():
    assert value_distance(np.array([0, 3, 7])).tolist() == [3, 7, 4]
    assert log_distance(np.array([0, np.e - 1])) == pytest.approx([1])
