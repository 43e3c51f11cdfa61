"""The linear algebra of the closed form, by NumPy and SciPy or, where the sums over rows lie on a GPU, by torch.

Large matrices stay where they are; what is asked of them depends on that place alone. All else is NumPy's.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.fft import rfft
from scipy.linalg import blas, cho_factor, cho_solve, lapack

#: A NumPy array, or a torch tensor on some device.
Array = Any


def beside(array: np.ndarray, other: Array) -> Array:
    """A NumPy array in the place of another array."""
    if isinstance(other, np.ndarray):
        return array
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(other.device)


def fetched(array: Array) -> np.ndarray:
    """As a NumPy array."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu().numpy())


def single(array: Array) -> Array:
    """In float32."""
    return array.astype(np.float32) if isinstance(array, np.ndarray) else array.float()


def columns_beside(arrays: Sequence[Array]) -> Array:
    """Matrices of as many rows side by side; each column lies in one piece of memory."""
    if isinstance(arrays[0], np.ndarray):
        return np.concatenate([array.T for array in arrays]).T
    import torch

    return torch.cat([array.T for array in arrays]).T


def columns_of_zeros(gram: Array, columns: int) -> Array:
    """Zeros float32 [d, columns] in the place of a [d, d]; each column lies in one piece of memory."""
    if isinstance(gram, np.ndarray):
        return np.zeros((columns, len(gram)), np.float32).T
    return single(gram.new_zeros((columns, len(gram)))).T


def column_products(left: Array, right: Array) -> np.ndarray:
    """The scalar product of each column with its counterpart: NumPy [columns] of two [rows, columns]."""
    if isinstance(left, np.ndarray):
        return np.asarray(np.einsum("ij,ij->j", left, right))
    return fetched((left * right).sum(dim=0))


def right_hand_side(array: Array) -> Array:
    """The same values in the order that solving prefers."""
    return np.asfortranarray(array) if isinstance(array, np.ndarray) else array


def whole_form(gram: Array, columns: Array) -> np.ndarray:
    """The value w' gram w of a symmetric float32 [d, d] for each column w: float32 [columns] of NumPy."""
    return column_products(columns, gram @ columns)


def half_form(gram: Array, columns: Array) -> np.ndarray:
    """The same from one triangle, at half the multiplications, where NumPy and SciPy work."""
    if not isinstance(gram, np.ndarray):
        return whole_form(gram, columns)
    triangle = gram.T.copy("F")
    np.fill_diagonal(triangle, triangle.diagonal() / 2)
    return 2 * column_products(columns, blas.strmm(1, triangle, columns, lower=True))


def write_waves(into: Array, by_value: Array, places: np.ndarray) -> None:
    """Write the sums of columns times the Fourier code of their places on a circle.

    Parameters
    ----------
    into
        float32 [d, N - 1], for a circle of N places; `numprobe.probes.codes` has the order of the waves.
    by_value
        float32 [d, n].
    places
        int64 [n], different, below N.
    """
    waves, sums = into.T, by_value.T
    count = len(waves) + 1
    if isinstance(by_value, np.ndarray):
        circle = np.zeros((count, sums.shape[1]), np.float32)
        circle[places] = sums
        found = rfft(circle, axis=0)
    else:
        import torch

        circle = sums.new_zeros((count, sums.shape[1]))
        circle[torch.from_numpy(places).to(sums.device)] = sums
        found = torch.fft.rfft(circle, dim=0)
    pairs = (count - 1) // 2
    waves[0 : 2 * pairs : 2] = -found.imag[1 : pairs + 1]
    waves[1 : 2 * pairs : 2] = found.real[1 : pairs + 1]
    waves[2 * pairs :] = found.real[pairs + 1 :]


def ridge_solver(gram: Array, penalty: float, in_single: bool) -> Callable[[Array], Array]:
    """A function that solves (gram + penalty I) x = b.

    Parameters
    ----------
    gram
        float64 [d, d], positive semi-definite; left as it is.
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
        factor, lower = cho_factor(ridge, overwrite_a=True, check_finite=False)
        if in_single:
            factor = factor.astype(np.float32)
        return lambda b: np.asarray(cho_solve((factor, lower), b, check_finite=False))
    import torch

    ridge = gram.clone()
    ridge.diagonal().add_(penalty)
    triangle = torch.linalg.cholesky(ridge)
    if in_single:
        triangle = triangle.float()
    return lambda b: torch.cholesky_solve(b.to(triangle.dtype), triangle)


def spanned(gram: Array, tolerance: float, largest: float) -> np.ndarray | None:
    """Orthonormal directions in which a second moment is not rounding noise, or None if they are more than `largest`.

    Parameters
    ----------
    gram
        float64 [d, d], symmetric.
    tolerance
        In units of the largest eigenvalue.
    largest
        Directions.

    Returns
    -------
    float64 [d, r] of NumPy.
    """
    if isinstance(gram, np.ndarray):
        # Full rank, the usual case, shows at an eighth of the cost of the eigenvalues.
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
