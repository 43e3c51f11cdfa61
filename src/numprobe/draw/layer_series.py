"""Accuracies over the layers as small multiples, with the published numbers of the papers' models."""

from collections.abc import Mapping
from functools import partial

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.frame import frame
from numprobe.draw.panels import Panels, Place, curve, draw_panels, legend_entry, name_curves, panels_by_context
from numprobe.draw.published import THIS_STUDY, published
from numprobe.draw.rows import in_order
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, Style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.status import Status

#: Name in the legend -> style, and the condition that picks the rows.
Series = dict[str, tuple[Style, pl.Expr]]
#: The published probes that are drawn -> their markers.
PUBLISHED = {"sinusoidal": "x", "wave": "+"}

_OURS = pl.col("source") == THIS_STUDY


def with_published(rows: pl.DataFrame, experiment: str) -> pl.DataFrame:
    """Return the rows, then the published numbers of their models; the column `source` tells them apart."""
    ours = rows.with_columns(source=pl.lit(THIS_STUDY))
    found = published(experiment, in_order(rows["model"])).filter(pl.col("probe").is_in(list(PUBLISHED)))
    shared = [name for name in found.columns if name in ours.columns]
    more = found.select(shared).with_columns(status=pl.lit(Status.MEASURED))
    return pl.concat([ours, more], how="diagonal_relaxed")


def draw_series(drawn: pl.DataFrame, series: Series) -> Figure:
    """Draw small multiples of series over the layers, and the published numbers in grey.

    Parameters
    ----------
    drawn
        What `with_published` returned.
    series
        The curves, in the order of the legend.
    """
    ours, others = drawn.filter(_OURS), drawn.filter(~_OURS)
    figure, panels, rows = panels_by_context(ours)
    draw_panels(panels, rows, partial(_draw_panel, others=others, series=series))
    _name_controls(panels, rows, series)
    return frame(figure, _legend(ours, others, series), 3, x="layer that is read", y="accuracy on unseen numbers")


def _name_controls(panels: Panels, rows: Mapping[Place, pl.DataFrame], series: Series) -> None:
    """Write the names of the controls behind the last panel of each row that has values."""
    controls = {name.rpartition(", ")[2]: curve for name, curve in series.items() if _is_control(curve[0])}
    filled = [place for place in panels if rows[place]["value"].drop_nulls().len()]
    for place in {model: (model, context) for model, context in filled}.values():
        name_curves(panels[place], rows[place], controls)


def _is_control(style: Style) -> bool:
    return style in CONTROLS.values()


def _draw_panel(axes: Axes, rows: pl.DataFrame, others: pl.DataFrame, series: Series) -> list[str]:
    here = (pl.col("model") == rows["model"][0]) & (pl.col("context") == rows["context"][0])
    past = others.filter(here)
    # A study may store some of the layers alone; numbers were published of all.
    layers = layer_order(pl.concat([rows["layer"], past["layer"]]).drop_nulls())
    set_layer_axis(axes, layers)
    for style, condition in reversed(list(series.values())):
        curve(axes, rows.filter(condition), layers, style)
    _draw_published(axes, past, layers)
    return [f"{max(rows['n_values'].drop_nulls().to_list())} values"]


def _draw_published(axes: Axes, rows: pl.DataFrame, layers: list[str]) -> None:
    for probe, marker in PUBLISHED.items():
        part = rows.filter(probe=probe)
        x = [layers.index(name) for name in part["layer"]]
        axes.plot(x, part["value"], linestyle="none", marker=marker, color=NOTE_COLOUR, markersize=3)


def _legend(ours: pl.DataFrame, others: pl.DataFrame, series: Series) -> list[Line2D]:
    entries = [
        legend_entry(name, style)
        for name, (style, condition) in series.items()
        if not (_is_control(style) or ours.filter(condition & pl.col("value").is_not_null()).is_empty())
    ]
    present = set(others["probe"])
    return entries + [
        Line2D([], [], linestyle="none", marker=marker, color=NOTE_COLOUR, label="published, " + probe)
        for probe, marker in PUBLISHED.items()
        if probe in present
    ]
