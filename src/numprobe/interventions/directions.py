"""Random directions and subspaces as controls of a change, and the relative size of a change."""

import numpy as np

from numprobe.seeding import generator


def random_change(change: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """Draw a random direction for every row, with the norm of the change: float32, shape of `change` [n, width].

    Parameters
    ----------
    change
        The change that the control is compared with.
    seed, names
        Seed and names of the draw (`numprobe.seeding.generator`).
    """
    drawn = generator(seed, "random direction", *names).standard_normal(change.shape, dtype=np.float32)
    return rescaled(drawn, change)


def random_basis(width: int, rank: int, seed: int, *names: str | int) -> np.ndarray:
    """Draw a random subspace: float64 [width, rank], orthonormal columns; parameters as in `random_change`."""
    drawn = generator(seed, "random subspace", *names).standard_normal((width, rank))
    return np.asarray(np.linalg.qr(drawn)[0])


def random_complement(basis: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """Draw a random subspace orthogonal to that of `basis` [width, rank], of the same rank if the width allows it.

    Without orthogonality, changes towards the same target in the two subspaces have a cosine of about sqrt(rank /
    width).
    """
    width, rank = basis.shape
    drawn = random_basis(width, min(rank, width - rank), seed, *names)
    return np.asarray(np.linalg.qr(drawn - basis @ (basis.T @ drawn))[0])


def complement(basis: np.ndarray) -> np.ndarray:
    """Return orthonormal directions of all that is orthogonal to a subspace, float64 [width, width - rank].

    Parameters
    ----------
    basis
        [width, rank], orthonormal columns.
    """
    return np.asarray(np.linalg.qr(basis, mode="complete")[0][:, basis.shape[1] :])


def rescaled(change: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return a change with each row scaled to the norm of the same row of another; null rows stay. Both [n, width]."""
    own, wanted = (np.linalg.norm(rows, axis=1, keepdims=True) for rows in (change, like))
    return np.asarray(change * (wanted / np.maximum(own, np.finfo(np.float32).tiny)), dtype=np.float32)


def relative_norm(change: np.ndarray, states: np.ndarray) -> float:
    """Return the mean over rows of the norm of the change relative to that of the state. Both [n, width]."""
    return float((np.linalg.norm(change, axis=1) / np.linalg.norm(states, axis=1)).mean())
