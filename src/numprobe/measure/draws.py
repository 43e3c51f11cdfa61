"""Ranges of random draws: samples of a bootstrap, random rotations, permutations under a null."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.tables import Row


@dataclass(frozen=True)
class Sampling:
    """Numbers of permutations (for a null) and of bootstrap samples (for intervals), and the study's seed."""

    permutations: int
    resamples: int
    seed: int


def middle(draws: np.ndarray | Sequence[float], value: float | None = None) -> Row:
    """Return the range that holds 95 % of the draws, widened to hold a measurement, as `ci_low` and `ci_high`."""
    low, high = np.quantile(draws, (0.025, 0.975)).tolist()
    return {"ci_low": low if value is None else min(low, value), "ci_high": high if value is None else max(high, value)}


def mean_and_middle(draws: np.ndarray | Sequence[float], resampled: str) -> Row:
    """Return the columns of a null: the mean of the draws, the range that holds 95 % of them, and what was drawn."""
    return {"value": float(np.mean(draws)), **middle(draws), "resampled": resampled}
