"""Confidence of a probe: the probability that what it reads at a number is right.

A probe's scores are divided by a temperature before the softmax (Guo et al. 2017, arXiv 1706.04599), and the log odds
of the best candidate are mapped to a probability by a logistic regression (Platt 1999). Neither changes a reading, and
both work for every kind of probe.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar

# Temperatures to choose from, in units of the scores' standard deviation across candidates.
_TEMPERATURES = (1e-3, 1e3)
_BINS = 10
# Halvings of a range of temperatures, on a logarithmic scale.
_STEPS = 60


@dataclass(frozen=True)
class Calibration:
    """Maps scores to confidence: sigmoid(slope x log odds + offset), of the scores divided by the temperature."""

    temperature: float = 1.0
    slope: float = 1.0
    offset: float = 0.0

    def confidence(self, scores: np.ndarray) -> np.ndarray:
        """Return the probability that the best candidate is right, float64 [n], from all scores, float [n, N]."""
        return sigmoid(self.slope * log_odds(scores, self.temperature) + self.offset)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities of all candidates, float64 [n, N], the best with its confidence.

        They are a softmax of the scores at the temperature, one for each state, that gives the best its confidence; all
        are equal if that is 1 / N or less.
        """
        return _softmax_with_best(scores, self.confidence(scores))


def fit_calibration(scores: np.ndarray, truth: np.ndarray) -> Calibration:
    """Fit a calibration to states whose numbers the probe has not seen.

    Parameters
    ----------
    scores
        float [n, N]: scores of all candidates.
    truth
        int [n]: index of the true candidate of each.
    """
    temperature = fit_temperature(scores, truth)
    odds = log_odds(scores, temperature)
    slope, offset = _fit_logistic(odds, scores.argmax(axis=1) == truth)
    return Calibration(temperature, slope, offset)


def probabilities(scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the softmax of scores / temperature over the candidates, float64 [n, N]."""
    exponentials = np.exp(_relative(scores) / temperature)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def log_odds(scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the log odds of the best candidate against all others, float64 [n].

    They order the states as its probability does, and still tell apart states at which it rounds to 1.
    """
    relative = _relative(scores) / temperature
    relative[np.arange(len(relative)), relative.argmax(axis=1)] = -np.inf
    others = relative.max(axis=1)
    return np.asarray(-others - np.log(np.exp(relative - others[:, None]).sum(axis=1)))


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Return the probability with the given log odds."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(log_odds) / 2)))


def fit_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature at which the true candidates are most likely; 1 if all candidates have equal scores."""
    relative = _relative(scores)
    unit = float(relative.std(axis=1).mean())
    if not unit:
        return 1.0
    true = relative[np.arange(len(truth)), truth]

    def loss(logarithm: float) -> float:
        temperature = unit * np.exp(logarithm)
        return float(np.mean(np.log(np.exp(relative / temperature).sum(axis=1)) - true / temperature))

    found = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded", options={"xatol": 1e-3})
    return unit * float(np.exp(found.x))


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error: the mean distance of confidence from accuracy over ten bins.

    Parameters
    ----------
    confidence
        float [n]: probability of each reading.
    right
        bool [n]: whether it is right.
    """
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    sums = np.bincount(place, weights=confidence - right, minlength=_BINS)
    return float(np.abs(sums).sum() / len(confidence))


def _fit_logistic(odds: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Return slope (not negative) and offset of a logistic regression.

    The targets are those of Platt: one more reading of each kind, so that no confidence is certain.
    """
    hits, misses = int(right.sum()), int((~right).sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))
    centre, unit = odds.mean(), odds.std() or 1.0
    standard = (odds - centre) / unit
    rate = float(target.mean())
    start = np.array([0.0, np.log(rate / (1 - rate))])

    def loss(both: np.ndarray) -> tuple[float, np.ndarray]:
        logits = both[0] * standard + both[1]
        slack = sigmoid(logits) - target
        value = np.logaddexp(0, logits) - target * logits
        return float(value.sum()), np.array([slack @ standard, slack.sum()])

    slope, offset = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)]).x
    return float(slope / unit), float(offset - slope * centre / unit)


def _softmax_with_best(scores: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Return softmaxes of scores, float64 [n, N], each at the temperature at which its largest is `best` ([n])."""
    relative = _relative(scores)
    spread = np.maximum(-relative.mean(axis=1), np.finfo(np.float64).tiny)
    # At the ends of this range, the best candidate has all of the probability, and hardly more than the others.
    low, high = np.log(spread) - 20, np.log(spread) + 20
    for _ in range(_STEPS):
        middle = (low + high) / 2
        share = 1 / np.exp(relative / np.exp(middle)[:, None]).sum(axis=1)
        low, high = np.where(share > best, middle, low), np.where(share > best, high, middle)
    exponentials = np.exp(relative / np.exp(high)[:, None])
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _relative(scores: np.ndarray) -> np.ndarray:
    """Return scores minus the best of each state, float64 [n, N]."""
    exact = np.asarray(scores, dtype=np.float64)
    return np.asarray(exact - exact.max(axis=1, keepdims=True))
