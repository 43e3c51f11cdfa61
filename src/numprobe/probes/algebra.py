"""The linear algebra of the closed form, by NumPy and SciPy or, where the sums over rows lie on a GPU, by torch.

Large matrices stay where they are; what is asked of them depends on that place alone. All else is NumPy's.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack

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


def zeros_like(array: Array) -> Array:
    """Zeros of the same shape, type and place."""
    return np.zeros_like(array) if isinstance(array, np.ndarray) else array.new_zeros(array.shape)


def column_products(left: Array, right: Array) -> np.ndarray:
    """The scalar product of each column with its counterpart: NumPy [columns] of two [rows, columns]."""
    if isinstance(left, np.ndarray):
        return np.asarray(np.einsum("ij,ij->j", left, right))
    return fetched((left * right).sum(dim=0))


def right_hand_side(array: Array) -> Array:
    """The same values in the order that solving prefers."""
    return np.asfortranarray(array) if isinstance(array, np.ndarray) else array


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
        factor, lower = cho_factor(gram + penalty * np.eye(len(gram)), overwrite_a=True, check_finite=False)
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
