"""Certainty with which the probe that has not seen a number reads it."""

from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import log_softmax

from numprobe.activations.store import read_positions, read_states
from numprobe.measure.predict import held_out_rows, split_of
from numprobe.probes.probe import Probe

#: One row per number and layer. `decodable`: whether all its states are read as the number; `log_probability`: of the
#: number, in nats, mean over its states.
DECODABILITY = pl.Schema(
    {"layer": pl.String, "number": pl.Int32, "decodable": pl.Boolean, "log_probability": pl.Float64}
)
# States that are scored at a time.
_BATCH = 4096


def decodability(folder: str | Path, probe: Probe, layers: list[str] | None = None) -> pl.DataFrame:
    """Return how each tested number is read by the fold that never saw it.

    Parameters
    ----------
    folder
        States in which numbers are read (`results/activations/{model}/{context}`).
    probe
        A probe of these states. Only where its scores are log-likelihoods is `log_probability` what its name says.
    layers
        Some of the probe's layers; None: all of them.

    Returns
    -------
    Columns `DECODABILITY`, by layer and number; numbers that no fold tests are absent.

    Raises
    ------
    NumprobeError
        If no row tests.
    """
    positions = read_positions(folder, ["number"])
    tested = held_out_rows(positions, split_of(probe))
    parts = [pl.DataFrame(schema=DECODABILITY)]
    for layer in probe.layers if layers is None else layers:
        states = read_states(folder, layer)
        for fold, rows in tested.items():
            for batch in np.split(rows, range(_BATCH, len(rows), _BATCH)):
                values = positions["number"].to_numpy()[batch]
                parts.append(_scored(probe.scores(states[batch], layer, fold), values, probe.numbers, layer))
    means = pl.concat(parts).group_by("layer", "number", maintain_order=True)
    found = means.agg(pl.col("decodable").all(), pl.col("log_probability").mean())
    return found.select(DECODABILITY.names()).sort("number", maintain_order=True).sort("layer", maintain_order=True)


def _scored(scores: np.ndarray, values: np.ndarray, numbers: np.ndarray, layer: str) -> pl.DataFrame:
    place = values - numbers[0]
    likely = log_softmax(scores.astype(np.float64), axis=1)[np.arange(len(values)), place]
    columns = {"number": values, "decodable": scores.argmax(axis=1) == place, "log_probability": likely}
    table = pl.DataFrame(columns).with_columns(layer=pl.lit(layer))
    return table.select(pl.col(name).cast(dtype) for name, dtype in DECODABILITY.items())
