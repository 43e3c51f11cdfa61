"""Overlap of sets of frequencies, and what sets drawn at random share."""

from collections.abc import Collection

import numpy as np
from scipy.stats import hypergeom


def iou(one: Collection[int], other: Collection[int]) -> float:
    """Return the size of the intersection divided by that of the union; 0 for two empty sets."""
    union = set(one) | set(other)
    return len(set(one) & set(other)) / len(union) if union else 0.0


def random_iou(total: int, size: int, other_size: int) -> tuple[float, float, float]:
    """Return the exact mean, 2.5 % and 97.5 % quantile of the overlap of random sets of two sizes out of `total`."""
    if not size + other_size:
        return 0.0, 0.0, 0.0
    shared = hypergeom(total, size, other_size)
    possible = np.arange(min(size, other_size) + 1)
    ratio = possible / (size + other_size - possible)
    low, high = shared.ppf((0.025, 0.975)).astype(int)
    return float(shared.pmf(possible) @ ratio), float(ratio[low]), float(ratio[high])
