"""Controls of a change: random directions and random subspaces, and how large a change is."""

import numpy as np

from numprobe.seeding import generator


def random_change(change: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """For every row a random direction, as long as the change: float32, shape of `change` [n, width].

    Parameters
    ----------
    change
        What the control is compared with.
    seed, names
        What the draw depends on (`numprobe.seeding.generator`).
    """
    drawn = generator(seed, "random direction", *names).standard_normal(change.shape, dtype=np.float32)
    return rescaled(drawn, change)


def random_basis(width: int, rank: int, seed: int, *names: str | int) -> np.ndarray:
    """Return a random subspace: float64 [width, rank], orthonormal columns; parameters as `random_change`."""
    drawn = generator(seed, "random subspace", *names).standard_normal((width, rank))
    return np.asarray(np.linalg.qr(drawn)[0])


def random_complement(basis: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """A random subspace at right angles to that of `basis` [width, rank], of the same rank as far as there is room.

    Towards one target a random subspace that is not at right angles goes partly the same way: the cosine of the two
    changes is about sqrt(rank / width).
    """
    width, rank = basis.shape
    drawn = random_basis(width, min(rank, width - rank), seed, *names)
    return np.asarray(np.linalg.qr(drawn - basis @ (basis.T @ drawn))[0])


def rescaled(change: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Each row of a change, made as long as the same row of another one; a null row stays null. Both [n, width]."""
    own, wanted = (np.linalg.norm(rows, axis=1, keepdims=True) for rows in (change, like))
    return np.asarray(change * (wanted / np.maximum(own, np.finfo(np.float32).tiny)), dtype=np.float32)


def relative_norm(change: np.ndarray, states: np.ndarray) -> float:
    """Return the mean over rows of the length of the change, in units of that of the state. Both [n, width]."""
    return float((np.linalg.norm(change, axis=1) / np.linalg.norm(states, axis=1)).mean())
