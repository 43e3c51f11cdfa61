"""Interval of a share over trainings of one model: what varies with initialisation and the order of the data."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.stats import t

from numprobe.intervals import exact_bounds

TRAININGS = "trainings (t on logits)"
NUMBERS_OF_ONE = "numbers of one training (Clopper-Pearson)"


def training_interval(shares: Sequence[float], n_values: int, level: float = 0.95) -> tuple[float, float, str]:
    """Return low and high bound of the share that a typical training reaches, and the method.

    The interval is Student's with n - 1 degrees of freedom, on the logits of the shares. It is about the median over
    trainings, which is the mean where their logits are symmetric; it is widened to hold the mean of the shares. A
    bootstrap over a handful of trainings is no alternative: with 5 of them its nominal 95 % cover 86 %.

    Parameters
    ----------
    shares
        Share of the numbers that each training reads, in 0..1; at least two.
    n_values
        How many numbers each share is taken over. Shares of 0 and 1 count as half a number away from there, so that
        logits are finite.
    level
        Coverage.

    Notes
    -----
    Trainings that all read equally many numbers, all or none among them, do not show how much trainings differ. Their
    interval is that of the numbers of one training (Clopper and Pearson 1934), never of zero width.

    Raises
    ------
    ValueError
        With fewer than two shares, or one outside 0..1.
    """
    found = np.asarray(shares, dtype=np.float64)
    if len(found) < 2 or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"needs at least two shares in 0..1, not {list(shares)}")
    mean = float(found.mean())
    if np.ptp(found) == 0:
        return *exact_bounds(float(found[0]) * n_values, n_values, level), NUMBERS_OF_ONE
    hits = np.clip(found * n_values, 0.5, n_values - 0.5)
    logits = np.log(hits) - np.log(n_values - hits)
    low, high = (float(1 / (1 + np.exp(-end))) for end in t_bounds(logits, level))
    return min(low, mean), max(high, mean), TRAININGS


def t_bounds(numbers: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return Student's interval of the mean of at least two independent numbers, float64 [n]."""
    half = _quantile(len(numbers), level) * float(numbers.std(ddof=1)) / np.sqrt(len(numbers))
    return float(numbers.mean() - half), float(numbers.mean() + half)


@lru_cache
def _quantile(trainings: int, level: float) -> float:
    return float(t.ppf((1 + level) / 2, trainings - 1))
