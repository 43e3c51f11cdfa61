"""Waves in states of consecutive numbers: the share of each period in their variance, with ranges and a null.

The states of N consecutive numbers are centred and Fourier transformed along the numbers. Power is summed over the
dimensions, so it does not depend on the basis (no principal components are chosen), and the two halves of the spectrum
are added, so that the shares of all frequencies 1..N/2 sum to one and the share of the frequencies jN/T is the share of
the variance that lies between the classes of n mod T.

Permuting the numbers gives the null. Rotating the states at random and drawing dimensions with replacement gives the
range: how much a spectrum depends on the dimensions that the model happens to have. Numbers cannot be resampled,
because that would break their even spacing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.fft import rfft

from numprobe.seeding import generator

#: Moduli T whose classes n mod T are told apart.
MODULI = (2, 5, 10)
PERMUTATIONS = 200
ROTATIONS = 20
SAMPLES_PER_ROTATION = 50


@dataclass(frozen=True, eq=False)
class Band:
    """A central value and the limits that hold 95 % of the draws, each float64 [N // 2], frequencies 1..N // 2."""

    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray


def band_of(draws: np.ndarray, centre: np.ndarray) -> Band:
    """Return the limits of draws, float64 [draws, N // 2], widened to hold the central values."""
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    return Band(centre, np.minimum(low, centre), np.maximum(high, centre))


def power(states: np.ndarray) -> np.ndarray:
    """Return the Fourier power along the rows, summed over the columns: float64 [N // 2], frequencies 1..N // 2.

    `power(states).sum()` is N times the sum of squares of the centred states (Parseval).

    Parameters
    ----------
    states
        [N, d]: row n is the state of the n-th of N consecutive numbers.
    """
    return np.asarray(squared(_transform(states)).sum(axis=1))


def power_share(states: np.ndarray) -> np.ndarray:
    """Return the share of each frequency 1..N // 2 (cycles per N numbers) in the variance: float64 [N // 2], sum 1."""
    return _share(power(states))


def shuffled_band(states: np.ndarray, seed: int, permutations: int = PERMUTATIONS) -> Band:
    """Return the shares with the numbers permuted: their mean, and the range that holds 95 % of the permutations.

    Parameters
    ----------
    states
        [N, d].
    seed
        The study's seed.
    permutations
        How many.
    """
    draws = permuted(states, power_share, generator(seed, "spectra", "permutations"), permutations)
    return band_of(draws, draws.mean(axis=0))


def permuted(
    states: np.ndarray, measure: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator, permutations: int
) -> np.ndarray:
    """Return a measure of the principal coordinates of states, float32, after each permutation of the rows.

    Parameters
    ----------
    states
        [N, d].
    measure
        Array [N, d] -> array of one shape.
    rng
        Draws the permutations.
    permutations
        How many, the length of the first axis of the result.
    """
    axes = principal_coordinates(states).astype(np.float32)
    return np.array([measure(axes[rng.permutation(len(axes))]) for _ in range(permutations)])


def rotation_band(states: np.ndarray, seed: int) -> Band:
    """Return the measured shares, and their range over random rotations and dimensions.

    Parameters
    ----------
    states
        [N, d].
    seed
        The study's seed.
    """
    draws = rotated_power(_transform(principal_coordinates(states)), generator(seed, "spectra", "rotations"))
    return band_of(_share(draws), power_share(states))


def principal_coordinates(states: np.ndarray) -> np.ndarray:
    """Return the centred states in the basis of their principal axes: float64 [N, d or fewer], same distances."""
    centred = states.astype(np.float64) - states.mean(axis=0, dtype=np.float64)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    kept = size > size[0] * max(states.shape) * np.finfo(np.float64).eps
    return np.asarray(left[:, kept] * size[kept])


def amplitudes(centred: np.ndarray, root_of_two: np.floating) -> np.ndarray:
    """Return complex amplitudes [N // 2, d] of the frequencies from 1 on, scaled so that squares add up to both halves.

    Parameters
    ----------
    centred
        [N, d], centred.
    root_of_two
        The scale of frequencies that the spectrum holds twice, in the precision of the result.
    """
    spectrum = rfft(centred, axis=0)[1:] * root_of_two
    if len(centred) % 2 == 0:
        spectrum[-1] /= root_of_two
    return np.asarray(spectrum)


def squared(spectrum: np.ndarray) -> np.ndarray:
    """Return squared magnitudes, of the same shape."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def rotated_power(spectrum: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the power of each amplitude over random rotations and dimensions, float64 [draws, amplitudes].

    Parameters
    ----------
    spectrum
        Complex [amplitudes, d].
    rng
        Draws the rotations, and for each of them the dimensions.
    """
    width = spectrum.shape[1]
    draws = []
    for _ in range(ROTATIONS):
        rotation = np.linalg.qr(rng.standard_normal((width, width)))[0]
        weights = rng.multinomial(width, np.full(width, 1 / width), size=SAMPLES_PER_ROTATION)
        draws.append(weights @ squared(spectrum @ rotation).T)
    return np.concatenate(draws)


def _transform(states: np.ndarray) -> np.ndarray:
    dtype = np.float32 if states.dtype == np.float32 else np.float64
    return amplitudes((states - states.mean(axis=0, dtype=np.float64)).astype(dtype), dtype(np.sqrt(2)))


def _share(power: np.ndarray) -> np.ndarray:
    return np.asarray(power / power.sum(axis=-1, keepdims=True), dtype=np.float64)
