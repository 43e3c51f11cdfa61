"""Nested training sets: the numbers in random order, the first 8, the first 16, ...

The values between two sizes are divided into one block per inner group, so that the training set of every size and all
its inner groups are unions of blocks: their statistics are sums, and the rows are read once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.seeding import generator
from numprobe.splits import Fold, Split

#: Inner groups of the training values. With three, a fit that leaves one out still has two for its choices.
GROUPS = 3
#: With fewer training values, an inner group would have fewer than two.
FEWEST = 2 * GROUPS


@dataclass(frozen=True, eq=False)
class Order:
    """One random order of the numbers.

    Attributes
    ----------
    name
        "0", "1", ...
    sizes
        Numbers of training values, ascending.
    values
        int64 [sizes[-1]]: the training values, in order.
    test
        int64: the values that test, the same for all sizes.
    split
        Blocks of the values, without folds.
    """

    name: str
    sizes: tuple[int, ...]
    values: np.ndarray
    test: np.ndarray
    split: Split

    def fold(self, size: int) -> Fold:
        """Return the fold that trains on the first `size` values."""
        groups = self._groups(size)
        return Fold(str(size), (self.split.n_blocks - 1,), (), _union(groups), groups)

    def inner_folds(self, size: int) -> list[Fold]:
        """Return, for each inner group, the fold that trains on the first `size` values without it and tests on it."""
        groups = self._groups(size)
        rests = [groups[:left_out] + groups[left_out + 1 :] for left_out in range(GROUPS)]
        return [
            Fold(f"{size} without {left_out}", groups[left_out], (), _union(rest), rest)
            for left_out, rest in enumerate(rests)
        ]

    def next_block(self, size: int) -> np.ndarray:
        """Return the values that follow the first `size`, up to the next size; empty after the last."""
        following = [other for other in self.sizes if other > size]
        return self.values[size : following[0]] if following else self.values[:0]

    def _groups(self, size: int) -> tuple[tuple[int, ...], ...]:
        steps = range(self.sizes.index(size) + 1)
        return tuple(tuple(step * GROUPS + group for step in steps) for group in range(GROUPS))


def _union(groups: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    return tuple(sorted(block for group in groups for block in group))


def make_order(
    minimum: int, maximum: int, present: np.ndarray, sizes: Sequence[int], held_out: int, seed: int, index: int
) -> Order:
    """Draw one random order of the values that a model can be probed on.

    The order is drawn over all of minimum..maximum, so models that differ in their numbers still share it.

    Parameters
    ----------
    minimum, maximum
        The candidates.
    present
        int: the values with rows.
    sizes
        Wanted training sizes; those beyond the present values are replaced by all that are not held out.
    held_out
        Number of test values, the last ones of the order.
    seed
        The study's seed.
    index
        Index of the order.

    Raises
    ------
    NumprobeError
        If too few values are present.
    """
    drawn = generator(seed, "sample efficiency", index).permutation(np.arange(minimum, maximum + 1))
    order = drawn[np.isin(drawn, present)]
    available = len(order) - held_out
    if available < max(FEWEST, min(sizes)):
        raise NumprobeError(
            f"only {len(order)} numbers can be probed, too few to train on {min(sizes)} and to hold out {held_out}: "
            "lower values or held_out of the experiment sample_efficiency"
        )
    kept = tuple(sorted({min(size, available) for size in sizes}))
    training, test = order[: kept[-1]], order[len(order) - held_out :]
    split = Split(minimum, maximum, _blocks(training, kept, minimum, maximum), ())
    return Order(str(index), kept, training, test, split)


def _blocks(training: np.ndarray, sizes: tuple[int, ...], minimum: int, maximum: int) -> np.ndarray:
    """Return the block of each value, int16 [N]: GROUPS blocks per size, and a last one for all that do not train."""
    place = np.arange(len(training))
    block = np.full(maximum - minimum + 1, len(sizes) * GROUPS, dtype=np.int16)
    block[training - minimum] = np.searchsorted(sizes, place, side="right") * GROUPS + place % GROUPS
    return block
