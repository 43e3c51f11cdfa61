"""Spread of the states over the layers."""

import polars as pl
from matplotlib.figure import Figure

from numprobe.draw.drawn import Drawn, Tables, Values


def spread(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    drawn = tables["spread"].filter(pl.col("value").is_not_null())
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for (model, control, context), rows in drawn.group_by("model", "control", "context", maintain_order=True):
        axes.plot(
            rows["layer"], rows["value"], "--" if control != "none" else "-", label=f"{model} {control} {context}"
        )
    axes.set(xlabel="layer", ylabel="distance from the mean")
    axes.legend()
    return figure, drawn
