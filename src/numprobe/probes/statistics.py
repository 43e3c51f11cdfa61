"""Sufficient statistics of a closed-form fit: sums in float64 that add up over rows and over value blocks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from numprobe.probes.algebra import Array
from numprobe.splits import Split

# Components that are added up at a time, which fit into the processor's cache, and the minimum number of rows, which
# amortise the addition of their products.
_ELEMENTS, _ROWS = 2**18, 1024
# A GPU takes more at a time.
_DEVICE_ELEMENTS = 2**24


@dataclass(frozen=True, eq=False)
class Statistics:
    """Sums over rows. The statistics of two sets of rows add up.

    Attributes
    ----------
    gram
        float64 [B, d, d]: per value block, the sum of x x'; a NumPy array, or a torch tensor on a GPU.
    value_sum
        float64 [N, d]: per value, the sum of x.
    value_count
        int64 [N]: per value, the number of rows; float64 if rows are weighted.
    """

    gram: Array
    value_sum: np.ndarray
    value_count: np.ndarray

    def __add__(self, other: "Statistics") -> "Statistics":
        return Statistics(
            self.gram + other.gram, self.value_sum + other.value_sum, self.value_count + other.value_count
        )


def accumulate(states: np.ndarray, values: np.ndarray, split: Split, device: str | None = None) -> Statistics:
    """Return the statistics of some rows.

    Parameters
    ----------
    states
        [n, d], any floating-point type.
    values
        [n] integers within split.minimum..split.maximum: the value of each row.
    split
        Assigns values to blocks.
    device
        The torch device that computes the sums and holds `gram`; None: NumPy.

    Cost: n d^2 multiplications in float64; a few MB of memory besides the result, on a GPU a few hundred.
    """
    width = states.shape[1]
    index = np.asarray(values) - split.minimum
    block = split.block[index].astype(np.int64)
    order = np.argsort(block * len(split.values) + index, kind="stable")
    index, ends = index[order], np.searchsorted(block[order], np.arange(split.n_blocks + 1))
    value_sum = np.zeros((len(split.values), width))
    add, gram = _adding(split.n_blocks, width, device)
    step = max(_ROWS, (_ELEMENTS if device is None else _DEVICE_ELEMENTS) // width)
    for b in range(split.n_blocks):
        for start in range(ends[b], ends[b + 1], step):
            some = slice(start, min(start + step, ends[b + 1]))
            present, first = np.unique(index[some], return_index=True)
            value_sum[present] += add(gram[b], states[order[some]], first)
    return Statistics(gram, value_sum, np.bincount(index, minlength=len(split.values)))


#: (gram of a block, its rows [n, d] sorted by value, where each value begins) -> sums per value, float64 [values, d];
#: adds to the gram in place.
_Add = Callable[[Array, np.ndarray, np.ndarray], np.ndarray]


def _adding(blocks: int, width: int, device: str | None) -> tuple[_Add, Array]:
    """Return the function that adds up rows, and the array that it adds to."""
    if device is None:
        return _add, np.zeros((blocks, width, width))
    import torch

    return partial(_add_there, device=device), torch.zeros((blocks, width, width), dtype=torch.float64, device=device)


def _add(gram: np.ndarray, given: np.ndarray, first: np.ndarray) -> np.ndarray:
    rows = given.astype(np.float64)
    gram += rows.T @ rows
    return np.add.reduceat(rows, first, axis=0)


def _add_there(gram: Array, given: np.ndarray, first: np.ndarray, device: str) -> np.ndarray:
    import torch

    rows = torch.from_numpy(given).to(device).double()
    gram += rows.T @ rows
    # A matrix product adds up in a fixed order; indexed sums on a GPU do not.
    value = np.repeat(np.arange(len(first)), np.diff([*first, len(given)]))
    of_value = torch.from_numpy(value == np.arange(len(first))[:, None]).to(device).double()
    return np.asarray((of_value @ rows).cpu().numpy())
