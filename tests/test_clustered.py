"""Intervals for clustered rows: known answers, identities, and their behaviour at the ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from numprobe.clustered import area_bounds, area_lead_bounds, change_bounds, share_bounds

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("right", [0, 1, 20, 500, 997, 999, 1000])
def test_shares_of_zero_and_one_have_the_exact_interval(right):
    means = (np.arange(1000) < right).astype(float)[:, None]
    exact = binomtest(right, 1000).proportion_ci(method="exact")
    low, high = share_bounds(means, np.ones(1000))
    assert (low[0], high[0]) == pytest.approx((exact.low, exact.high), abs=5e-4)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 5)), min_size=2, max_size=40))
@settings(deadline=None)
def test_bounds_hold_the_share_and_mirror_each_other(rows):
    right, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    means = right[:, None] / 8
    share = float(weights @ means[:, 0] / weights.sum())
    low, high = share_bounds(means, weights)
    assert 0 <= low[0] <= share + 1e-9 and share - 1e-9 <= high[0] <= 1
    mirrored = share_bounds(1 - means, weights)
    assert (1 - mirrored[1][0], 1 - mirrored[0][0]) == pytest.approx((low[0], high[0]), abs=1e-9)
    assert np.concatenate(share_bounds(means, 3 * weights)) == pytest.approx(np.concatenate((low, high)))


def test_readings_side_by_side_have_the_bounds_of_each_alone():
    means = RNG.integers(0, 9, size=(50, 3)) / 8
    weights = RNG.integers(1, 4, size=50).astype(float)
    together = share_bounds(means, weights)
    for reading in range(3):
        alone = share_bounds(means[:, [reading]], weights)
        assert (together[0][reading], together[1][reading]) == pytest.approx((alone[0][0], alone[1][0]))


def test_rows_of_one_cluster_do_not_narrow_an_interval():
    clusters = np.arange(200)
    before, after = RNG.random(200) < 0.5, RNG.random(200) < 0.6
    once = change_bounds(clusters, before, after, np.ones(200))
    copied = change_bounds(*(np.repeat(column, 5) for column in (clusters, before, after, np.ones(200))))
    assert copied == pytest.approx(once, abs=2e-3)


@pytest.mark.parametrize(("gains", "losses"), [(0, 1), (3, 1), (12, 2), (40, 30)])
def test_the_score_interval_of_a_change_agrees_with_a_constrained_likelihood(gains, losses):
    rows = 100
    after = np.arange(rows) < gains
    before = (np.arange(rows) >= gains) & (np.arange(rows) < gains + losses)
    for bound in change_bounds(np.arange(rows), before, after, np.ones(rows)):
        # Maximise the likelihood over the share of losses, given the true change.
        def unlikely(lost, change=bound):
            shares = np.clip([lost + change, lost, 1 - 2 * lost - change], 1e-300, None)
            return -float(np.array([gains, losses, rows - gains - losses]) @ np.log(shares))

        lost = minimize_scalar(
            unlikely, bounds=(max(0.0, -bound), (1 - bound) / 2), method="bounded", options={"xatol": 1e-10}
        ).x
        variance = (2 * lost + bound - bound**2) / rows
        # The 97.5 % quantile of t with 99 degrees of freedom; 100 clusters of a row each vary 100 / 99 of a binomial.
        expected = 1.98422 * np.sqrt(100 / 99)
        assert abs((gains - losses) / rows - bound) / np.sqrt(variance) == pytest.approx(expected, abs=1e-4)


def test_a_change_that_did_not_happen_has_an_interval_of_some_width():
    right = np.arange(400) < 100
    low, high = change_bounds(np.arange(400), right, right, np.ones(400))
    assert -0.011 < low < -0.008 and high == pytest.approx(-low)


def test_the_area_is_that_of_scikit_learn_and_its_bounds_hold_it():
    positive = RNG.random(300) < 0.2
    score = np.round(RNG.normal(size=300) + positive, 1)
    area, low, high = area_bounds(np.arange(300) // 3, positive, score)
    assert area == pytest.approx(roc_auc_score(positive, score))
    assert low < area < high


def test_separated_kinds_leave_room_below():
    positive = np.arange(100) < 10
    area, low, high = area_bounds(np.arange(100), positive, positive.astype(float))
    assert (area, high) == (1.0, 1.0) and 0.7 < low < 0.95


def test_a_lead_has_the_variance_that_a_jackknife_over_clusters_finds():
    clusters = np.repeat(np.arange(150), 4)
    positive = RNG.random(600) < np.repeat(RNG.beta(1, 3, 150), 4)
    shared = np.repeat(RNG.normal(size=150), 4)
    scores = [shared + RNG.normal(size=600) + positive, shared + RNG.normal(size=600)]
    lead, low, high = area_lead_bounds(clusters, positive, *scores)

    def difference(rows):
        return roc_auc_score(positive[rows], scores[0][rows]) - roc_auc_score(positive[rows], scores[1][rows])

    left_out = np.array([difference(clusters != cluster) for cluster in range(150)])
    error = np.sqrt(149 / 150 * ((left_out - left_out.mean()) ** 2).sum())
    assert lead == pytest.approx(difference(np.ones(600, dtype=bool)))
    assert (high - low) / 2 == pytest.approx(1.98 * error, rel=0.05)
