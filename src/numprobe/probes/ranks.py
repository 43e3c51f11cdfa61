"""Choose the number of directions that a `fourier` read-out needs, per layer and fold, on training numbers alone."""

from collections.abc import Sequence

import numpy as np

from numprobe.probes.closed_form import fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.dataset import TrainingRows
from numprobe.probes.readout import enough_rank
from numprobe.probes.statistics import accumulate
from numprobe.seeding import derive_seed, generator
from numprobe.splits import Fold, Split

# Groups of training numbers: one evaluates, the others fit.
_GROUPS = 4
_JUDGING_ROWS = 1000


def readout_ranks(
    rows: TrainingRows, split: Split, layers: Sequence[str], folds: Sequence[str], seed: int
) -> dict[tuple[str, str], int]:
    """Return (layer, fold) -> the smallest rank that reads within 1 point of the full read-out, at most d / 4.

    A quarter of the fold's training numbers evaluate, the other three quarters fit; its test numbers take no part
    (`numprobe.probes.readout.enough_rank`).

    Parameters
    ----------
    rows
        The training rows.
    split
        Values and folds.
    layers, folds
        Names; constant layers have rank 1.
    seed
        The study's seed.
    """
    found = {}
    for layer in layers:
        states = rows.states(layer)
        for fold in split.folds:
            if fold.name in folds:
                found[layer, fold.name] = _rank(states, rows.values, split, fold, seed)
    return found


def _rank(states: np.ndarray, values: np.ndarray, split: Split, fold: Fold, seed: int) -> int:
    inner = _inner_split(split, fold, seed)
    code = make_code("fourier", split.minimum, split.maximum)
    target = make_target(code, split.values, split.minimum)
    fitted = fit_layer(accumulate(states, values, inner), inner, [target], inner.folds)
    if fitted is None:
        return 1
    judging = np.flatnonzero(inner.block_of(values) == 0)
    if len(judging) > _JUDGING_ROWS:
        judging = np.sort(generator(seed, "rank").choice(judging, _JUDGING_ROWS, replace=False))
    return enough_rank(fitted[0]["rank"], code.matrix, states[judging], values[judging] - split.minimum)


def _inner_split(split: Split, fold: Fold, seed: int) -> Split:
    """Split the training numbers of a fold into groups, the first of which tests; others are in an unused group."""
    block = np.full(len(split.values), _GROUPS, dtype=np.int8)
    for value in split.values_in(fold.train).tolist():
        block[value - split.minimum] = derive_seed(seed, "rank", value) % _GROUPS
    train = tuple(range(1, _GROUPS))
    return Split(split.minimum, split.maximum, block, (Fold("rank", (0,), (), train, tuple((one,) for one in train)),))
