"""What remains without digits, tokens and distances: nothing of models that share only digits, a circle if shared."""

import numpy as np
import pytest

from numprobe.digits import digit_at
from numprobe.experiments.rsa.covariates import covariates_of, remainder
from numprobe.experiments.rsa.relabelling import relabelled, relabelled_null
from numprobe.measure.similarity import THEORIES, agreement, dissimilarity, graded, mantel_null, p_value

NUMBERS = np.arange(200)
SINGLE = np.column_stack([np.ones_like(NUMBERS), NUMBERS])
COVARIATES = covariates_of(NUMBERS, [SINGLE, SINGLE])


def digit_states(seed, width=32):
    """A random vector for each digit at each place, the model's own, and noise."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((3, 11, width))
    states = sum(vectors[place][digit_at(NUMBERS, place)] for place in range(3))
    return states + 0.2 * rng.standard_normal(states.shape)


def circle(seed, width=32):
    """The circles of periods 10 and 100, in a basis of the model's own."""
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, 4)))[0].T
    angles = 2 * np.pi * np.outer(NUMBERS, [0.1, 0.01])
    return np.hstack([np.sin(angles), np.cos(angles)]) @ basis


def left(states, covariates=COVARIATES):
    return remainder(dissimilarity(states, "cosine"), covariates)


def p_of(first, second, draws=99):
    """Return the larger p-value of both nulls, as the table has it, and that of permuted numbers."""
    value = agreement(first, second)
    permuted = p_value(value, mantel_null(first, [second], draws, 0)[0])
    return max(permuted, p_value(value, relabelled_null(first, second, NUMBERS, draws, 0))), permuted


def test_models_that_share_only_digits_are_not_alike():
    states = [digit_states(seed) for seed in range(24)]
    pairs = list(zip(states[::2], states[1::2], strict=True))
    raw = [agreement(*(graded(dissimilarity(part, "cosine"), "spearman") for part in pair)) for pair in pairs]
    assert min(raw) > 0.2
    remaining = [tuple(map(left, pair)) for pair in pairs]
    assert abs(np.mean([agreement(*pair) for pair in remaining])) < 0.05
    tested = np.array([p_of(*pair) for pair in remaining])
    assert (tested[:, 0] <= 0.05).sum() <= 2
    # Permuted numbers alone would call many of them alike: the vectors of the digits have few degrees of freedom.
    assert (tested[:, 1] < 0.011).sum() >= 3


def test_models_that_share_a_circle_besides_their_digits_are_alike():
    for seed in range(3):
        first, second = (left(0.4 * digit_states(seed + place) + 3 * circle(seed + place)) for place in (10, 20))
        assert agreement(first, second) > 0.3
        assert p_of(first, second)[0] == pytest.approx(0.01)


@pytest.mark.parametrize("theory", list(THEORIES))
def test_nothing_remains_of_the_theories(theory):
    left = remainder(THEORIES[theory](NUMBERS), COVARIATES)
    assert left is None or agreement(left, graded(THEORIES[theory](NUMBERS), "spearman")) < 0.05


def test_what_remains_is_unrelated_to_each_covariate():
    pairs = left(digit_states(0))[np.triu_indices(len(NUMBERS), 1)].astype(np.float64)
    first, second = np.triu_indices(len(NUMBERS), 1)
    for place in range(3):
        equal = digit_at(NUMBERS, place)[first] == digit_at(NUMBERS, place)[second]
        assert np.corrcoef(pairs, equal)[0, 1] == pytest.approx(0, abs=1e-5)
    assert abs(COVARIATES.smooth.T @ pairs).max() < 1e-2
    assert (pairs.mean(), pairs.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-5))


def test_shared_tokens_are_removed_too():
    """Last tokens whatever the digits, with a vector each: numbers that share one are near."""
    rng = np.random.default_rng(0)
    last = rng.integers(0, 30, len(NUMBERS))
    tokens = np.column_stack([np.where(NUMBERS < 100, 1, 2), last])
    states = rng.standard_normal((30, 16))[last] + 0.1 * rng.standard_normal((len(NUMBERS), 16))
    first, second = np.triu_indices(len(NUMBERS), 1)
    shared = (last[first] == last[second]).astype(float)
    left = [remainder(dissimilarity(states, "cosine"), covariates_of(NUMBERS, part)) for part in ([SINGLE], [tokens])]
    of_token = [np.corrcoef(part[first, second], shared)[0, 1] for part in left]
    assert abs(of_token[1]) < 1e-5 < abs(of_token[0])


def test_few_numbers_do_not_suffice():
    numbers = np.arange(15)
    assert COVARIATES.suffice
    assert not covariates_of(numbers, []).suffice


def test_relabelled_digits_keep_which_numbers_share_a_digit():
    numbers = np.arange(1000)
    found = relabelled(numbers, np.random.default_rng(0))
    assert sorted(found) == list(numbers)
    assert [len(str(number)) for number in found] == [len(str(number)) for number in numbers]
    for place in range(3):
        label = {}
        for old, new in zip(digit_at(numbers, place), digit_at(found, place), strict=True):
            assert label.setdefault(int(old), int(new)) == new
