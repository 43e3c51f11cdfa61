"""What a closed-form fit needs to know of the rows: sums in float64 that add up over rows and over value blocks."""

from dataclasses import dataclass

import numpy as np

from numprobe.splits import Split

# Rows are added up so many components at a time, which the processor keeps at hand, and at least so many rows, which
# pay for adding their products up.
_ELEMENTS, _ROWS = 2**18, 1024


@dataclass(frozen=True, eq=False)
class Statistics:
    """Sums over rows. The statistics of two sets of rows are the sum of theirs.

    Attributes
    ----------
    gram
        float64 [B, d, d]: per value block, the sum of x x'.
    value_sum
        float64 [N, d]: per value, the sum of x.
    value_count
        int64 [N]: per value, the number of rows; float64 where rows are weighted.
    """

    gram: np.ndarray
    value_sum: np.ndarray
    value_count: np.ndarray

    def __add__(self, other: "Statistics") -> "Statistics":
        return Statistics(
            self.gram + other.gram, self.value_sum + other.value_sum, self.value_count + other.value_count
        )


def accumulate(states: np.ndarray, values: np.ndarray, split: Split) -> Statistics:
    """The statistics of some rows.

    Parameters
    ----------
    states
        [n, d], any floating-point type.
    values
        [n] integers within split.minimum..split.maximum: the value of each row.
    split
        Assigns values to blocks.

    Cost: n d^2 multiplications in float64; a few MB beside the result.
    """
    width = states.shape[1]
    index = np.asarray(values) - split.minimum
    block = split.block[index].astype(np.int64)
    order = np.argsort(block * len(split.values) + index, kind="stable")
    index, ends = index[order], np.searchsorted(block[order], np.arange(split.n_blocks + 1))
    value_sum = np.zeros((len(split.values), width))
    gram = np.zeros((split.n_blocks, width, width))
    step = max(_ROWS, _ELEMENTS // width)
    for b in range(split.n_blocks):
        for start in range(ends[b], ends[b + 1], step):
            some = slice(start, min(start + step, ends[b + 1]))
            rows = states[order[some]].astype(np.float64)
            present, first = np.unique(index[some], return_index=True)
            value_sum[present] += np.add.reduceat(rows, first, axis=0)
            gram[b] += rows.T @ rows
    return Statistics(gram, value_sum, np.bincount(index, minlength=len(split.values)))
