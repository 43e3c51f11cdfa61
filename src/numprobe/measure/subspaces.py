"""Angles between linear subspaces, and between random ones of the same ranks."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from numprobe.seeding import generator

#: Pairs of random subspaces for each combination of width and ranks.
RANDOM_PAIRS = 200


def principal_angles(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return principal angles in degrees, ascending: float64 [min(r, s)].

    Parameters
    ----------
    one, other
        Orthonormal columns, [d, r] and [d, s].
    """
    cosines = np.linalg.svd(one.T @ other, compute_uv=False)
    return np.asarray(np.degrees(np.arccos(cosines.clip(0, 1))))


def overlap(angles: np.ndarray) -> float:
    """Return the mean squared cosine of principal angles: 1 if one subspace holds the other, 0 if orthogonal."""
    return float((np.cos(np.radians(angles)) ** 2).mean())


@dataclass(frozen=True, eq=False)
class RandomAngles:
    """Angles and overlaps of random subspaces: mean and the range that holds 95 %."""

    angle: np.ndarray
    angle_low: np.ndarray
    angle_high: np.ndarray
    overlap: float
    overlap_low: float
    overlap_high: float


@lru_cache(maxsize=256)
def random_angles(width: int, rank: int, other_rank: int, seed: int) -> RandomAngles:
    """Return the principal angles of random subspaces of two ranks.

    One of them may be fixed: the angles depend on their relative position alone, so the first `rank` rows of a random
    orthonormal frame hold the cosines.
    """
    small, large = sorted((rank, other_rank))
    rng = generator(seed, "subspaces", width, small, large)
    drawn = []
    for _ in range(RANDOM_PAIRS):
        frame = np.linalg.qr(rng.standard_normal((width, small)))[0]
        drawn.append(np.degrees(np.arccos(np.linalg.svd(frame[:large], compute_uv=False).clip(0, 1))))
    angles = np.array(drawn)
    overlaps = (np.cos(np.radians(angles)) ** 2).mean(axis=1)
    low, high = np.quantile(angles, (0.025, 0.975), axis=0)
    overlap_low, overlap_high = np.quantile(overlaps, (0.025, 0.975)).tolist()
    return RandomAngles(angles.mean(axis=0), low, high, float(overlaps.mean()), overlap_low, overlap_high)
