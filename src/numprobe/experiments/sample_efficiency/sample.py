"""Sample the states of one layer, with a limited number of rows per number."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numprobe.activations.store import RESIDUAL, iterate_states, read_manifest, read_positions, state_width
from numprobe.seeding import generator


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows that train or test.

    Attributes
    ----------
    layer
        Name of the state.
    states
        float32 [n, d].
    values
        int64 [n].
    trains, tests
        bool [n]: whether the row's text may train, and whether it may test (both if texts are not divided).
    kept
        bool [rows of the folder]: whether each row is in the sample.
    """

    layer: str
    states: np.ndarray
    values: np.ndarray
    trains: np.ndarray
    tests: np.ndarray
    kept: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """The values with both training and test rows, ascending."""
        return np.intersect1d(self.values[self.trains], self.values[self.tests])


def read_sample(folder: str | Path, layer: str, minimum: int, maximum: int, prompts: int, seed: int) -> Sample:
    """Read rows of an activation folder.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    layer
        Name of the state.
    minimum, maximum
        The candidates; rows of other numbers are left out.
    prompts
        Maximum number of rows kept per number, at random, of training and of test rows each.
    seed
        The study's seed.

    Raises
    ------
    NumprobeError
        If the folder is incomplete or has no such layer.
    """
    positions = read_positions(folder, ["number"])
    values = positions["number"].to_numpy().astype(np.int64)
    usable = (values >= minimum) & (values <= maximum)
    texts = positions["text_split"].to_numpy()
    keys = generator(seed, "sample efficiency", "rows").random(len(values))
    trains, tests = (_kept(usable & (texts != other), values, keys, prompts) for other in ("test", "train"))
    rows = trains | tests
    width = state_width(read_manifest(folder), RESIDUAL)
    states = _states(folder, layer, rows, width)
    return Sample(layer, states, values[rows], trains[rows], tests[rows], rows)


def rank_within(values: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the rank of each row among the rows of its value, int64 [n] from 0, in ascending order of `keys`."""
    order = np.lexsort((keys, values))
    _, first, count = np.unique(values[order], return_index=True, return_counts=True)
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values)) - np.repeat(first, count)
    return rank


def _kept(role: np.ndarray, values: np.ndarray, keys: np.ndarray, prompts: int) -> np.ndarray:
    kept = np.zeros(len(values), dtype=bool)
    kept[role] = rank_within(values[role], keys[role]) < prompts
    return kept


def _states(folder: str | Path, layer: str, rows: np.ndarray, width: int) -> np.ndarray:
    """Read float32 [kept, width] batch by batch, so that memory holds only the kept rows."""
    states = np.empty((int(rows.sum()), width), dtype=np.float32)
    row = filled = 0
    for batch in iterate_states(folder, layer, site=RESIDUAL):
        chosen = batch[rows[row : row + len(batch)]]
        states[filled : filled + len(chosen)] = chosen
        row, filled = row + len(batch), filled + len(chosen)
    return states
