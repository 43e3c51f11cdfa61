"""Waves in states of consecutive numbers: how few of them hold the power, and which ones models share.

All quantities are functions of the shares of the frequencies in the variance (`numprobe.measure.spectra`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.fft import rfft

from numprobe.measure.spectra import (
    MODULI,
    PERMUTATIONS,
    amplitudes,
    permuted,
    principal_coordinates,
    rotated_power,
    squared,
)
from numprobe.seeding import generator

#: Principal components of the spectrum as the paper plots it.
PUBLISHED_COMPONENTS = 64
_ROOT_OF_TWO = np.float32(np.sqrt(2))


@dataclass(frozen=True, eq=False)
class Waves:
    """The spectra of some draws.

    Attributes
    ----------
    shares
        float64 [draws, N // 2]: share of each frequency 1..N // 2 in the variance; sums to 1.
    between
        float64 [draws, moduli]: share of the variance that lies between the classes of n mod T.
    """

    shares: np.ndarray
    between: np.ndarray


def measured_waves(states: np.ndarray) -> Waves:
    """Return the spectrum of the states as they are, one draw.

    Parameters
    ----------
    states
        [N, d]: row i is the state of the i-th of N consecutive numbers, from a multiple of all `MODULI` on or not.
    """
    return _waves(_power(_amplitudes(states - states.mean(axis=0, dtype=np.float64)))[None], len(states))


def permuted_waves(states: np.ndarray, seed: int, permutations: int = PERMUTATIONS) -> Waves:
    """Return spectra after the numbers are permuted.

    Parameters
    ----------
    states
        [N, d].
    seed
        The study's seed.
    permutations
        How many.
    """
    rng = generator(seed, "waves", "permutations")
    return _waves(permuted(states, lambda axes: _power(_amplitudes(axes)), rng, permutations), len(states))


def rotated_waves(states: np.ndarray, seed: int) -> Waves:
    """Return spectra over random rotations whose dimensions are drawn with replacement."""
    whole = _amplitudes(principal_coordinates(states))
    return _waves(rotated_power(whole, generator(seed, "waves", "rotations")), len(states))


def _amplitudes(centred: np.ndarray) -> np.ndarray:
    """Return waves, then class means, complex [N // 2 + sum of moduli, d]; squares sum to N times sums of squares."""
    classes = [_class_sums(centred, modulus) for modulus in MODULI]
    return np.concatenate([amplitudes(centred, _ROOT_OF_TWO), *classes])


def _class_sums(centred: np.ndarray, modulus: int) -> np.ndarray:
    """Return the mean of each class of n mod T, times the root of N and of its size: float [T, d]."""
    count = len(centred)
    whole = count // modulus * modulus
    sums = centred[:whole].reshape(-1, modulus, centred.shape[1]).sum(axis=0)
    sums[: count - whole] += centred[whole:]
    size = np.bincount(np.arange(count) % modulus, minlength=modulus)
    return np.asarray(sums * np.sqrt(count / size)[:, None].astype(centred.dtype))


def _power(amplitudes: np.ndarray) -> np.ndarray:
    return np.asarray(squared(amplitudes).sum(axis=1), dtype=np.float64)


def _waves(power: np.ndarray, count: int) -> Waves:
    half = count // 2
    shares = power[:, :half] / power[:, :half].sum(axis=1, keepdims=True)
    ends = half + np.cumsum([0, *MODULI])
    total = power[:, :half].sum(axis=1)
    parts = [power[:, a:b].sum(axis=1) / total for a, b in pairwise(ends)]
    return Waves(shares, np.column_stack(parts))


def participation(shares: np.ndarray) -> np.ndarray:
    """Return the effective share of the frequencies, 1 / sum of squares / their number, [...]; 1 if all are equal."""
    return np.asarray(1 / (shares**2).sum(axis=-1) / shares.shape[-1])


def half_power(shares: np.ndarray) -> np.ndarray:
    """Return the share of the frequencies, strongest first, that is needed for half of the power, [...]."""
    strongest = np.sort(shares, axis=-1)[..., ::-1].cumsum(axis=-1)
    return np.asarray(((strongest < 0.5).sum(axis=-1) + 1) / shares.shape[-1])


def published_spectrum(states: np.ndarray, components: int = PUBLISHED_COMPONENTS) -> np.ndarray:
    """Return the spectrum as the paper plots it: the largest magnitude over principal components at each frequency.

    Parameters
    ----------
    states
        [N, d].
    components
        How many of the first principal components are transformed.

    Returns
    -------
    float64 [N // 2]: frequencies 1..N // 2, not normalised.
    """
    scores = principal_coordinates(states)[:, :components]
    return np.asarray(np.abs(rfft(scores, axis=0)[1:]).max(axis=1))


def strongest(spectra: np.ndarray, top: int) -> np.ndarray:
    """Return a mask of the `top` strongest frequencies (earlier ones of equal strength): bool [..., F]."""
    order = np.argsort(-spectra, axis=-1, kind="stable")[..., :top]
    chosen = np.zeros(spectra.shape, dtype=bool)
    np.put_along_axis(chosen, order, True, axis=-1)
    return chosen


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over the union of sets of frequencies, bool [..., F] -> float64 [...]."""
    return np.asarray((first & second).sum(axis=-1) / (first | second).sum(axis=-1))


def consecutive(numbers: Sequence[int]) -> np.ndarray:
    """Return the consecutive numbers from the smallest on: int64, may be empty."""
    ordered = np.array(sorted(numbers), dtype=np.int64)
    gaps = np.flatnonzero(np.diff(ordered) != 1)
    return ordered[: gaps[0] + 1] if len(gaps) else ordered
