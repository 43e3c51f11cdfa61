"""Read the interchanged operand with probes fitted in closed form on the pairs' own states."""

import numpy as np

from numprobe.probes.closed_form import Tensors, fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.probe import Probe
from numprobe.probes.readout import enough_rank
from numprobe.probes.statistics import accumulate
from numprobe.splits import Fold, Split

_KIND = "fourier"
#: The name of the one layer of `own_probe`.
OWN_LAYER = "0"


def fit_readout(states: np.ndarray, values: np.ndarray, split: Split, fold: Fold) -> Tensors | None:
    """Fit the tensors of a `fourier` probe (`numprobe.probes.probe.Probe`) of one layer; None if states are constant.

    Parameters
    ----------
    states
        float [n, d]; states of numbers that do not train are ignored.
    values
        int64 [n].
    split, fold
        Which numbers train.
    """
    target = make_target(make_code(_KIND, split.minimum, split.maximum), split.values, split.minimum)
    fitted = fit_layer(accumulate(states, values, split), split, [target], [fold])
    return None if fitted is None else fitted[0][fold.name]


def needed_rank(states: np.ndarray, values: np.ndarray, split: Split) -> int:
    """Return the rank at which a probe reads validation numbers within one point of its full read-out, at most d / 4.

    Parameters
    ----------
    states, values
        float [n, d] and int64 [n], of training and validation numbers.
    split
        What `interchange_split` returned.
    """
    fold = split.folds[0]
    tensors = fit_readout(states, values, split, fold)
    held = np.isin(split.block_of(values), fold.validation)
    if tensors is None or not held.any():
        return 1
    code = make_code(_KIND, split.minimum, split.maximum).matrix
    return enough_rank(tensors, code, states[held], values[held] - split.minimum)


def own_probe(states: np.ndarray, values: np.ndarray, split: Split) -> Probe | None:
    """Fit a `fourier` probe of one layer on all numbers that do not test; None if the states are constant.

    Parameters
    ----------
    states, values
        float [n, d] and int64 [n], of all numbers.
    split
        What `interchange_split` returned.
    """
    fold = split.folds[1]
    tensors = fit_readout(states, values, split, fold)
    if tensors is None:
        return None
    return Probe(
        kind=_KIND, numbers=split.values, layers=(OWN_LAYER,), folds=(fold.name,), constant=(), width=states.shape[1],
        metadata={}, tensors={(OWN_LAYER, fold.name): tensors},
    )  # fmt: skip


def read_test_numbers(states: np.ndarray, values: np.ndarray, split: Split) -> tuple[np.ndarray, np.ndarray] | None:
    """Fit on all numbers that do not test, and read those that do: numbers and readings, int64 [n tested].

    Parameters
    ----------
    states, values
        float [n, d] and int64 [n], of all numbers.
    split
        What `interchange_split` returned.

    Returns
    -------
    None if the states are constant.
    """
    probe = own_probe(states, values, split)
    if probe is None:
        return None
    tested = np.isin(split.block_of(values), split.folds[1].test)
    return values[tested], probe.decode(states[tested], OWN_LAYER, probe.folds[0])
