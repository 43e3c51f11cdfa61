"""Scores of decoded numbers with confidence intervals over numbers, not prompts.

Prompts of one number are not independent: a probe that misses 17 misses it nearly everywhere. So scores are first
averaged within each number, and numbers are resampled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from numprobe.seeding import generator

BOOTSTRAP = "values (bootstrap)"
WILSON = "values (Wilson)"


@dataclass(frozen=True)
class Interval:
    """A score and its confidence interval.

    Attributes
    ----------
    value
        The score; None if it is not defined (the coefficient of determination of a single number).
    low, high
        Bounds; None if there is nothing to resample.
    resampled
        `BOOTSTRAP`, `WILSON`, or None.
    n_values, n_prompts
        Numbers of distinct values and of rows that were scored.
    """

    value: float | None
    low: float | None
    high: float | None
    resampled: str | None
    n_values: int
    n_prompts: int

    def columns(self) -> dict[str, Any]:
        """Return the score as columns of a table of measurements (`numprobe.tables.MEASUREMENT`)."""
        return {
            "value": self.value,
            "ci_low": self.low,
            "ci_high": self.high,
            "resampled": self.resampled,
            "n_values": self.n_values,
            "n_prompts": self.n_prompts,
        }


def accuracy_interval(
    values: np.ndarray, correct: np.ndarray, resamples: int, seed: int, level: float = 0.95
) -> Interval:
    """Return the mean over values of the share of that value's rows that are correct.

    The interval is a percentile bootstrap over values or, if every value scores exactly 0 or 1, Wilson's score interval
    (Wilson 1927) over the values, which does not collapse at 0 and 1 as the bootstrap does.

    Parameters
    ----------
    values
        int [n]: the number of each row; not empty.
    correct
        bool [n]: whether the row was read correctly.
    resamples
        Number of bootstrap samples.
    seed
        The study's seed.
    level
        Coverage.
    """
    count, total = _per_value(values, correct)
    return _share(total / count, count, np.ones(len(count)), resamples, seed, level)


def accuracy_intervals(
    values: np.ndarray, correct: np.ndarray, resamples: int, seed: int, level: float = 0.95
) -> list[Interval]:
    """Return `accuracy_interval` of many readings of the same rows, at a fraction of its cost.

    Parameters
    ----------
    values
        int [n]: the number of each row; not empty.
    correct
        bool [n, k]: whether each reading of the row is correct.
    resamples, seed, level
        As `accuracy_interval`.

    Notes
    -----
    All readings share the bootstrap samples, so these are one product of matrices, O(resamples x values x k).
    """
    order = np.argsort(values, kind="stable")
    first = np.flatnonzero(np.diff(values[order], prepend=values[order[:1]] - 1))
    count = np.diff(first, append=len(values))
    means = np.add.reduceat(correct[order].astype(np.float64), first, axis=0) / count[:, None]
    binary = np.asarray(np.isin(means, (0.0, 1.0)).all(axis=0))
    lows, highs = _share_bounds(means, resamples, seed, level)
    found = []
    for share, low, high, whole in zip(means.mean(axis=0).tolist(), lows, highs, binary.tolist(), strict=True):
        if whole:
            low, high = wilson(share * len(count), len(count), level)
        if whole or len(count) > 1:
            bounds = (min(low, share), max(high, share), WILSON if whole else BOOTSTRAP)
            found.append(Interval(share, *bounds, len(count), len(values)))
        else:
            found.append(Interval(share, None, None, None, len(count), len(values)))
    return found


def _share_bounds(means: np.ndarray, resamples: int, seed: int, level: float) -> list[list[float]]:
    """Return the low and high quantiles of the bootstrapped means over values of `means` [values, k], k each."""
    samples = resampling_weights(len(means), resamples, seed) @ means / len(means)
    tail = (1 - level) / 2
    return [bound.tolist() for bound in np.quantile(samples, (tail, 1 - tail), axis=0)]


def prompt_accuracy_interval(
    values: np.ndarray, correct: np.ndarray, resamples: int, seed: int, level: float = 0.95
) -> Interval:
    """Return the mean over rows, which gives frequent values more weight; otherwise as `accuracy_interval`."""
    count, total = _per_value(values, correct)
    return _share(total / count, count, count, resamples, seed, level)


def mean_interval(values: np.ndarray, scores: np.ndarray, resamples: int, seed: int, level: float = 0.95) -> Interval:
    """Return the mean over values of the mean score of that value's rows, with a bootstrap over values.

    Parameters
    ----------
    values
        int [n]: the number of each row; not empty.
    scores
        float [n]: any score, such as an absolute error.
    resamples, seed, level
        As `accuracy_interval`.
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
        As `accuracy_interval`.
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
        As `accuracy_interval`.
    """
    count, error = _per_value(values, (decoded - values).astype(np.float64) ** 2)
    # Centred, so that the mean of squares minus the squared mean loses no precision.
    number = np.unique(values).astype(np.float64)
    number -= number.mean()
    if len(count) < 2:
        return Interval(None, None, None, None, len(count), int(count.sum()))
    parts = (error / count, number, number**2)
    return _bootstrap(parts, np.ones(len(count)), _determination, count, resamples, seed, level)


def wilson(successes: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion.

    Parameters
    ----------
    successes
        Number of successes, 0..trials.
    trials
        Number of trials, at least 1.
    level
        Coverage.
    """
    share, z = successes / trials, NormalDist().inv_cdf((1 + level) / 2)
    scale = 1 + z**2 / trials
    centre = (share + z**2 / (2 * trials)) / scale
    half = z / scale * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # Exact bounds at 0 and 1, where rounding would leave the estimate outside.
    low = 0.0 if share == 0 else float(centre - half)
    high = 1.0 if share == 1 else float(centre + half)
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


def _share(
    means: np.ndarray, count: np.ndarray, weight: np.ndarray, resamples: int, seed: int, level: float
) -> Interval:
    share = float(weight @ means / weight.sum())
    binary = bool(np.isin(means, (0.0, 1.0)).all())
    if binary and (share in (0.0, 1.0) or (weight == weight[0]).all()):
        low, high = wilson(share * len(means), len(means), level)
        return Interval(share, min(low, share), max(high, share), WILSON, len(means), int(count.sum()))
    return _bootstrap((means,), weight, _first, count, resamples, seed, level)


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
