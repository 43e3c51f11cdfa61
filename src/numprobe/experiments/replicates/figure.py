"""Figure of models that were trained several times: accuracy over the layers, with both intervals."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import chance_entries, curve, draw_panels, legend_entry, panels_by_context
from numprobe.draw.rows import checked, require
from numprobe.draw.style import NOTE_COLOUR, probe_order, probe_style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.probes.leading import SIDE_BY_SIDE, choose_leading

_COLUMNS = (
    "model", "context", "layer", "probe", "value", "trainings_low", "trainings_high", "numbers_low", "numbers_high",
    "wider", "n_trainings", "n_values", "status", "note",
)  # fmt: skip
_BAR: Mapping[str, Any] = {"color": "black", "linewidth": 0.9, "zorder": 5}


def replicates(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and its table."""
    drawn = replicates_rows(tables["replicates"])
    return draw_replicates(drawn, values["candidates"]), drawn


def replicates_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies of probes in the context of their fit, of those that stand for all."""
    own = checked(table, [*_COLUMNS, "fit_context"]).filter(fit_context=pl.col("context"))
    require(own, "accuracies in the context of the fit")
    probes = probe_order(own["probe"])
    shown = [name for name in SIDE_BY_SIDE if name in probes] or [choose_leading(probes)]
    return own.filter(pl.col("probe").is_in(shown)).select(_COLUMNS)


def draw_replicates(drawn: pl.DataFrame, candidates: int | None = None) -> Figure:
    """Draw a row of panels per model and a column per context: bands over trainings, bars over numbers."""
    figure, panels, rows = panels_by_context(drawn)
    draw_panels(panels, rows, _draw_panel, candidates)
    styles = {name: probe_style(name) for name in probe_order(drawn["probe"])}
    entries = [legend_entry(name, style) for name, style in styles.items()]
    band = Patch(color=NOTE_COLOUR, alpha=0.22, linewidth=0, label="95 % over trainings")
    bar = Line2D([], [], **_BAR, label="95 % over numbers, for given weights")
    return frame(figure, [*entries, band, bar, *chance_entries(candidates)], 3, "layer", "accuracy on unseen numbers")


def _draw_panel(axes: Axes, rows: pl.DataFrame) -> list[str]:
    layers = layer_order(rows["layer"])
    set_layer_axis(axes, layers)
    for name in reversed(probe_order(rows["probe"])):
        of_probe, style = rows.filter(probe=name), probe_style(name)
        x = [layers.index(layer) for layer in of_probe["layer"]]
        curve(axes, of_probe.rename({"trainings_low": "ci_low", "trainings_high": "ci_high"}), layers, style)
        axes.vlines(x, of_probe["numbers_low"], of_probe["numbers_high"], **_BAR)
    return [f"{rows['n_trainings'][0]} trainings, {max(rows['n_values'].to_list())} values"]
