"""Spaces of functions of a number: additive in its digits, in pairs of digits, and single columns beside them.

Numbers of D digits are cells of a table with one factor per decimal place. A code of the numbers is divided as in the
analysis of variance, by least squares on nested spaces, so that missing numbers do no harm.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csr_array, hstack

#: Multiples of the powers of ten that are periods of waves; with them the periods hold those of the probe `helix`.
_STEPS = (2, 5, 10)
#: Less than this share of the largest eigenvalue, or of a column's variance, is rounding.
_ROUNDING = 1e-10


class Space(Protocol):
    """Functions of the numbers: a linear space with a projection."""

    @property
    def rank(self) -> int:
        """Dimension of the space."""
        ...

    def project(self, code: np.ndarray) -> np.ndarray:
        """Return the orthogonal projection of a code, float64 [numbers, d], component by component."""
        ...


@dataclass(frozen=True, eq=False)
class Tables:
    """All functions that are constant within each cell of some tables, added up; the constant is one of them.

    Attributes
    ----------
    indicator
        Sparse float64 [numbers, cells]: 1 where a number lies in a cell.
    inverse
        float64 [cells, cells]: pseudo-inverse of the indicator's Gram matrix.
    rank
        Dimension of the space.
    """

    indicator: csr_array
    inverse: np.ndarray
    rank: int

    def project(self, code: np.ndarray) -> np.ndarray:
        """Return the fit of the tables to a code by least squares, float64 [numbers, d]."""
        return np.asarray(self.indicator @ (self.inverse @ (self.indicator.T @ code)))


@dataclass(frozen=True, eq=False)
class Directions:
    """The span of single columns.

    Attributes
    ----------
    basis
        float64 [numbers, k], orthonormal; k may be 0.
    """

    basis: np.ndarray

    @property
    def rank(self) -> int:
        """Dimension of the span."""
        return int(self.basis.shape[1])

    def project(self, code: np.ndarray) -> np.ndarray:
        """Return the fit of the columns to a code by least squares, float64 [numbers, d]."""
        return np.asarray(self.basis @ (self.basis.T @ code))


def digits_of(numbers: np.ndarray) -> np.ndarray:
    """Return the decimal digits of numbers of equal length, int64 [numbers, D], the units last."""
    places = len(str(int(numbers.max())))
    return np.asarray(numbers[:, None] // 10 ** np.arange(places)[::-1] % 10)


def digit_space(numbers: np.ndarray, together: int) -> Tables:
    """Return the functions that are sums of functions of `together` digits each.

    Parameters
    ----------
    numbers
        int64 [numbers], all of D digits.
    together
        1: additive in the digits; 2: in pairs of digits; D: any function.

    Notes
    -----
    Cost O(c^3) for the c <= (D over together) 10 ** together cells that hold a number.
    """
    digits = digits_of(numbers)
    places = combinations(range(digits.shape[1]), together)
    tables = [indicator(digits[:, list(chosen)] @ 10 ** np.arange(together)) for chosen in places]
    cells = csr_array(hstack(tables, format="csr"))
    values, vectors = eigh((cells.T @ cells).toarray())
    kept = values > _ROUNDING * values[-1]
    return Tables(cells, (vectors[:, kept] / values[kept]) @ vectors[:, kept].T, int(kept.sum()))


def indicator(labels: np.ndarray) -> csr_array:
    """Return the indicator of the labels that occur, sparse float64 [len(labels), different labels]."""
    known, place = np.unique(labels, return_inverse=True)
    return csr_array((np.ones(len(labels)), (np.arange(len(labels)), place)), shape=(len(labels), len(known)))


def magnitude_columns(numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Return columns of the number as a whole: `n`, `log` (of n + 1) and `waves`, float64 [numbers, k] each.

    The waves are cosine and sine of 2 pi n / T for the periods T = 2, 5, 10, 20, 50, 100, ... up to the first power of
    ten above all numbers.
    """
    places = len(str(int(numbers.max())))
    periods = np.array([step * 10**place for place in range(places) for step in _STEPS])
    angles = 2 * np.pi * (numbers[:, None] % periods) / periods
    waves = np.hstack([np.cos(angles), np.sin(angles)])
    return {"n": numbers[:, None].astype(np.float64), "log": np.log1p(numbers)[:, None], "waves": waves}


def added_directions(columns: np.ndarray, space: Space | None) -> Directions:
    """Return the directions that columns add to a space that holds the constant (None: to the constant alone).

    Parameters
    ----------
    columns
        float64 [numbers, k].
    space
        What is taken out of them by least squares; what then holds less than 1e-10 of a column's variance is rounding.
    """
    centred = columns - columns.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    scaled = centred[:, size > _ROUNDING] / size[size > _ROUNDING]
    left = scaled if space is None else scaled - space.project(scaled)
    values, vectors = eigh(left.T @ left)
    kept = values > _ROUNDING
    return Directions(np.asarray(left @ vectors[:, kept] / np.sqrt(values[kept])))
