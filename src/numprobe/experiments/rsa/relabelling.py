"""The null of relabelled digits.

States that follow the digits, with vectors of their own for each digit, have few degrees of freedom: 45 pairs of digits
at a place, in however many numbers. Permuted numbers scramble the digits, so two such models exceed them by chance. A
relabelling keeps which numbers share a digit and changes which digit that is.
"""

import numpy as np

from numprobe.digits import digit_at, places
from numprobe.experiments.rsa.pairs import FEWEST
from numprobe.seeding import generator


def relabelled(numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the numbers with their digits permuted at each place: int64 [n].

    The digits that occur at a place are permuted. A 0 before the units stays, so that no number gains or loses a digit.

    Parameters
    ----------
    numbers
        int64 [n].
    rng
        Source of the permutations.
    """
    result = np.zeros_like(numbers)
    for place in places(int(numbers.max())):
        digits = digit_at(numbers, place)
        free = np.unique(digits[digits >= (1 if place else 0)])
        label = np.arange(10)
        label[free] = rng.permutation(free)
        result += np.where(digits < 0, 0, label[digits]) * 10**place
    return result


def relabelled_null(
    first: np.ndarray, second: np.ndarray, numbers: np.ndarray, draws: int, seed: int
) -> np.ndarray | None:
    """Return correlations after the digits of the numbers of `first` are permuted at each place: float64 [draws].

    Each draw compares the numbers whose relabelled number is among `numbers` too. It costs gathers of n^2 numbers.

    Parameters
    ----------
    first, second
        Symmetric matrices with zero diagonals, float32 [n, n].
    numbers
        int64 [n], ascending.
    draws
        How many.
    seed
        The study's seed.

    Returns
    -------
    None if a relabelling leaves fewer than `FEWEST` numbers.
    """
    rng = generator(seed, "rsa", "relabelled digits", len(numbers))
    null = np.empty(draws)
    for draw in range(draws):
        wanted = relabelled(numbers, rng)
        place = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
        kept = np.flatnonzero(numbers[place] == wanted)
        if len(kept) < FEWEST:
            return None
        other = second if len(kept) == len(numbers) else second.take(kept, axis=0).take(kept, axis=1)
        null[draw] = _correlation(first.take(place[kept], axis=0).take(place[kept], axis=1), other)
    return null


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two matrices over all pairs of numbers; their diagonals are 0."""
    pairs = len(first) * (len(first) - 1)
    one, two = first.ravel(), second.ravel()
    means = (float(one.sum(dtype=np.float64)) / pairs, float(two.sum(dtype=np.float64)) / pairs)
    variances = (float(one @ one) / pairs - means[0] ** 2) * (float(two @ two) / pairs - means[1] ** 2)
    return float((float(one @ two) / pairs - means[0] * means[1]) / np.sqrt(variances))
