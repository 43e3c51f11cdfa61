"""Remove from dissimilarities what digits, tokens and distances of the numbers explain.

Two models whose states follow the digits, each with directions of its own, agree on the dissimilarities of numbers
without sharing more than the numerals. What remains after a fit on properties of the numerals is compared instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import squareform
from scipy.stats import rankdata
from sklearn.preprocessing import SplineTransformer

from numprobe.digits import digit_at, places
from numprobe.measure.similarity import edit_distance, log_distance, value_distance

#: Knots of the cubic splines of a distance, at its quantiles.
KNOTS = 6
#: The fewest pairs of numbers per fitted dimension.
PAIRS_PER_DIMENSION = 10
# Less variance than this, of 1, is rounding.
_NOTHING = 1e-6


@dataclass(frozen=True, eq=False)
class Covariates:
    """Properties of all pairs of numbers, in the order of `numprobe.measure.similarity.dissimilarity`.

    Attributes
    ----------
    cells
        int64 [pairs]: index of the pair's combination of categories (`covariates_of`).
    smooth
        float64 [pairs, k]: splines of the distances minus their means in each cell, in an orthonormal basis.
    """

    cells: np.ndarray
    smooth: np.ndarray

    @property
    def dimensions(self) -> int:
        """Number of fitted dimensions."""
        return int(self.cells.max()) + 1 + int(self.smooth.shape[1])

    @property
    def suffice(self) -> bool:
        """True if there are pairs enough to fit them."""
        return len(self.cells) >= PAIRS_PER_DIMENSION * self.dimensions


def covariates_of(numbers: np.ndarray, tokens: Sequence[np.ndarray]) -> Covariates:
    """Return what is removed: categories, all combinations of them, and smooth functions of two distances.

    The categories of a pair are: equal digits at each place, both numbers of digits, the edit distance, and for each
    model that writes numbers with several tokens: an equal last token, an equal number of tokens, and the number of
    leading digits in common, which earlier tokens share. The distances are `|a - b|` and `|log(1+a) - log(1+b)|`.

    Parameters
    ----------
    numbers
        int64 [n], ascending.
    tokens
        For each model int64 [n, 2]: number of tokens, and id of the last one.
    """
    first, second = np.triu_indices(len(numbers), 1)
    lengths = np.array([len(str(number)) for number in numbers])
    categories = [_equal(digit_at(numbers, place), first, second) for place in places(int(numbers.max()))]
    categories += [np.minimum(lengths[first], lengths[second]), np.maximum(lengths[first], lengths[second])]
    categories.append(edit_distance(numbers).astype(np.int64))
    several = [part for part in tokens if (part[:, 0] > 1).any()]
    categories += [_equal(column, first, second) for part in several for column in part.T]
    if several:
        categories.append(_leading(numbers)[first, second])
    cells = _combined(categories)
    distances = (value_distance(numbers), log_distance(numbers))
    return Covariates(cells, _orthonormal(np.hstack([_within(_splines(part), cells) for part in distances])))


def remainder(distances: np.ndarray, covariates: Covariates) -> np.ndarray | None:
    """Return the ranks of dissimilarities minus their least-squares fit on covariates: float32 [n, n].

    The matrix is symmetric with a zero diagonal, and its pairs have mean 0 and variance 1, so that
    `numprobe.measure.similarity.agreement` of two of them is the partial rank correlation.

    Parameters
    ----------
    distances
        float64 [pairs], not all equal.
    covariates
        Of the same pairs.

    Returns
    -------
    None if nothing remains.
    """
    ranks = rankdata(distances)
    ranks = (ranks - ranks.mean()) / ranks.std()
    left = _within(ranks[:, None], covariates.cells)[:, 0]
    left -= covariates.smooth @ (covariates.smooth.T @ left)
    spread = left.std()
    return None if spread**2 < _NOTHING else np.asarray(squareform((left / spread).astype(np.float32)))


def _equal(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return 1 where both numbers have the same label, which is no -1."""
    return np.asarray((labels[first] == labels[second]) & (labels[first] >= 0), dtype=np.int64)


def _leading(numbers: np.ndarray) -> np.ndarray:
    """Return the number of leading digits that numbers have in common: int64 [n, n]."""
    written = np.array([str(number) for number in numbers])
    longest = len(str(numbers.max()))
    common = np.zeros((len(numbers), len(numbers)), dtype=np.int64)
    for length in range(1, longest + 1):
        start = np.array([text[:length] if len(text) >= length else f"{text} {i}" for i, text in enumerate(written)])
        common += start[:, None] == start[None, :]
    return common


def _combined(categories: Sequence[np.ndarray]) -> np.ndarray:
    """Return the index of each combination of categories that occurs."""
    cells = np.zeros(len(categories[0]), dtype=np.int64)
    for category in categories:
        cells = np.unique(cells * (int(category.max()) + 1) + category, return_inverse=True)[1]
    return cells


def _splines(distance: np.ndarray) -> np.ndarray:
    knots = np.unique(np.quantile(distance, np.linspace(0, 1, KNOTS)))
    return np.asarray(SplineTransformer(degree=3, knots=knots[:, None]).fit_transform(distance[:, None]))


def _within(columns: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Subtract from each column its mean in each cell."""
    count = np.bincount(cells)
    means = np.column_stack([np.bincount(cells, weights=column) / count for column in columns.T])
    return np.asarray(columns - means[cells])


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the columns' span."""
    variance, axes = np.linalg.eigh(columns.T @ columns)
    kept = variance > 1e-9 * variance.max()
    return np.asarray(columns @ (axes[:, kept] / np.sqrt(variance[kept])))
