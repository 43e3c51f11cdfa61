"""Read labelled states with probes that never saw their labels: fit every fold and decode its test rows, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.probes.closed_form import Tensors, fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.probe import Probe
from numprobe.probes.statistics import accumulate
from numprobe.splits import Fold, Split

_LAYER = "0"


@dataclass(frozen=True, eq=False)
class Reading:
    """Readings of the probes of all folds.

    Attributes
    ----------
    labels
        int64 [n]: the label of each row (another number than the row's under a permutation).
    decoded
        int64 [n]: the reading of each row by the probe of the fold that never saw its label.
    """

    labels: np.ndarray
    decoded: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """True for rows that are read correctly, bool [n]."""
        return np.asarray(self.labels == self.decoded)


def read_held_out(
    states: np.ndarray, values: np.ndarray, split: Split, kind: str, permutations: Sequence[np.ndarray | None]
) -> list[Reading] | None:
    """Fit a closed-form probe on every fold and decode every row by the fold whose test block holds its value.

    Parameters
    ----------
    states
        [n, d], any floating-point type.
    values
        int [n]: the true value of each row, within the split's range.
    split
        Values, blocks and folds; the test blocks of the folds cover all values.
    kind
        A closed-form probe.
    permutations
        Per reading: None, or int64 [N], the label of each value of the range (`numprobe.probes.controls`).

    Returns
    -------
    One reading per permutation; None if all states are one vector.

    Raises
    ------
    NumprobeError
        If there is no such probe, or too few values for the folds.
    """
    labels = [split.values if permutation is None else permutation for permutation in permutations]
    fitted = _fit(states, values, split, kind, labels, split.folds)
    if fitted is None:
        return None
    return [
        Reading(one[values - split.minimum], _decode(states, values, split.folds, split, kind, tensors))
        for one, tensors in zip(labels, fitted, strict=True)
    ]


def inner_accuracy(states: np.ndarray, values: np.ndarray, split: Split, kind: str) -> np.ndarray:
    """Return each fold's accuracy on one of its own training blocks, on which a choice of states may be based.

    The block is held out from a fit on the fold's other training blocks, so no test value of the fold takes part.

    Parameters
    ----------
    states, values, split, kind
        As `read_held_out`; at least four blocks.

    Returns
    -------
    float64 [folds], Laplace's estimate (right + 1) / (rows + 2), so that products over places tell states apart even
    where a place is never read; NaN where all states are one vector.
    """
    folds = [_inner_fold(fold) for fold in split.folds]
    fitted = _fit(states, values, split, kind, [split.values], folds)
    if fitted is None:
        return np.full(len(folds), np.nan)
    shares = []
    for fold in folds:
        rows = np.isin(split.block_of(values), fold.test)
        decoded = _decode(states[rows], values[rows], [fold], split, kind, fitted[0])
        shares.append(((decoded == values[rows]).sum() + 1) / (rows.sum() + 2))
    return np.array(shares)


def _inner_fold(fold: Fold) -> Fold:
    """Return the fold whose test block is the last training block of another, and which trains on the others."""
    *train, test = fold.train
    count = min(len(fold.inner), len(train))
    groups = tuple(tuple(train[start::count]) for start in range(count))
    return Fold(fold.name, (test,), (), tuple(train), groups)


def _fit(
    states: np.ndarray,
    values: np.ndarray,
    split: Split,
    kind: str,
    labels: Sequence[np.ndarray],
    folds: Sequence[Fold],
) -> list[dict[str, Tensors]] | None:
    code = make_code(kind, split.minimum, split.maximum)
    targets = [make_target(code, one, split.minimum) for one in labels]
    return fit_layer(accumulate(states, values, split), split, targets, folds)


def _decode(
    states: np.ndarray,
    values: np.ndarray,
    folds: Sequence[Fold],
    split: Split,
    kind: str,
    tensors: dict[str, Tensors],
) -> np.ndarray:
    probe = Probe(
        kind=kind,
        numbers=split.values,
        layers=(_LAYER,),
        folds=tuple(tensors),
        constant=(),
        width=states.shape[1],
        metadata={},
        tensors={(_LAYER, fold): arrays for fold, arrays in tensors.items()},
    )
    decoded = np.empty(len(values), dtype=np.int64)
    block = split.block_of(values)
    for fold in folds:
        tested = np.isin(block, fold.test)
        if tested.any():
            decoded[tested] = probe.decode(states[tested], _LAYER, fold.name)
    return decoded
