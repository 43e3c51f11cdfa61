"""Distance of the states of numbers from their mean."""

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_states
from numprobe.experiments.given import Given
from numprobe.tables import measurements, read_table


def measure_spread(given: Given) -> None:
    """Write the root mean square distance of the states from their mean, layer by layer."""
    folder = given.folder("states")
    names = {"model": given.model, "control": given.control, "context": given.context}
    rows = []
    for state in read_manifest(folder)["states"]:
        states = read_states(folder, state["layer"]).astype(np.float64)
        distance = float(np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean()))
        rows.append({**names, "layer": state["layer"], "metric": "spread", "value": distance})
    given.write(measurements(rows))


def rank_spread(given: Given) -> None:
    """Write the models in the order of their largest spread."""
    table = pl.concat([read_table(path) for path in given.inputs["tables"]])
    largest = table.filter(pl.col("control") == "none").group_by("model").agg(pl.col("value").max())
    rows = largest.sort("value", "model", descending=[True, False]).to_dicts()
    given.write(measurements([{**row, "metric": "largest_spread"} for row in rows]))
