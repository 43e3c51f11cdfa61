import numpy as np
import pytest
from tests.probes.planted import fit, split_of, waves

from numprobe.experiments.sample_efficiency.code_length import Coder, fit_coder, probe_scores
from numprobe.probes.controls import gaussian_states

VALUES = np.arange(100)
SPLIT = split_of(99)


def fold_scores(kind, states):
    probe = fit(kind, states, VALUES, SPLIT)
    return probe, probe_scores(probe, states[SPLIT.block == 0], "0", "0"), VALUES[SPLIT.block == 0]


@pytest.mark.parametrize("kind", ["fourier", "digits", "linear", "log"])
def test_probabilities_of_all_candidates_sum_to_one(kind):
    probe, scores, index = fold_scores(kind, waves(VALUES, periods=(2, 5, 10, 100)))
    coder = fit_coder(probe, scores, index)
    each = [coder.bits(scores[:1], np.array([candidate])) for candidate in VALUES]
    assert np.exp2(-np.concatenate(each)).sum() == pytest.approx(1)


def test_no_sharpness_is_the_uniform_code():
    scores = np.random.default_rng(0).standard_normal((5, 100)).astype(np.float32)
    assert Coder(0.0, np.zeros(100), 0.1).bits(scores, np.arange(5)) == pytest.approx(np.log2(100))


def test_a_confident_error_has_a_bounded_price():
    scores = np.zeros((1, 100), dtype=np.float32)
    scores[0, 3] = 1e4
    coder = Coder(1.0, np.zeros(100), 1 / 9)
    assert coder.bits(scores, np.array([7]))[0] == pytest.approx(np.log2(900))
    assert coder.bits(scores, np.array([3]))[0] < 0.2


def test_scores_that_say_nothing_are_given_no_weight():
    probe = fit("digits", gaussian_states(VALUES, 12, 0), VALUES, SPLIT)
    noise = np.random.default_rng(0).standard_normal((60, 100)).astype(np.float32)
    coder = fit_coder(probe, noise, np.random.default_rng(1).permutation(100)[:60])
    assert coder.bits(noise, np.arange(60)).mean() == pytest.approx(np.log2(100), abs=0.2)


def test_the_gaussian_of_linear_is_as_wide_as_the_held_out_residuals():
    random = np.random.default_rng(0)
    states = np.outer(VALUES + 4 * random.standard_normal(100), random.standard_normal(8))
    probe, scores, index = fold_scores("linear", states)
    coder = fit_coder(probe, scores, index)
    assert 2 < 1 / np.sqrt(coder.sharpness) < 8
    # Entropy of a Gaussian of this width.
    assert coder.bits(scores, index).mean() == pytest.approx(np.log2(4 * np.sqrt(2 * np.pi * np.e)), abs=0.8)
