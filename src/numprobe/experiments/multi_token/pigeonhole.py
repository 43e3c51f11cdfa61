"""Intervals of scores of numbers of several tokens, whose unit is the value at each place.

A whole number is a combination of values, one per token, and rows that share a value at a place share its fate. The
pigeonhole bootstrap (Owen 2007, The pigeonhole bootstrap, Annals of Applied Statistics 1) resamples the values of every
place on their own; a row weighs the product of its values' weights.
"""

from dataclasses import dataclass

import numpy as np

from numprobe.intervals import EXACT, exact_bounds, resampling_weights
from numprobe.seeding import derive_seed

PIGEONHOLE = "values of every token (pigeonhole bootstrap)"
# Bootstrap samples whose row weights are in memory at once.
_AT_ONCE = 50


@dataclass(frozen=True, eq=False)
class Estimate:
    """Estimates and the ends of their intervals, each float64 [k]; the unit that was resampled, per estimate."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    resampled: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class WholeNumbers:
    """Accuracies of whole numbers in k states.

    Attributes
    ----------
    joint
        Share of rows in which every token is read right.
    product
        The product over the places of the share of rows in which that token is read right: what `joint` would be if the
        tokens of a number were read right independently of each other.
    difference
        joint - product, resampled as pairs.
    """

    joint: Estimate
    product: Estimate
    difference: Estimate


def whole_numbers(
    values: np.ndarray, right: np.ndarray, resamples: int, seed: int, level: float = 0.95
) -> WholeNumbers:
    """Joint accuracy of whole numbers beside the product of their tokens' accuracies, on the same rows.

    Parameters
    ----------
    values
        int [n, places]: the value at every place of every row.
    right
        bool [k, n, places]: whether it was read right, in each of k states.
    resamples, seed
        Of the bootstrap.
    level
        Coverage.
    """
    scores = np.concatenate([right, right.all(axis=2, keepdims=True)], axis=2).astype(np.float64)
    point = scores.mean(axis=1)
    samples = _resampled_means(values, scores, resamples, seed)
    units = min(len(np.unique(column)) for column in values.T)
    tails = ((1 - level) / 2, (1 + level) / 2)
    joint = _shares(point[:, -1], samples[..., -1], tails, units)
    product = _shares(point[:, :-1].prod(axis=1), samples[..., :-1].prod(axis=2), tails, units)
    gap = samples[..., -1] - samples[..., :-1].prod(axis=2)
    low, high = _quantiles(gap, tails, joint.value - product.value)
    difference = Estimate(joint.value - product.value, low, high, (PIGEONHOLE,) * len(low))
    return WholeNumbers(joint, product, difference)


def _resampled_means(values: np.ndarray, scores: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """float64 [resamples, k, places + 1]."""
    states, rows, columns = scores.shape
    flat = scores.transpose(1, 0, 2).reshape(rows, states * columns)
    draws = []
    for place, column in enumerate(values.T):
        present, index = np.unique(column, return_inverse=True)
        draws.append((resampling_weights(len(present), resamples, derive_seed(seed, "place", place)), index))
    means = []
    for start in range(0, resamples, _AT_ONCE):
        weight = np.ones((min(_AT_ONCE, resamples - start), rows))
        for drawn, index in draws:
            weight *= drawn[start : start + _AT_ONCE][:, index]
        # A sample without any row says nothing: it is left out of the quantiles.
        total = weight.sum(axis=1, keepdims=True)
        means.append(np.where(total > 0, weight @ flat / np.maximum(total, 1), np.nan))
    return np.concatenate(means).reshape(resamples, states, columns)


def _shares(point: np.ndarray, samples: np.ndarray, tails: tuple[float, float], units: int) -> Estimate:
    """As `numprobe.intervals`: where a share is 0 or 1 no sample differs from it, so the exact one over values."""
    low, high = _quantiles(samples, tails, point)
    certain = (point == 0) | (point == 1)
    for state in np.flatnonzero(certain):
        low[state], high[state] = exact_bounds(float(point[state]) * units, units)
    return Estimate(point, low, high, tuple(EXACT if sure else PIGEONHOLE for sure in certain))


def _quantiles(samples: np.ndarray, tails: tuple[float, float], point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles over the samples [resamples, k], widened to hold the estimate."""
    low, high = np.nanquantile(samples, tails, axis=0)
    return np.minimum(low, point), np.maximum(high, point)
