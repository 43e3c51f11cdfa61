"""Scores of decoded numbers with confidence intervals over numbers, not prompts.

Prompts of one number are not independent: a probe that misses 17 misses it nearly everywhere. So the unit of every
interval is the number. Shares and their changes have intervals in closed form, all else a bootstrap.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import beta

from numprobe.clustered import change_bounds, share_bounds
from numprobe.seeding import generator

BOOTSTRAP = "values (bootstrap)"
#: Exact at the effective number of values (`numprobe.clustered`).
EXACT = "values (exact)"
#: A score interval (`numprobe.clustered`).
SCORE = "values (score)"


@dataclass(frozen=True)
class Interval:
    """A score and its confidence interval.

    Attributes
    ----------
    value
        The score; None if it is not defined (the coefficient of determination of a single number).
    low, high
        Bounds; None if there is but one value, whose rows do not agree.
    resampled
        `BOOTSTRAP`, `EXACT`, `SCORE`, or None.
    n_values, n_prompts
        Numbers of distinct values and of rows that were scored.
    """

    value: float | None
    low: float | None
    high: float | None
    resampled: str | None
    n_values: int
    n_prompts: int

    def columns(self, unit: str = "values") -> dict[str, Any]:
        """Return the score as columns of a table of measurements (`numprobe.tables.MEASUREMENT`).

        Parameters
        ----------
        unit
            The unit whose rows share their fate, such as "true results".
        """
        return {
            "value": self.value,
            "ci_low": self.low,
            "ci_high": self.high,
            "resampled": self.resampled and self.resampled.replace("values", unit, 1),
            "n_values": self.n_values,
            "n_prompts": self.n_prompts,
        }


def accuracy_interval(values: np.ndarray, correct: np.ndarray, level: float = 0.95) -> Interval:
    """Return the mean over values of the share of that value's rows that are correct.

    The interval is exact at the effective number of values (`numprobe.clustered.share_bounds`).

    Parameters
    ----------
    values
        int [n]: the number of each row; not empty.
    correct
        bool [n]: whether the row was read correctly.
    level
        Coverage.
    """
    return accuracy_intervals(values, correct[:, None], level)[0]


def accuracy_intervals(values: np.ndarray, correct: np.ndarray, level: float = 0.95) -> list[Interval]:
    """Return `accuracy_interval` of many readings of the same rows, bool [n, k]."""
    count, means = _means_by_value(values, correct)
    return _shares(means, count, np.ones(len(count)), level)


def prompt_accuracy_interval(values: np.ndarray, correct: np.ndarray, level: float = 0.95) -> Interval:
    """Return the mean over rows, which gives frequent values more weight; otherwise as `accuracy_interval`."""
    count, means = _means_by_value(values, correct[:, None])
    return _shares(means, count, count.astype(np.float64), level)[0]


def change_interval(values: np.ndarray, before: np.ndarray, after: np.ndarray, level: float = 0.95) -> Interval:
    """Return the change of the accuracy between two readings of the same rows, where every value weighs the same.

    Parameters
    ----------
    values
        int [n]: the number of each row; not empty.
    before, after
        bool [n]: whether the row is correct in each reading.
    level
        Coverage, of a score interval (`numprobe.clustered.change_bounds`).
    """
    place, count = np.unique(values, return_inverse=True, return_counts=True)[1:]
    return _change(values, before, after, 1 / count[place], level)


def prompt_change_interval(values: np.ndarray, before: np.ndarray, after: np.ndarray, level: float = 0.95) -> Interval:
    """Return the change over rows, which gives frequent values more weight; otherwise as `change_interval`."""
    return _change(values, before, after, np.ones(len(values)), level)


def mean_interval(values: np.ndarray, scores: np.ndarray, resamples: int, seed: int, level: float = 0.95) -> Interval:
    """Return the mean over values of the mean score of that value's rows, with a bootstrap over values.

    Parameters
    ----------
    values
        int [n]: the number of each row; not empty.
    scores
        float [n]: any score, such as an absolute error.
    resamples
        Number of bootstrap samples.
    seed
        The study's seed.
    level
        Coverage.
    """
    count, total = _per_value(values, scores)
    return _bootstrap((total / count,), np.ones(len(count)), _first, count, resamples, seed, level)


def prompt_mean_interval(
    values: np.ndarray, scores: np.ndarray, resamples: int, seed: int, level: float = 0.95
) -> Interval:
    """Return the mean over rows of any score, which gives frequent values more weight; otherwise as `mean_interval`."""
    count, total = _per_value(values, scores)
    return _bootstrap((total / count,), count, _first, count, resamples, seed, level)


def explained_interval(
    values: np.ndarray, error: np.ndarray, spread: np.ndarray, resamples: int, seed: int, level: float = 0.95
) -> Interval:
    """Return 1 - sum of errors / sum of spreads, with equal weight of all values; bootstrap over values.

    Parameters
    ----------
    values
        int [n]: the number of each row; not empty.
    error, spread
        float [n]: squared distances of each row from its prediction and from the mean.
    resamples, seed, level
        As `mean_interval`.
    """
    count, left = _per_value(values, error)
    _, total = _per_value(values, spread)
    return _bootstrap((left / count, total / count), np.ones(len(count)), _explained, count, resamples, seed, level)


def r2_interval(values: np.ndarray, decoded: np.ndarray, resamples: int, seed: int, level: float = 0.95) -> Interval:
    """Return the coefficient of determination of the decoded numbers, with equal weight of all values.

    1 - (mean squared error) / (variance of the values), with a bootstrap over values. Negative if the mean of the
    values is the better guess; not defined (None) for a single value.

    Parameters
    ----------
    values, decoded
        int [n]: the number of each row, and the decoded number; not empty.
    resamples, seed, level
        As `mean_interval`.
    """
    count, error = _per_value(values, (decoded - values).astype(np.float64) ** 2)
    # Centred, so that the mean of squares minus the squared mean loses no precision.
    number = np.unique(values).astype(np.float64)
    number -= number.mean()
    if len(count) < 2:
        return Interval(None, None, None, None, len(count), int(count.sum()))
    parts = (error / count, number, number**2)
    return _bootstrap(parts, np.ones(len(count)), _determination, count, resamples, seed, level)


def exact_bounds(successes: float, trials: float, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a proportion (Clopper and Pearson 1934).

    Parameters
    ----------
    successes
        Number of successes, 0..trials; need not be whole.
    trials
        Number of trials, above 0.
    level
        Coverage, at least.
    """
    tail, failures = (1 - level) / 2, trials - successes
    low = 0.0 if successes <= 0 else float(beta.ppf(tail, successes, failures + 1))
    high = 1.0 if failures <= 0 else float(beta.ppf(1 - tail, successes + 1, failures))
    return low, high


