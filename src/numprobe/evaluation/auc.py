"""How well a score tells two kinds of prompts apart, with an interval over values."""

import numpy as np
from scipy.sparse import csr_array

from numprobe.intervals import BOOTSTRAP, Interval, resampling_weights

# Bootstrap samples that are in memory at a time.
_CHUNK = 200


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
    unit, tie = (np.unique(column, return_inverse=True)[1] for column in (values, score))
    shape = (int(unit.max()) + 1, int(tie.max()) + 1)
    above, below = (csr_array((kind.astype(np.float64), (unit, tie)), shape) for kind in (positive, ~positive))
    value = float(_area(np.ones((1, shape[0])), above, below)[0])
    size = (shape[0], len(values))
    if shape[0] < 2:
        return Interval(value, None, None, None, *size)
    weights = resampling_weights(shape[0], resamples, seed)
    parts = [_area(weights[start : start + _CHUNK], above, below) for start in range(0, resamples, _CHUNK)]
    samples = np.concatenate(parts)
    low, high = np.nanquantile(samples, ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, min(float(low), value), max(float(high), value), BOOTSTRAP, *size)


def _area(weights: np.ndarray, above: csr_array, below: csr_array) -> np.ndarray:
    """The area in each sample, float64 [samples]; NaN where one kind is missing."""
    positive, negative = weights @ above, weights @ below
    lower = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    won = (positive * lower).sum(axis=1)
    return np.asarray(np.divide(won, pairs, where=pairs > 0, out=np.full(len(pairs), np.nan)))
