"""The read-out of a fitted `fourier` probe: the kernel of the numbers, the subspace, and the frequencies.

A probe scores number n by the state times a direction a_n = W (w (S_n - s)), W the read-out weights times gain, w the
precisions and s the mean of the code. The code determines W only in part, but the directions fully.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from numprobe.probes.codes import fourier_frequencies
from numprobe.splits import Fold, Split

Tensors = Mapping[str, np.ndarray]
#: A read-out of reduced rank may lose this much accuracy on inner values.
TOLERANCE = 0.01
# Ranks to try, denser where one more direction matters.
_RANKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)


@dataclass(frozen=True, eq=False)
class Kernel:
    """K(n, m) = a_n . a_m as K = classes gram classes', with `classes` float32 [N, k] and `gram` float32 [k, k]."""

    classes: np.ndarray
    gram: np.ndarray

    def matrix(self) -> np.ndarray:
        """Return K, float32 [N, N]; all zero if no column counts."""
        return np.asarray(self.classes @ self.gram @ self.classes.T)


def weighted_classes(code: np.ndarray, columns: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Return w (S_n - s) of all candidates, float32 [N, k]; `code` [N, c] holds all columns."""
    return np.asarray((code[:, columns] - mean) * precision, dtype=np.float32)


def number_kernel(tensors: Tensors, code: np.ndarray) -> Kernel:
    """Return the kernel of a fitted probe's read-out directions, in units of the standardised states."""
    classes = weighted_classes(code, tensors["columns"], tensors["target_mean"], tensors["precision"])
    weight = tensors["weight"].astype(np.float64)
    return Kernel(classes, (weight.T @ weight).astype(np.float32))


def readout_basis(tensors: Tensors) -> np.ndarray:
    """Return the left singular vectors of W diag(g sqrt(w)), strongest first: float64 [d, min(d, k)]."""
    weighted = tensors["weight"].astype(np.float64) * np.sqrt(tensors["precision"])
    return np.asarray(np.linalg.svd(weighted, full_matrices=False)[0])


def frequency_weights(tensors: Tensors, code: np.ndarray) -> dict[int, float]:
    """Return frequency (cycles per N numbers) -> information in nats, log(1 + w var) / 2 over sine and cosine."""
    columns = tensors["columns"]
    information = np.log1p(tensors["precision"] * code[:, columns].var(axis=0)) / 2
    frequency = fourier_frequencies(len(code))[columns]
    return {int(k): float(information[frequency == k].sum()) for k in np.unique(frequency)}


def enough_rank(tensors: Tensors, code: np.ndarray, states: np.ndarray, labels: np.ndarray) -> int:
    """Return the smallest rank that reads held-out states within `TOLERANCE` of the full read-out, at most d / 4.

    Parameters
    ----------
    tensors
        A probe fitted without these states.
    code
        All columns of the code, [N, c].
    states
        float [n, d].
    labels
        int [n]: index of each state's number among the candidates.
    """
    limit = max(1, len(tensors["mean"]) // 4)
    if not len(tensors["columns"]):
        return 1
    root = np.sqrt(tensors["precision"].astype(np.float64))
    weighted = tensors["weight"].astype(np.float64) * root
    classes = (code[:, tensors["columns"]] - tensors["target_mean"]) * root
    bias = -0.5 * np.einsum("ij,ij->i", classes, classes)
    standard = (states - tensors["mean"]) / tensors["scale"]
    left = np.linalg.svd(weighted, full_matrices=False)[0]
    scores, directions = standard @ left, left.T @ weighted

    def accuracy(rank: int) -> float:
        predicted = (scores[:, :rank] @ directions[:rank]).astype(np.float32)
        return float(((predicted @ classes.T.astype(np.float32) + bias).argmax(axis=1) == labels).mean())

    full = accuracy(left.shape[1])
    ranks = [rank for rank in _RANKS if rank < min(limit, left.shape[1])]
    return next((rank for rank in ranks if accuracy(rank) >= full - TOLERANCE), min(limit, left.shape[1]))


def rank_fold(split: Split, half: Fold) -> Fold:
    """Return the fold that trains on all but the last inner group of a half, and chooses a rank on that one."""
    *kept, left_out = half.inner
    train = tuple(block for group in kept for block in group)
    return Fold(f"{half.name} without a group", left_out, (), train, tuple(kept))
