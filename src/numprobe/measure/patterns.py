"""Accuracy of the forward model: its predicted states of numbers that it has not seen."""

from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_positions, read_states
from numprobe.intervals import explained_interval
from numprobe.measure.predict import held_out_rows
from numprobe.probes.patterns import Patterns
from numprobe.splits import Split
from numprobe.tables import Row

#: Columns beside those of all measurements.
EXTRA = {"direction": pl.String}


def pattern_rows(folder: str | Path, patterns: Patterns, split: Split, resamples: int, seed: int) -> list[Row]:
    """Share of the variance between the mean states of unseen numbers that their patterns explain, layer by layer.

    Parameters
    ----------
    folder
        The states that the patterns were fitted on.
    patterns
        Fitted on this model in this context; under the control "shuffled" a number's pattern is that of its own code.
    split
        Values and folds: each number is predicted by the fold that has not seen it.
    resamples, seed
        Of the bootstrap over numbers.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `EXTRA`, metric `explained`, that lack `model` and
    `context`. Mean states of several prompts still hold noise, which nothing can explain.
    """
    positions = read_positions(folder, ["number"])
    tested = {fold: rows for fold, rows in held_out_rows(positions, split).items() if fold in patterns.folds}
    found = []
    for layer in patterns.layers:
        states = read_states(folder, layer)
        parts = [
            _errors(states[rows], positions["number"].to_numpy()[rows], patterns, layer, fold)
            for fold, rows in tested.items()
        ]
        values, error, spread = (np.concatenate(column) for column in zip(*parts, strict=True))
        interval = explained_interval(values, error, spread, resamples, seed)
        found.append(
            {
                "layer": layer,
                "direction": "patterns",
                "control": patterns.metadata["control"],
                "metric": "explained",
                **interval.columns(),
                "n_prompts": sum(map(len, tested.values())),
                "seed": seed,
            }
        )
    return found


def _errors(
    states: np.ndarray, values: np.ndarray, patterns: Patterns, layer: str, fold: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, and squared distance of their mean state from their pattern and from the mean of the training states."""
    table = pl.DataFrame({"number": values, "row": np.arange(len(values))})
    groups = table.group_by("number", maintain_order=True).agg("row")
    numbers = groups["number"].to_numpy().astype(np.int64)
    means = np.stack([states[rows.to_numpy()].astype(np.float64).mean(axis=0) for rows in groups["row"]])
    predicted = patterns.states(numbers, layer, fold)
    centre = patterns.tensors[layer, fold]["mean"]
    return numbers, ((means - predicted) ** 2).sum(axis=1), ((means - centre) ** 2).sum(axis=1)
