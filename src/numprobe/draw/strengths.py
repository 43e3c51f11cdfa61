"""Effects of changed states over layers and strengths: gain beside harm, and the same of the controls."""

from collections.abc import Sequence

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.frame import frame
from numprobe.draw.outcomes import RUN, controls_of, selected_rows, share_moved
from numprobe.draw.panels import (
    chosen_entry,
    context_panels,
    explain_empty,
    fraction_axis,
    legend_entry,
    line,
    mark_chosen,
    title_columns,
)
from numprobe.draw.rows import is_not_applicable, runs_of
from numprobe.draw.style import Style
from numprobe.layers import layer_order

#: Metrics that are shown, which name their panels.
METRICS = ("repaired", "harmed")
_NAMED_LAYERS = 8
_MARKERS = "os^vDph*"


def strength_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the effect of all layers and strengths on validation prompts, with the chosen share of prompts changed."""
    rows = selected_rows(table, METRICS, (pl.col("part") == "validation") & (pl.col("subset") == "all"))
    if "share" not in rows.columns:
        return rows
    chosen = pl.col("share").filter(pl.col("chosen").fill_null(False)).first().over("model", "context")
    return rows.filter((pl.col("share") == chosen) | is_not_applicable())


def draw_strengths(drawn: pl.DataFrame, main: str) -> Figure:
    """Draw a row of panels per model and a column per metric and control; x = size of the change, a curve per layer.

    Parameters
    ----------
    drawn
        What `strength_rows` returned; the chosen layer and strength get a star.
    main
        What the change itself is called, the rows without a control.
    """
    runs = runs_of(drawn, RUN)
    titles = {
        f"{metric}:\n{main if control == 'none' else control}": (metric, control)
        for metric in METRICS
        for control in controls_of(drawn)
    }
    figure, panels = context_panels(list(runs), list(titles))
    headers = {}
    for (run, title), axes in panels.items():
        metric, control = titles[title]
        fraction_axis(axes)
        shown = runs[run].filter(metric=metric, control=control)
        if not explain_empty(axes, pl.concat([shown, runs[run].filter(is_not_applicable())])):
            _draw_layers(axes, shown.filter(pl.col("value").is_not_null()))
            # Once in a row: it is the same for all of its panels.
            headers[run, title] = share_moved(shown.row(0, named=True)) if title == next(iter(titles)) else []
    title_columns(panels, headers)
    x = "size of the change, in units of the norm of the state"
    y = "share of the wrong answers (repaired) or right answers (harmed)"
    return frame(figure, _legend(drawn), _NAMED_LAYERS + 1, x, y)


def _draw_layers(axes: Axes, rows: pl.DataFrame) -> None:
    layers = layer_order(rows["layer"])
    for layer in layers:
        line(axes, rows.filter(layer=layer), "relative_norm", _depth_style(layer, layers))
    mark_chosen(axes, rows.filter(pl.col("chosen")), "relative_norm")
    axes.set_xlim(left=0)


def _depth_style(layer: str, layers: Sequence[str]) -> Style:
    """Return a colour by relative depth, light to dark, and a marker."""
    place = layers.index(layer) / max(1, len(layers) - 1)
    colour = matplotlib.colors.to_hex(matplotlib.colormaps["viridis_r"](0.12 + 0.88 * place))
    return Style(colour, _MARKERS[layers.index(layer) % len(_MARKERS)])


def _legend(drawn: pl.DataFrame) -> list[Line2D]:
    """Return entries of the layers by name where the models have the same few, else the first, middle and last."""
    measured = drawn.filter(pl.col("value").is_not_null())
    by_model = [layer_order(part["layer"]) for part in measured.partition_by("model", maintain_order=True)]
    layers = by_model[0]
    named = {f"layer {name}": name for name in layers}
    if len(layers) > _NAMED_LAYERS or any(other != layers for other in by_model):
        named = {"first layer": layers[0], "middle layer": layers[len(layers) // 2], "last layer": layers[-1]}
    entries = [legend_entry(label, _depth_style(name, layers)) for label, name in named.items()]
    return [*entries, chosen_entry()]
