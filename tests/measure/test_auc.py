import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from numprobe.intervals import SCORE
from numprobe.measure.auc import DELONG, auc_interval, auc_lead_interval


@pytest.mark.parametrize("levels", [2, 7, 100000])
def test_the_area_is_that_of_scikit_learn_with_ties(levels):
    random = np.random.default_rng(0)
    values, positive = random.integers(20, size=300), random.random(300) < 0.3
    score = random.integers(levels, size=300) + positive * levels / 5
    found = auc_interval(values, positive, score)
    assert found.value == pytest.approx(roc_auc_score(positive, score))
    assert found.low < found.value < found.high
    assert (found.resampled, found.n_values, found.n_prompts) == (SCORE, 20, 300)


def test_perfect_and_useless_scores():
    values, positive = np.arange(40), np.arange(40) < 10
    perfect = auc_interval(values, positive, positive.astype(float))
    assert (perfect.value, perfect.high) == (1, 1) and 0.8 < perfect.low < 0.95
    useless = auc_interval(values, positive, np.zeros(40))
    assert useless.value == 0.5 and useless.high - useless.low > 0.3


def test_one_value_has_no_interval():
    found = auc_interval(np.zeros(4, int), np.array([True, False, True, False]), np.array([3.0, 1, 2, 2]))
    assert found.value == 0.875 and found.low is None


def test_a_lead_is_paired():
    random = np.random.default_rng(0)
    values, positive = random.integers(30, size=400), random.random(400) < 0.4
    score, noise = positive + random.standard_normal(400), random.standard_normal(400)
    lead = auc_lead_interval(values, positive, score, noise)
    assert lead.value == pytest.approx(roc_auc_score(positive, score) - roc_auc_score(positive, noise))
    assert lead.low > 0 and lead.resampled == DELONG
    same = auc_lead_interval(values, positive, score, 2 * score)
    assert (same.value, same.low, same.high) == (0, 0, 0)
