import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from numprobe.intervals import resampling_weights
from numprobe.measure.auc import auc_interval, auc_lead_interval


@pytest.mark.parametrize("levels", [2, 7, 100000])
def test_the_area_is_that_of_scikit_learn_with_ties_and_weights(levels):
    random = np.random.default_rng(0)
    values, positive = random.integers(20, size=300), random.random(300) < 0.3
    score = random.integers(levels, size=300) + positive * levels / 5
    found = auc_interval(values, positive, score, 50, 0)
    assert found.value == pytest.approx(roc_auc_score(positive, score))
    weights = resampling_weights(20, 50, 0)[:, values]
    samples = [roc_auc_score(positive, score, sample_weight=row) for row in weights]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(samples, (0.025, 0.975))))


def test_perfect_and_useless_scores():
    values, positive = np.arange(40), np.arange(40) < 10
    perfect = auc_interval(values, positive, positive.astype(float), 100, 0)
    assert (perfect.value, perfect.low, perfect.high) == (1, 1, 1)
    assert auc_interval(values, positive, np.zeros(40), 100, 0).value == 0.5


def test_one_value_has_no_interval():
    found = auc_interval(np.zeros(4, int), np.array([True, False, True, False]), np.array([3.0, 1, 2, 2]), 100, 0)
    assert found.value == 0.875 and found.low is None


def test_a_lead_is_paired():
    random = np.random.default_rng(0)
    values, positive = random.integers(30, size=400), random.random(400) < 0.4
    score, noise = positive + random.standard_normal(400), random.standard_normal(400)
    lead = auc_lead_interval(values, positive, score, noise, 200, 0)
    assert lead.value == pytest.approx(roc_auc_score(positive, score) - roc_auc_score(positive, noise))
    assert lead.low > 0
    same = auc_lead_interval(values, positive, score, 2 * score, 200, 0)
    assert (same.value, same.low, same.high) == (0, 0, 0)
