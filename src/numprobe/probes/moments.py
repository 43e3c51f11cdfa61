"""Second moments of states and target codes, about any centre and over any union of value blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from numprobe.probes.algebra import Array, beside, beside_each_other, single, spanned
from numprobe.probes.statistics import Statistics
from numprobe.splits import Split

Blocks = tuple[int, ...]
#: States whose variance is below this share of their mean square are one vector, up to float32 rounding.
CONSTANT_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Centre:
    """Means over a training set: `count` rows (or their weight), `state` float64 [d], `target` float64 [c]."""

    count: float
    state: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of each value block about the block's own mean, so that float32 loses nothing to cancellation.

    Attributes
    ----------
    width
        Components of the states; d is less if they are given in a subspace (`Subspace`).
    values
        int64 [B]: number of values that have rows.
    count
        float64 [B]: number of rows, or their weight.
    state_mean, target_mean
        float64 [B, d] and [B, c].
    gram
        float64 [d, d] of each block, on the device of the statistics.
    cross
        float32 [d, c] of each block, on the same device: states times targets.
    target_square
        float64 [B, c].
    present, rows, by_value
        For each block, the values that have rows, int64 [n]; their numbers of rows, float64 [n]; and the sums of their
        states, float32 [d, n], on the device of the statistics.
    """

    width: int
    values: np.ndarray
    count: np.ndarray
    state_mean: np.ndarray
    target_mean: np.ndarray
    gram: Sequence[Array]
    cross: Sequence[Array]
    target_square: np.ndarray
    present: Sequence[np.ndarray]
    rows: Sequence[np.ndarray]
    by_value: Sequence[Array]

    def centre(self, blocks: Blocks) -> Centre:
        """Return the means over all rows of the blocks."""
        chosen = list(blocks)
        count = self.count[chosen]
        total = count.sum()
        return Centre(float(total), count @ self.state_mean[chosen] / total, count @ self.target_mean[chosen] / total)

    def gram_about(self, blocks: Blocks, centre: Centre) -> Array:
        """Return the sum over the blocks of (x - m)(x - m)', float64 [d, d]."""
        chosen = list(blocks)
        offset = self.state_mean[chosen] - centre.state
        result = beside(offset.T, self.gram[0]) @ beside(self.count[chosen, None] * offset, self.gram[0])
        for block in chosen:
            result += self.gram[block]
        return result

    def trace_about(self, blocks: Blocks, centre: Centre) -> float:
        """Return the trace of `gram_about`."""
        chosen = list(blocks)
        offset = self.state_mean[chosen] - centre.state
        return float(
            sum(float(self.gram[block].trace()) for block in chosen) + self.count[chosen] @ (offset**2).sum(axis=1)
        )

    def is_constant(self, blocks: Blocks) -> bool:
        """Return whether all states of the blocks are one vector."""
        centre = self.centre(blocks)
        variance = self.trace_about(blocks, centre) / centre.count
        return bool(variance <= CONSTANT_TOLERANCE * (variance + centre.state @ centre.state))

    def cross_about(self, blocks: Blocks, centre: Centre, columns: np.ndarray | slice = slice(None)) -> Array:
        """Return the sum over the blocks of (x - m)(s - t)' for some target columns, float32 [d, columns]."""
        chosen = list(blocks)
        offset = (self.state_mean[chosen] - centre.state).T * self.count[chosen]
        target = (self.target_mean[chosen] - centre.target)[:, columns]
        result = _product(offset, target, self.gram[0])
        for block in chosen:
            result += self.cross[block][:, columns]
        return result

    def present_in(self, blocks: Blocks) -> np.ndarray:
        """Return the values of the blocks that have rows, int64 [n], block by block."""
        return np.concatenate([self.present[block] for block in blocks])

    def values_about(self, blocks: Blocks, centre: Centre) -> Array:
        """Return the sum of x - m over the rows of each value of `present_in`, float32 [d, n]."""
        offset = (self.state_mean[list(blocks)] - centre.state)[:, :, None]
        moved = [
            _product(more, self.rows[block][None], self.gram[0]) for block, more in zip(blocks, offset, strict=True)
        ]
        return beside_each_other([self.by_value[block] + more for block, more in zip(blocks, moved, strict=True)])

    def target_square_about(self, blocks: Blocks, centre: Centre) -> np.ndarray:
        """Return the sum over the blocks of (s - t)^2 per column, float64 [c]."""
        chosen = list(blocks)
        offset = self.target_mean[chosen] - centre.target
        return np.asarray(self.target_square[chosen].sum(axis=0) + self.count[chosen] @ offset**2)


