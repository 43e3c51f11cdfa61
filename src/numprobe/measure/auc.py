"""Area under the ROC curve of a score that separates two kinds of prompts, with an interval over values."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from numprobe.intervals import BOOTSTRAP, Interval, resampling_weights

# Bootstrap samples that are in memory at a time.
_CHUNK = 200

#: Weights of the values [samples, values] -> a number per sample.
Statistic = Callable[[np.ndarray], np.ndarray]


def auc_interval(
    values: np.ndarray, positive: np.ndarray, score: np.ndarray, resamples: int, seed: int, level: float = 0.95
) -> Interval:
    """Area under the ROC curve: how often a positive row scores above a negative one, ties counting half.

    Each row weighs the same; percentile bootstrap over values, samples that hold one kind alone left out.

    Parameters
    ----------
    values
        int [n]: the number of each row, the unit of resampling.
    positive
        bool [n]: with both kinds.
    score
        float [n].
    resamples, seed, level
        As `numprobe.intervals.accuracy_interval`.
    """
    return _interval(values, _areas(values, positive, score), resamples, seed, level)


def auc_lead_interval(
    values: np.ndarray,
    positive: np.ndarray,
    score: np.ndarray,
    rival: np.ndarray,
    resamples: int,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """The area of `score` minus that of `rival` (float [n]) in the same samples; the rest as `auc_interval`."""
    ours, theirs = _areas(values, positive, score), _areas(values, positive, rival)
    return _interval(values, lambda weights: ours(weights) - theirs(weights), resamples, seed, level)


def _areas(values: np.ndarray, positive: np.ndarray, score: np.ndarray) -> Statistic:
    unit, tie = (np.unique(column, return_inverse=True)[1] for column in (values, score))
    shape = (int(unit.max()) + 1, int(tie.max()) + 1)
    above, below = (csr_array((kind.astype(np.float64), (unit, tie)), shape) for kind in (positive, ~positive))
    return lambda weights: _area(weights, above, below)


def _interval(values: np.ndarray, statistic: Statistic, resamples: int, seed: int, level: float) -> Interval:
    units = len(np.unique(values))
    value = float(statistic(np.ones((1, units)))[0])
    if units < 2:
        return Interval(value, None, None, None, units, len(values))
    weights = resampling_weights(units, resamples, seed)
    parts = [statistic(weights[start : start + _CHUNK]) for start in range(0, resamples, _CHUNK)]
    low, high = np.nanquantile(np.concatenate(parts), ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, min(float(low), value), max(float(high), value), BOOTSTRAP, units, len(values))


def _area(weights: np.ndarray, above: csr_array, below: csr_array) -> np.ndarray:
    """The area in each sample, float64 [samples]; NaN where one kind is missing."""
    positive, negative = weights @ above, weights @ below
    lower = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    won = (positive * lower).sum(axis=1)
    return np.asarray(np.divide(won, pairs, where=pairs > 0, out=np.full(len(pairs), np.nan)))
