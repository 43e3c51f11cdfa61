"""The linear algebra of the closed form, by NumPy and SciPy or, if the sums over rows are on a GPU, by torch.

Large matrices stay on their device, which alone decides which library works on them. All else is NumPy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import rfft
from scipy.linalg import blas, cho_factor, cho_solve, lapack

#: A NumPy array, or a torch tensor on some device.
Array = Any


def beside(array: np.ndarray, other: Array) -> Array:
    """Return a NumPy array as an array of the type and on the device of another."""
    if isinstance(other, np.ndarray):
        return array
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(other.device)


def fetched(array: Array) -> np.ndarray:
    """Return an array as a NumPy array."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu().numpy())


def single(array: Array) -> Array:
    """Return an array in float32."""
    return array.astype(np.float32) if isinstance(array, np.ndarray) else array.float()


def beside_each_other(arrays: Sequence[Array]) -> Array:
    """Return matrices with equally many rows side by side."""
    if isinstance(arrays[0], np.ndarray):
        return np.concatenate(arrays, axis=1)
    import torch

    return torch.cat(list(arrays), dim=1)


def zeros(gram: Array, columns: int) -> Array:
    """Return zeros float32 [d, columns] on the device of a [d, d], laid out as by `columns_first`."""
    if isinstance(gram, np.ndarray):
        return np.zeros((len(gram), columns), np.float32, order="F")
    return single(gram.new_zeros((len(gram), columns)))


def column_products(left: Array, right: Array) -> np.ndarray:
    """Return the scalar products of corresponding columns of two [rows, columns]: NumPy [columns]."""
    if isinstance(left, np.ndarray):
        return np.asarray(np.einsum("ij,ij->j", left, right))
    return fetched((left * right).sum(dim=0))


def columns_first(array: Array) -> Array:
    """Return the same values with contiguous columns, if NumPy works on them."""
    return np.asfortranarray(array) if isinstance(array, np.ndarray) else array


def rows_first(array: Array) -> Array:
    """Return the same values with contiguous rows, if NumPy works on them."""
    return np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array


def half_of(gram: Array) -> Array:
    """Return a triangle of a symmetric float32 [d, d] with half its diagonal, which determines it; on a GPU all."""
    if not isinstance(gram, np.ndarray):
        return gram
    half = gram.T.copy("F")
    np.fill_diagonal(half, half.diagonal() / 2)
    return half


def half_form(half: Array, columns: Array) -> np.ndarray:
    """Return w' gram w for each column w of a [d, columns] with contiguous rows: NumPy float32 [columns].

    Parameters
    ----------
    half
        `half_of` the matrix: one triangle takes half the multiplications.
    """
    if not isinstance(half, np.ndarray):
        return column_products(columns, half @ columns)
    return 2 * column_products(columns, blas.strmm(1, half, columns.T, side=1, lower=True).T)


def all_waves(by_value: Array, places: np.ndarray, count: int) -> Array:
    """Return the sums of columns times the Fourier code of their places on a circle, float32 [d, count - 1].

    Parameters
    ----------
    by_value
        float32 [d, n], with contiguous rows, as those of the result.
    places
        int64 [n], different, below `count`.
    count
        Places on the circle; `numprobe.probes.codes` has the order of the waves.
    """
    if isinstance(by_value, np.ndarray):
        circle = np.zeros((len(by_value), count), np.float32)
        circle[:, places] = by_value
        sines_and_cosines = (1j * rfft(circle, axis=1)[:, 1:]).view(np.float32)
    else:
        import torch

        circle = by_value.new_zeros((len(by_value), count))
        circle[:, torch.from_numpy(places).to(by_value.device)] = by_value
        sines_and_cosines = torch.view_as_real(1j * torch.fft.rfft(circle, dim=1)[:, 1:]).flatten(1)
    if count % 2:
        return sines_and_cosines
    # The last sine is null.
    sines_and_cosines[:, count - 2] = sines_and_cosines[:, count - 1]
    return sines_and_cosines[:, : count - 1]


@dataclass(frozen=True, eq=False)
class Factor:
    """A Cholesky factor that solves A x = b: upper for NumPy and SciPy, lower for torch."""

    triangle: Array

    def solve(self, right: Array) -> Array:
        """Return the solution for each column of a [d, columns]."""
        if isinstance(right, np.ndarray):
            return np.asarray(cho_solve((self.triangle, False), right, check_finite=False))
        import torch

        return torch.cholesky_solve(right.to(self.triangle.dtype), self.triangle)

    def solve_rows_first(self, right: Array) -> Array:
        """Solve as `solve`, but faster, for a float32 [d, columns] and factor; both sides have contiguous rows."""
        if not isinstance(right, np.ndarray):
            return self.solve(right)
        half = blas.strsm(1, self.triangle, right.T, side=1)
        return np.asarray(blas.strsm(1, self.triangle, half, side=1, trans_a=1, overwrite_b=True).T)


def ridge_factor(gram: Array, penalty: float, in_single: bool) -> Factor:
    """Factor gram + penalty I.

    Parameters
    ----------
    gram
        float64 [d, d], positive semi-definite; not changed.
    penalty
        Positive.
    in_single
        Whether the factor, which is always made in float64, is used in float32.

    Raises
    ------
    numpy.linalg.LinAlgError, torch.linalg.LinAlgError
        If the matrix is not positive definite.
    """
    if isinstance(gram, np.ndarray):
        ridge = np.array(gram, order="F")
        np.fill_diagonal(ridge, ridge.diagonal() + penalty)
        triangle, _ = cho_factor(ridge, overwrite_a=True, check_finite=False)
    else:
        import torch

        ridge = gram.clone()
        ridge.diagonal().add_(penalty)
        triangle = torch.linalg.cholesky(ridge)
    return Factor(single(triangle) if in_single else triangle)


def spanned(gram: Array, tolerance: float, largest: float) -> np.ndarray | None:
    """Return orthonormal directions in which a second moment is not rounding noise; None if more than `largest`.

    Parameters
    ----------
    gram
        float64 [d, d], symmetric.
    tolerance
        Relative to the largest eigenvalue.
    largest
        Maximum number of directions.

    Returns
    -------
    float64 [d, r] of NumPy.
    """
    if isinstance(gram, np.ndarray):
        # Full rank, the usual case, is detected at an eighth of the cost of the eigenvalues.
        *_, rank, _ = lapack.dpstrf(gram, tol=tolerance * gram.diagonal().max())
        if rank > largest:
            return None
        eigenvalues, vectors = np.linalg.eigh(gram)
    else:
        import torch

        found = torch.linalg.eigvalsh(gram)
        if (found > tolerance * found[-1]).sum() > largest:
            return None
        eigenvalues, vectors = map(fetched, torch.linalg.eigh(gram))
    kept = eigenvalues > tolerance * eigenvalues[-1]
    return None if kept.sum() > largest else vectors[:, kept]
