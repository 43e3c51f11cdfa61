"""Second moments of states and target codes, about any centre and over any union of value blocks."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from numprobe.probes.statistics import Statistics
from numprobe.splits import Split

Blocks = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Centre:
    """Means over a training set: `count` rows (or their weight), `state` float64 [d], `target` float64 [c]."""

    count: float
    state: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False)
class Moments:
    """Per value block, moments about the block's own mean, where float32 loses nothing to cancellation.

    Attributes
    ----------
    width
        Components of the states; d is less where they are given in a subspace (`Subspace`).
    values
        int64 [B]: values that have rows.
    count
        float64 [B]: rows, or their weight.
    state_mean, target_mean
        float64 [B, d] and [B, c].
    gram
        float64 [B, d, d].
    cross
        float32 [B, d, c]: states times targets.
    target_square
        float64 [B, c].
    """

    width: int
    values: np.ndarray
    count: np.ndarray
    state_mean: np.ndarray
    target_mean: np.ndarray
    gram: np.ndarray
    cross: np.ndarray
    target_square: np.ndarray

    def centre(self, blocks: Blocks) -> Centre:
        """The means over all rows of the blocks."""
        chosen = list(blocks)
        count = self.count[chosen]
        total = count.sum()
        return Centre(float(total), count @ self.state_mean[chosen] / total, count @ self.target_mean[chosen] / total)

    def gram_about(self, blocks: Blocks, centre: Centre) -> np.ndarray:
        """The sum over the blocks of (x - m)(x - m)', float64 [d, d]."""
        chosen = list(blocks)
        offset = self.state_mean[chosen] - centre.state
        result = offset.T @ (self.count[chosen, None] * offset)
        for block in chosen:
            result += self.gram[block]
        return np.asarray(result)

    def trace_about(self, blocks: Blocks, centre: Centre) -> float:
        """The trace of `gram_about`."""
        chosen = list(blocks)
        offset = self.state_mean[chosen] - centre.state
        return float(sum(np.trace(self.gram[block]) for block in chosen) + self.count[chosen] @ (offset**2).sum(axis=1))

    def cross_about(self, blocks: Blocks, centre: Centre, columns: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The sum over the blocks of (x - m)(s - t)' for some target columns, float32 [d, columns]."""
        chosen = list(blocks)
        offset = (self.state_mean[chosen] - centre.state).T * self.count[chosen]
        target = (self.target_mean[chosen] - centre.target)[:, columns]
        result = offset.astype(np.float32) @ target.astype(np.float32)
        for block in chosen:
            result += self.cross[block][:, columns]
        return np.asarray(result)

    def target_square_about(self, blocks: Blocks, centre: Centre) -> np.ndarray:
        """The sum over the blocks of (s - t)^2 per column, float64 [c]."""
        chosen = list(blocks)
        offset = self.target_mean[chosen] - centre.target
        return np.asarray(self.target_square[chosen].sum(axis=0) + self.count[chosen] @ offset**2)


def make_moments(statistics: Statistics, targets: np.ndarray, split: Split) -> Moments:
    """Moments from sums: no pass over rows.

    Parameters
    ----------
    statistics
        Of the training rows.
    targets
        float64 [N, c]: the target code of the rows of each value.
    split
        Assigns values to blocks.
    """
    blocks, width = statistics.gram.shape[:2]
    columns = targets.shape[1]
    values = np.bincount(split.block, weights=statistics.value_count > 0, minlength=blocks).astype(np.int64)
    count = np.bincount(split.block, weights=statistics.value_count, minlength=blocks)
    safe = np.maximum(count, 1)[:, None]
    state_mean, target_mean = np.zeros((blocks, width)), np.zeros((blocks, columns))
    target_square, gram = np.zeros((blocks, columns)), np.empty_like(statistics.gram)
    cross = np.zeros((blocks, width, columns), dtype=np.float32)
    for b in range(blocks):
        of_block = split.block == b
        number, total, target = statistics.value_count[of_block], statistics.value_sum[of_block], targets[of_block]
        state_mean[b], target_mean[b] = total.sum(axis=0) / safe[b], number @ target / safe[b]
        gram[b] = statistics.gram[b] - count[b] * np.outer(state_mean[b], state_mean[b])
        deviation = total - number[:, None] * state_mean[b]
        cross[b] = deviation.T.astype(np.float32) @ target.astype(np.float32)
        target_square[b] = number @ (target - target_mean[b]) ** 2
    return Moments(width, values, count, state_mean, target_mean, gram, cross, target_square)


@dataclass(frozen=True, eq=False)
class Subspace:
    """States that fill a part of their space only, such as q+k+v, which is a linear image of the residual stream.

    Attributes
    ----------
    origin
        float64 [d]: the mean of all states.
    basis
        float64 [d, r]: orthonormal directions; every state is the origin plus a combination of them.
    """

    origin: np.ndarray
    basis: np.ndarray

    def coordinates(self, moments: Moments) -> Moments:
        """The same moments in coordinates along the basis: r numbers per state instead of d."""
        gram = np.stack([self.basis.T @ gram @ self.basis for gram in moments.gram])
        cross = np.stack([self.basis.T.astype(np.float32) @ cross for cross in moments.cross])
        return replace(moments, state_mean=(moments.state_mean - self.origin) @ self.basis, gram=gram, cross=cross)


def find_subspace(moments: Moments, tolerance: float, largest_share: float) -> Subspace | None:
    """The space that the states fill, or None if it has more than `largest_share` of all dimensions.

    Directions count in which states vary by more than `tolerance` times the largest variance.
    """
    every = tuple(np.flatnonzero(moments.count).tolist())
    centre = moments.centre(every)
    gram = moments.gram_about(every, centre)
    # Full rank, the usual case, shows at an eighth of the cost of the eigenvalues.
    *_, rank, _ = lapack.dpstrf(gram, tol=tolerance * gram.diagonal().max())
    if rank > largest_share * moments.width:
        return None
    eigenvalues, vectors = np.linalg.eigh(gram)
    kept = eigenvalues > tolerance * eigenvalues[-1]
    if kept.sum() > largest_share * moments.width:
        return None
    return Subspace(centre.state, vectors[:, kept])
