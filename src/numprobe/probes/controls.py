"""Controls: probes of labels or states in which there is nothing to read."""

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.seeding import generator
from numprobe.splits import Split

#: Controls that need separate fits. (`untrained` is another model folder; `constant` needs no fit.)
CONTROLS = ("shuffled", "gaussian")


def control_labels(control: str, values: np.ndarray, split: Split, seed: int) -> np.ndarray:
    """Return the label of each row under a control, which the probe is trained and judged on.

    `shuffled` is one permutation of all values, applied to every row. A row stays in the block of its TRUE value;
    only its label changes. The test is the same as without the control: a permutation is one-to-one, so no training row
    has a label of the held-out block, just as none has its values. Only the relation between states and the order of
    the numbers is lost. The states of every training set stay the same, so their second moments are computed once for
    both.

    Parameters
    ----------
    control
        "none", "shuffled" or "gaussian" (whose labels are the values).
    values
        Integer array of true values.
    split
        Gives the range of values.
    seed
        The study's seed.

    Returns
    -------
    int64 array, shape as `values`.

    Raises
    ------
    NumprobeError
        If the control is unknown.
    """
    values = np.asarray(values, dtype=np.int64)
    if control == "shuffled":
        permutation = generator(seed, "control", "shuffled").permutation(split.values)
        return np.asarray(permutation[values - split.minimum])
    if control in ("none", "gaussian"):
        return values
    raise NumprobeError(f"there is no control '{control}': choose from none, {', '.join(CONTROLS)}")


def gaussian_states(values: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Draw one standard normal vector per value, the same in all its rows: float32 [n, width].

    The vector of a value depends on (seed, value, width) alone.
    """
    present, inverse = np.unique(values, return_inverse=True)
    vectors = [generator(seed, "control", "gaussian", int(value)).standard_normal(width) for value in present]
    return np.asarray(vectors, dtype=np.float32).reshape(-1, width)[inverse]
