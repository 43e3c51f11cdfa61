"""Waves in the number embeddings: how much of their variance each period holds, and against what null.

The states of N consecutive numbers are centred and Fourier transformed along the numbers. Power is summed over the
dimensions, so it does not depend on the basis (no principal components are chosen), and the two halves of the spectrum
are added, so that the shares of all frequencies 1..N/2 sum to one and the share of the frequencies jN/T is the share of
the variance that lies between the classes of n mod T.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import rfft

from numprobe.seeding import generator

PERMUTATIONS = 200
ROTATIONS = 20
SAMPLES_PER_ROTATION = 50


@dataclass(frozen=True, eq=False)
class Band:
    """A central value and the limits that hold 95 % of the draws, each float64 [N // 2], frequencies 1..N // 2."""

    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray


def power(states: np.ndarray) -> np.ndarray:
    """Fourier power along the rows, summed over the columns: float64 [N // 2], frequencies 1..N // 2.

    `power(states).sum()` is N times the sum of squares of the centred states (Parseval).

    Parameters
    ----------
    states
        [N, d]: row n is the state of the n-th of N consecutive numbers.
    """
    return np.asarray(_fold(_transform(states)).sum(axis=1))


def power_share(states: np.ndarray) -> np.ndarray:
    """The share of each frequency 1..N // 2 (cycles per N numbers) in the variance: float64 [N // 2], sums to 1."""
    return _share(power(states))


def shuffled_band(states: np.ndarray, seed: int, permutations: int = PERMUTATIONS) -> Band:
    """Shares of the same states with the numbers permuted: mean and the range that holds 95 % of the permutations.

    Parameters
    ----------
    states
        [N, d].
    seed
        The study's seed.
    permutations
        How many.
    """
    axes = principal_coordinates(states).astype(np.float32)
    rng = generator(seed, "spectra", "permutations")
    draws = np.array([power_share(axes[rng.permutation(len(axes))]) for _ in range(permutations)])
    return _band(draws, draws.mean(axis=0))


def rotation_band(states: np.ndarray, seed: int) -> Band:
    """Measured shares, and their range over random rotations whose dimensions are drawn with replacement.

    How much the shares depend on the dimensions that the model happens to have. Numbers cannot be resampled: that would
    break their even spacing.

    Parameters
    ----------
    states
        [N, d].
    seed
        The study's seed.
    """
    spectrum = _transform(principal_coordinates(states))
    width = spectrum.shape[1]
    rng = generator(seed, "spectra", "rotations")
    draws = []
    for _ in range(ROTATIONS):
        rotation = np.linalg.qr(rng.standard_normal((width, width)))[0]
        weights = rng.multinomial(width, np.full(width, 1 / width), size=SAMPLES_PER_ROTATION)
        draws.append(_share(weights @ _fold(spectrum @ rotation).T))
    return _band(np.concatenate(draws), power_share(states))


def principal_coordinates(states: np.ndarray) -> np.ndarray:
    """The centred states in the basis of their principal axes: float64 [N, min(d, N - 1)] or fewer, same distances."""
    centred = states.astype(np.float64) - states.mean(axis=0, dtype=np.float64)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    kept = size > size[0] * max(states.shape) * np.finfo(np.float64).eps
    return np.asarray(left[:, kept] * size[kept])


def _transform(states: np.ndarray) -> np.ndarray:
    """Complex amplitudes [N // 2, d] of the frequencies from 1 on, scaled so that squares add up to both halves."""
    dtype = np.float32 if states.dtype == np.float32 else np.float64
    centred = (states - states.mean(axis=0, dtype=np.float64)).astype(dtype)
    spectrum = rfft(centred, axis=0)[1:] * dtype(np.sqrt(2))
    if len(states) % 2 == 0:
        spectrum[-1] /= dtype(np.sqrt(2))
    return np.asarray(spectrum)


def _fold(spectrum: np.ndarray) -> np.ndarray:
    """Squared magnitudes [N // 2, d]."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def _share(power: np.ndarray) -> np.ndarray:
    return np.asarray(power / power.sum(axis=-1, keepdims=True), dtype=np.float64)


def _band(draws: np.ndarray, centre: np.ndarray) -> Band:
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    return Band(centre, np.minimum(low, centre), np.maximum(high, centre))
