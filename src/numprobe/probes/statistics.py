"""What a closed-form fit needs to know of the rows: sums in float64 that add up over rows and over value blocks."""

from dataclasses import dataclass

import numpy as np

from numprobe.splits import Split


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

    Cost: n d^2 multiplications in float64; memory 8 n d bytes beside the result.
    """
    width = states.shape[1]
    index = np.asarray(values) - split.minimum
    order = np.argsort(index, kind="stable")
    rows, index = states[order].astype(np.float64), index[order]
    value_sum = np.zeros((len(split.values), width))
    present, first = np.unique(index, return_index=True)
    if len(present):
        value_sum[present] = np.add.reduceat(rows, first, axis=0)
    gram = np.zeros((split.n_blocks, width, width))
    block = split.block[index]
    for b in np.unique(block):
        part = rows[block == b]
        gram[b] = part.T @ part
    return Statistics(gram, value_sum, np.bincount(index, minlength=len(split.values)))
