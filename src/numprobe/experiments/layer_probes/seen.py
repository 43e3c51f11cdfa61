"""Fit probes that are tested on numbers seen in other prompts, for a control task (Hewitt & Liang 2019).

This is the one exception to splits over values. Under a value split, random labels of the numbers are at chance by
construction; here a probe can memorise them, and selectivity subtracts how well it does. Prompts are divided into
groups: group 0 tests, the others train and choose penalties, shrinkage and weights.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import torch

from numprobe.errors import NumprobeError
from numprobe.probes.closed_form import Target, fit_layer
from numprobe.probes.codes import make_code
from numprobe.probes.fit_iterative import IterativeData
from numprobe.probes.probe import Probe
from numprobe.probes.settings import Settings
from numprobe.probes.statistics import accumulate
from numprobe.seeding import generator
from numprobe.splits import Fold, Split

#: Name of the only fold.
SEEN = "seen"


def prompt_groups(positions: pl.DataFrame, groups: int, seed: int) -> np.ndarray:
    """Assign each row to a group, int64 [n]: the prompts of each number in random order, dealt out in turn.

    Rows with the same number and operands (the same text) are in one group.

    Parameters
    ----------
    positions
        Columns `number`, `a`, `b`, `operation`, `template`; the last four may be absent.
    groups
        Number of groups.
    seed
        The study's seed.

    Raises
    ------
    NumprobeError
        If half of the numbers have fewer than three different prompts (to test, to train and to choose penalties).
    """
    texts = [name for name in ("number", "a", "b", "operation", "template") if name in positions.columns]
    text = positions.select(pl.struct(texts).rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    _, first, place = np.unique(text, return_index=True, return_inverse=True)
    value = positions["number"].to_numpy()[first]
    shuffled = generator(seed, "control", "prompt groups").permutation(len(first))
    order = shuffled[np.argsort(value[shuffled], kind="stable")]
    start = np.searchsorted(value[order], value[order])
    group = np.empty(len(first), dtype=np.int64)
    group[order] = (np.arange(len(first)) - start) % groups
    # Two prompts of a number may happen to be the same text, hence the median.
    if np.median(np.unique(value, return_counts=True)[1]) < 3:
        raise NumprobeError("selectivity needs 3 prompts or more of each number: use a context with a higher per_value")
    return np.asarray(group[place])


def control_task(minimum: int, maximum: int, seed: int) -> np.ndarray:
    """Draw a random label for each number minimum..maximum, each label once: int64 [N]."""
    return np.asarray(generator(seed, "control", "task").permutation(np.arange(minimum, maximum + 1)))


def fit_seen(
    states: np.ndarray, values: np.ndarray, group: np.ndarray, kinds: Sequence[str], labels: Sequence[np.ndarray]
) -> list[list[Probe]] | None:
    """Fit closed-form probes of one layer.

    Parameters
    ----------
    states
        [n, d].
    values
        int64 [n]: index of each row's number among the candidates.
    group
        int64 [n]: as `prompt_groups`.
    kinds
        Names of `numprobe.probes.codes.CODES`.
    labels
        Per task, int64 [N]: the label of each candidate, in ascending order of candidates.

    Returns
    -------
    Per task, one probe per kind, with the layer "0" and the fold `SEEN`; None if the states are constant.
    """
    minimum, maximum = int(labels[0].min()), int(labels[0].max())
    count, groups = maximum - minimum + 1, int(group.max()) + 1
    # The fit treats a number in another group of prompts as another number with the same label.
    blocks = np.repeat(np.arange(groups, dtype=np.int8), count)
    split = Split(0, count * groups - 1, blocks, (_fold(groups),))
    targets = []
    for task in labels:
        for kind in kinds:
            code = make_code(kind, minimum, maximum)
            targets.append(Target(code, np.tile(task - minimum, groups)))
    fitted = fit_layer(accumulate(states, values + count * group, split), split, targets, split.folds)
    if fitted is None:
        return None
    probes = [
        _probe(kind, minimum, maximum, states.shape[1], tensors[SEEN])
        for kind, tensors in zip([kind for _ in labels for kind in kinds], fitted, strict=True)
    ]
    return [probes[start : start + len(kinds)] for start in range(0, len(probes), len(kinds))]


def fit_seen_iteratively(
    states: np.ndarray,
    values: np.ndarray,
    group: np.ndarray,
    kind: str,
    settings: Settings,
    labels: np.ndarray,
    seed: int,
) -> Probe:
    """Train a probe by gradient descent; group 1 validates. Parameters as in `fit_seen`, with one task's `labels`."""
    minimum, maximum = int(labels.min()), int(labels.max())
    split = Split(minimum, maximum, np.zeros(len(labels), dtype=np.int8), ())
    index = torch.from_numpy(labels[values] - minimum)
    data = IterativeData(kind, settings, split, {"0": states.astype(np.float32)}, index, group, seed)
    train = tuple(range(2, int(group.max()) + 1))
    ((tensors, _),) = data.fit_fold(Fold(SEEN, (0,), (1,), train, ()))
    return _probe(kind, minimum, maximum, states.shape[1], tensors)


def _fold(groups: int) -> Fold:
    train = tuple(range(1, groups))
    return Fold(SEEN, (0,), (), train, tuple((group,) for group in train))


def _probe(kind: str, minimum: int, maximum: int, width: int, tensors: Mapping[str, np.ndarray]) -> Probe:
    numbers = np.arange(minimum, maximum + 1)
    return Probe(kind, numbers, ("0",), (SEEN,), (), width, {}, {("0", SEEN): tensors})
