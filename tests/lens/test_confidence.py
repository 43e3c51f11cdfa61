import numpy as np
import pytest
from numpy.testing import assert_allclose

from numprobe.lens.confidence import (
    Calibration,
    calibration_error,
    fit_calibration,
    fit_temperature,
    log_odds,
    probabilities,
    sigmoid,
)

RNG = np.random.default_rng(0)


def drawn(count, candidates=20, sharpness=3.0):
    """Scores that are log-likelihoods, and numbers drawn from them."""
    scores = sharpness * RNG.standard_normal((count, candidates))
    likely = probabilities(scores)
    return scores, np.array([RNG.choice(candidates, p=row) for row in likely])


def test_the_temperature_undoes_a_factor():
    scores, truth = drawn(4000)
    for factor in (0.1, 1.0, 7.0):
        assert fit_temperature(factor * scores, truth) == pytest.approx(factor, rel=0.06)


def test_equal_scores_have_no_temperature():
    assert fit_temperature(np.zeros((5, 3)), np.zeros(5, dtype=int)) == 1.0


def test_frequencies_are_calibrated_and_exaggerations_are_not():
    scores, truth = drawn(4000)
    right = scores.argmax(axis=1) == truth
    assert calibration_error(probabilities(scores).max(axis=1), right) < 0.03
    assert calibration_error(probabilities(5 * scores).max(axis=1), right) > 0.1
    cooled = probabilities(5 * scores, fit_temperature(5 * scores, truth)).max(axis=1)
    assert calibration_error(cooled, right) < 0.03


def test_the_calibration_error_of_known_cases():
    right = np.array([True, True, True, False])
    assert calibration_error(np.full(4, 0.75), right) == pytest.approx(0)
    assert calibration_error(np.ones(4), right) == pytest.approx(0.25)
    assert calibration_error(np.array([0.05, 0.05, 1.0, 1.0]), np.array([False, False, True, True])) == pytest.approx(
        0.025
    )


def test_log_odds_are_those_of_the_best_candidate():
    scores = RNG.standard_normal((30, 7))
    for temperature in (0.5, 1.0, 3.0):
        best = probabilities(scores, temperature).max(axis=1)
        odds = log_odds(scores, temperature)
        assert_allclose(odds, np.log(best / (1 - best)), rtol=1e-9)
        assert_allclose(sigmoid(odds), best, rtol=1e-9)


def test_log_odds_tell_apart_what_rounds_to_certainty():
    scores = np.array([[100.0, 0.0, 0.0], [200.0, 0.0, 0.0]])
    assert probabilities(scores).max(axis=1).tolist() == [1.0, 1.0]
    assert_allclose(log_odds(scores), np.array([100, 200]) - np.log(2))


def test_confidence_of_scores_with_outliers_is_right_as_often_as_it_says():
    """A few exaggerated mistakes, which no temperature mends."""
    scores, truth = drawn(6000)
    wrong = RNG.random(6000) < 0.1
    scores[wrong] *= 30
    fitted = fit_calibration(scores[::2], truth[::2])
    right = scores.argmax(axis=1) == truth
    assert calibration_error(fitted.confidence(scores[1::2]), right[1::2]) < 0.05


def test_no_confidence_is_certain_and_none_falls_with_the_odds():
    scores, _ = drawn(200)
    best = scores.argmax(axis=1)
    always = fit_calibration(scores, best)
    assert (always.confidence(scores) < 1).all() and always.confidence(scores).mean() > 0.98
    # Right where the odds are low.
    odds = log_odds(scores)
    misled = fit_calibration(scores, np.where(odds < np.median(odds), best, (best + 1) % scores.shape[1]))
    assert misled.slope >= 0


def test_probabilities_of_all_candidates_agree_with_the_confidence_and_the_scores():
    scores = RNG.standard_normal((50, 12)) * RNG.choice([1e-3, 1, 1e4], (50, 1))
    for calibration in (Calibration(), Calibration(2.0, 0.5, 1.0), Calibration(1.0, 0.0, -1.0)):
        shares = calibration.probabilities(scores)
        assert_allclose(shares.sum(axis=1), 1)
        assert_allclose(shares.max(axis=1), np.maximum(calibration.confidence(scores), 1 / 12), atol=1e-6)
        assert (np.argsort(-shares, axis=1, kind="stable")[:, 0] == scores.argmax(axis=1)).all()
    assert_allclose(Calibration().probabilities(scores[:1]), probabilities(scores[:1]), atol=1e-6)
    assert_allclose(Calibration().probabilities(np.zeros((1, 4))), 0.25)
