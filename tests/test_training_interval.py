import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest

from numprobe.training_interval import NUMBERS_OF_ONE, TRAININGS, training_interval


@pytest.mark.parametrize("median", [0.3, 0.7, 0.9, 0.97, 0.99])
@pytest.mark.parametrize("spread", [0.1, 0.3, 0.8])
def test_five_trainings_cover_the_median_as_often_as_they_say(median, spread):
    """Logit-normal trainings, each tested on the same 1,000 numbers."""
    random = np.random.default_rng(16)
    shares = np.round(expit(logit(median) + spread * random.standard_normal((1000, 5))), 3)
    bounds = np.array([training_interval(row, 1000)[:2] for row in shares])
    covered = ((bounds[:, 0] <= median) & (median <= bounds[:, 1])).mean()
    assert 0.93 <= covered <= 0.985


@pytest.mark.parametrize("trainings", [2, 3, 10])
def test_other_counts_of_trainings_cover_too(trainings):
    random = np.random.default_rng(17)
    shares = expit(logit(0.8) + 0.3 * random.standard_normal((1000, trainings)))
    bounds = np.array([training_interval(row, 1000)[:2] for row in shares])
    covered = ((bounds[:, 0] <= 0.8) & (bounds[:, 1] >= 0.8)).mean()
    assert 0.93 <= covered <= 0.985


@pytest.mark.parametrize("readings", [(0.70, 0.66), (0.74, 0.79)])
def test_the_interval_of_trainings_that_differ_like_two_processors_holds_both_readings(readings):
    """The same configuration and seed, trained on two processors, lay outside both intervals over numbers."""
    standard = np.array([-1.2, -0.6, 0.0, 0.6, 1.2])
    shares = np.mean(readings) + np.std(readings, ddof=1) * standard / standard.std(ddof=1)
    for found in (readings, shares):
        low, high, method = training_interval(found, 1000)
        assert low < min(readings) < max(readings) < high
        assert method == TRAININGS


def test_far_from_the_ends_it_is_the_interval_of_the_mean():
    shares = np.array([0.49, 0.5, 0.5, 0.51])
    low, high, _ = training_interval(shares, 1000)
    half = 3.1824463 * shares.std(ddof=1) / 2
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.7, 1.0])
def test_trainings_that_read_equally_many_numbers_have_the_interval_of_these(share):
    exact = binomtest(round(share * 1000), 1000).proportion_ci(method="exact")
    low, high, method = training_interval([share] * 5, 1000)
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert method == NUMBERS_OF_ONE


@pytest.mark.parametrize("shares", [[1.0, 1.0, 0.2], [0.0, 0.001], [1.0, 0.999, 1.0, 1.0, 1.0], [0.0, 1.0]])
def test_bounds_stay_within_shares_and_hold_the_mean(shares):
    low, high, _ = training_interval(shares, 1000)
    assert 0 <= low <= np.mean(shares) <= high <= 1
    assert low < high


def test_it_mirrors_when_hits_become_misses():
    low, high, _ = training_interval([0.9, 0.95, 0.97], 200)
    mirrored = training_interval([0.1, 0.05, 0.03], 200)
    assert (1 - high, 1 - low) == pytest.approx(mirrored[:2])


@pytest.mark.parametrize("shares", [[0.5], [0.5, 1.2], [-0.1, 0.5]])
def test_other_shares_are_refused(shares):
    with pytest.raises(ValueError, match="at least two shares"):
        training_interval(shares, 100)