def _product(left: np.ndarray, right: np.ndarray, place: Array) -> Array:
    """Return the product of two matrices, float32, on the device of a third."""
    return beside(left.astype(np.float32), place) @ beside(right.astype(np.float32), place)


def make_moments(statistics: Statistics, targets: np.ndarray, split: Split) -> Moments:
    """Compute moments from sums, without a pass over rows.

    Parameters
    ----------
    statistics
        Of the training rows.
    targets
        float64 [N, c]: the target code of the rows of each value.
    split
        Assigns values to blocks.
    """
    blocks, width = len(statistics.gram), statistics.value_sum.shape[1]
    columns = targets.shape[1]
    values = np.bincount(split.block, weights=statistics.value_count > 0, minlength=blocks).astype(np.int64)
    count = np.bincount(split.block, weights=statistics.value_count, minlength=blocks)
    safe = np.maximum(count, 1)[:, None]
    state_mean, target_mean = np.zeros((blocks, width)), np.zeros((blocks, columns))
    target_square = np.zeros((blocks, columns))
    gram, cross, by_value = [], [], []
    present = [np.flatnonzero((split.block == b) & (statistics.value_count > 0)) for b in range(blocks)]
    for b in range(blocks):
        of_block = split.block == b
        number, total, target = statistics.value_count[of_block], statistics.value_sum[of_block], targets[of_block]
        state_mean[b], target_mean[b] = total.sum(axis=0) / safe[b], number @ target / safe[b]
        mean = beside(state_mean[b], statistics.gram)
        gram.append(statistics.gram[b] - float(count[b]) * (mean[:, None] * mean))
        deviation = total - number[:, None] * state_mean[b]
        cross.append(_product(deviation.T, target, statistics.gram))
        by_value.append(beside(np.ascontiguousarray(single(deviation[number > 0]).T), statistics.gram))
        target_square[b] = number @ (target - target_mean[b]) ** 2
    rows = [statistics.value_count[one].astype(np.float64) for one in present]
    return Moments(width, values, count, state_mean, target_mean, gram, cross, target_square, present, rows, by_value)


@dataclass(frozen=True, eq=False)
class Subspace:
    """A subspace that holds all states, such as those of q+k+v, a linear image of the residual stream.

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
        """Return the same moments in coordinates along the basis: r numbers per state instead of d."""
        basis = beside(self.basis, moments.gram[0])
        gram = [basis.T @ gram @ basis for gram in moments.gram]
        cross = [single(basis.T) @ cross for cross in moments.cross]
        by_value = [single(basis.T) @ sums for sums in moments.by_value]
        state_mean = (moments.state_mean - self.origin) @ self.basis
        return replace(moments, state_mean=state_mean, gram=gram, cross=cross, by_value=by_value)


def find_subspace(moments: Moments, tolerance: float, largest_share: float) -> Subspace | None:
    """Return the subspace of the states, or None if it has more than `largest_share` of all dimensions.

    It spans the directions in which states vary by more than `tolerance` times the largest variance.
    """
    every = tuple(np.flatnonzero(moments.count).tolist())
    centre = moments.centre(every)
    basis = spanned(moments.gram_about(every, centre), tolerance, largest_share * moments.width)
    return None if basis is None else Subspace(centre.state, basis)
