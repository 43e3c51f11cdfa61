"""Split the numbers into two halves, each of which trains while the other tests; the same in all models and layers."""

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.seeding import derive_seed
from numprobe.splits import Fold, Split, value_block

#: Inner groups of each half, which choose penalties and weights.
GROUPS = 3


def make_halves(minimum: int, maximum: int, seed: int, draw: int) -> Split:
    """Draw two halves: fold "0" trains on the first and tests on the second, fold "1" the other way round.

    The half of a value depends on (seed, draw, value) alone, so a value that tests one model's map trains no code of
    another model either.

    Parameters
    ----------
    minimum, maximum
        Range of values.
    seed
        The study's seed.
    draw
        Index of the draw.

    Raises
    ------
    NumprobeError
        If the range is so small that an inner group has no value.
    """
    drawn = derive_seed(seed, "halves", draw)
    block = np.array([value_block(drawn, value, 2 * GROUPS) for value in range(minimum, maximum + 1)], dtype=np.int8)
    if len(np.unique(block)) < 2 * GROUPS:
        raise NumprobeError(
            f"numbers: {minimum}..{maximum} cannot be divided into halves of {GROUPS} groups each: use a wider range"
        )
    return Split(minimum, maximum, block, (_half(0), _half(1)))


def _half(train: int) -> Fold:
    of_half = [tuple(range(half, 2 * GROUPS, 2)) for half in (0, 1)]
    return Fold(str(train), of_half[1 - train], (), of_half[train], tuple((block,) for block in of_half[train]))
