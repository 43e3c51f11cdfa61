"""Similarity of number kernels: linear CKA without bias, with intervals over numbers.

A kernel K [N, N] says how alike two candidate numbers are to a probe. It is centred as in the unbiased estimate of the
Hilbert-Schmidt independence criterion (Song et al. 2012; Szekely & Rizzo 2014): rows sum to zero and the diagonal is
zero, so that the similarity of independent kernels is 0 on average, however few numbers there are.
"""

from dataclasses import dataclass

import numpy as np

from numprobe.intervals import resampling_weights


def centre(kernel: np.ndarray) -> np.ndarray:
    """Return the U-centred kernel of length 1, float32 [N, N]; all zero if the kernel is constant.

    Parameters
    ----------
    kernel
        [N, N], symmetric, N at least 4.
    """
    count = len(kernel)
    centred = np.asarray(kernel, dtype=np.float64).copy()
    np.fill_diagonal(centred, 0)
    rows = centred.sum(axis=0)
    size = np.abs(centred).max(initial=0.0)
    centred += rows.sum() / ((count - 1) * (count - 2)) - (rows[:, None] + rows) / (count - 2)
    np.fill_diagonal(centred, 0)
    length = float(np.sqrt(np.einsum("ij,ij->", centred, centred)))
    # What is left of a constant kernel is rounding.
    if length <= 1e-9 * size * count:
        return np.zeros_like(centred, dtype=np.float32)
    return (centred / length).astype(np.float32)


@dataclass(frozen=True)
class Similarity:
    """Mean CKA of pairs of kernels, with the bounds of its 95 % bootstrap interval over numbers; None if undefined."""

    value: float | None
    low: float | None
    high: float | None


def similarity(pairs: list[tuple[np.ndarray, np.ndarray]], resamples: int, seed: int) -> Similarity:
    """Return the CKA of kernels that `centre` returned, averaged over pairs (draws of the same comparison).

    Numbers are resampled, the same ones in both kernels. A number that is drawn twice is not compared with its copy:
    the diagonal is zero. Without that, independent kernels would seem alike. Centred once, over all numbers.

    Parameters
    ----------
    pairs
        Kernels of one comparison; pairs in which one kernel is all zero are left out.
    resamples, seed
        Of the bootstrap.
    """
    used = [(one, other) for one, other in pairs if one.any() and other.any()]
    if not used:
        return Similarity(None, None, None)
    weights = resampling_weights(len(used[0][0]), resamples, seed).astype(np.float32)
    both, first, second = (_resampled(np.sum(parts, axis=0), weights) for parts in _products(used))
    samples = both[1:] / np.sqrt(first[1:] * second[1:])
    low, high = np.quantile(samples, (0.025, 0.975))
    value = float(both[0] / np.sqrt(first[0] * second[0]))
    return Similarity(value, min(float(low), value), max(float(high), value))


def _products(
    pairs: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    return (
        [one * other for one, other in pairs],
        [one * one for one, _ in pairs],
        [other * other for _, other in pairs],
    )


def _resampled(products: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the sum over all pairs of numbers, then that of each bootstrap sample: float64 [1 + resamples]."""
    samples = np.einsum("rn,rn->r", weights @ products, weights)
    return np.concatenate([[products.sum(dtype=np.float64)], samples.astype(np.float64)])