@lru_cache(maxsize=8)
def resampling_weights(count: int, resamples: int, seed: int) -> np.ndarray:
    """Draw bootstrap samples as counts of `count` units, float64 [resamples, count]; rows sum to `count`.

    All scores with equally many units share one set of samples, so the means over samples are one matrix product.
    """
    draws = generator(seed, "bootstrap", count, resamples).integers(count, size=(resamples, count))
    flat = draws + np.arange(resamples)[:, None] * count
    weights = np.bincount(flat.ravel(), minlength=resamples * count).reshape(resamples, count).astype(np.float64)
    weights.setflags(write=False)
    return weights


def shares_by_value(values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the mean score of each value's rows, float64 [values], ascending by value; rows must not be empty."""
    count, total = _per_value(values, scores)
    return np.asarray(total / count)


def _per_value(values: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of rows and the sum of scores of each value, ascending by value."""
    if len(values) == 0:
        raise ValueError("no rows to score")
    place = np.asarray(values, dtype=np.int64) - int(np.min(values))
    count = np.bincount(place)
    total = np.bincount(place, weights=np.asarray(scores, dtype=np.float64))
    present = count > 0
    return count[present], total[present]


def _means_by_value(values: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of rows of each value, ascending, and the means of `scores` [n, k] over them [values, k]."""
    if len(values) == 0:
        raise ValueError("no rows to score")
    order = np.argsort(values, kind="stable")
    first = np.flatnonzero(np.diff(values[order], prepend=values[order[:1]] - 1))
    count = np.diff(first, append=len(values))
    return count, np.add.reduceat(scores[order].astype(np.float64), first, axis=0) / count[:, None]


def _shares(means: np.ndarray, count: np.ndarray, weight: np.ndarray, level: float) -> list[Interval]:
    """Return the weighted mean over values of each column of `means`, with its interval."""
    shares = (weight @ means / weight.sum()).tolist()
    size = (len(count), int(count.sum()))
    if len(count) < 2:
        return [_share_of_one(share, size, level) for share in shares]
    bounds = zip(shares, *(part.tolist() for part in share_bounds(means, weight, level)), strict=True)
    return [Interval(share, min(low, share), max(high, share), EXACT, *size) for share, low, high in bounds]


def _share_of_one(share: float, size: tuple[int, int], level: float) -> Interval:
    """Return the share of a single value, which has an interval only where its rows agree."""
    if share not in (0, 1):
        return Interval(share, None, None, None, *size)
    return Interval(share, *exact_bounds(share, 1, level), EXACT, *size)


def _change(values: np.ndarray, before: np.ndarray, after: np.ndarray, weights: np.ndarray, level: float) -> Interval:
    """Return the weighted mean over rows of the change of each."""
    change = float(weights @ (after.astype(np.float64) - before) / weights.sum())
    size = (len(np.unique(values)), len(values))
    if size[0] < 2:
        return Interval(change, None, None, None, *size)
    low, high = change_bounds(values, before, after, weights, level)
    return Interval(change, min(low, change), max(high, change), SCORE, *size)


Statistic = Callable[..., np.ndarray]


def _bootstrap(
    parts: tuple[np.ndarray, ...],
    weight: np.ndarray,
    statistic: Statistic,
    count: np.ndarray,
    resamples: int,
    seed: int,
    level: float,
) -> Interval:
    """Return the percentile bootstrap of a function of weighted means over values, widened to hold the estimate."""
    weighted = np.column_stack([*(part * weight for part in parts), weight])
    value = float(statistic(*_means(weighted.sum(axis=0))))
    size = (len(weight), int(count.sum()))
    if len(weight) < 2:
        return Interval(value, None, None, None, *size)
    samples = statistic(*_means(resampling_weights(len(weight), resamples, seed) @ weighted))
    # A sample of only one distinct value has no variance to explain.
    tail = (1 - level) / 2
    low, high = np.quantile(samples[np.isfinite(samples)], (tail, 1 - tail))
    return Interval(value, min(float(low), value), max(float(high), value), BOOTSTRAP, *size)


def _means(sums: np.ndarray) -> list[np.ndarray]:
    return [sums[..., part] / sums[..., -1] for part in range(sums.shape[-1] - 1)]


def _first(mean: np.ndarray) -> np.ndarray:
    return mean


def _explained(error: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.asarray(1 - error / spread)


def _determination(error: np.ndarray, number: np.ndarray, square: np.ndarray) -> np.ndarray:
    variance = np.asarray(square - number**2)
    # The variance of distinct numbers is at least of order 1 / count; less is rounding.
    defined = variance > 1e-9
    return np.where(defined, 1 - error / np.where(defined, variance, 1.0), np.nan)
