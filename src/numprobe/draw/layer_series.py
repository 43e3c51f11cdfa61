"""Accuracies over the layers as small multiples, with the paper's numbers where the model is one of the paper's."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.panels import context_panels, curve, explain_empty, fraction_axis, legend_entry, title_columns
from numprobe.draw.published import published
from numprobe.draw.rows import in_order
from numprobe.draw.style import NOTE_COLOUR, Style, set_layer_axis
from numprobe.layers import layer_order

#: Name in the legend -> style, and the condition that picks the rows.
Series = dict[str, tuple[Style, pl.Expr]]
#: The paper's probes; its figures have three kinds.
PAPER = {"sinusoidal": "x", "wave": "+"}


def with_paper(rows: pl.DataFrame, experiment: str) -> pl.DataFrame:
    """Return the rows, then the published numbers of their models, as control "published"."""
    found = published(experiment, in_order(rows["model"])).filter(pl.col("probe").is_in(list(PAPER)))
    shared = [name for name in found.columns if name in rows.columns]
    more = found.select(shared).with_columns(control=pl.lit("published"))
    return pl.concat([rows, more], how="diagonal_relaxed")


def draw_series(drawn: pl.DataFrame, series: Mapping[str, tuple[Style, pl.Expr]]) -> Figure:
    """Draw small multiples of series over the layers, with the paper's numbers in grey for the paper's models."""
    models = in_order(drawn["model"])
    contexts = in_order(drawn.filter(pl.col("control") != "published")["context"])
    figure, panels = context_panels(models, contexts)
    headers = {}
    for (model, context), axes in panels.items():
        rows = drawn.filter((pl.col("model") == model) & (pl.col("context") == context))
        fraction_axis(axes)
        if explain_empty(axes, rows):
            continue
        layers = layer_order(rows["layer"].drop_nulls())
        set_layer_axis(axes, layers)
        for style, condition in reversed(list(series.values())):
            curve(axes, rows.filter(condition), layers, style)
        _draw_paper(axes, rows.filter(pl.col("control") == "published"), layers)
        headers[model, context] = [f"{max(rows['n_values'].drop_nulls().to_list())} values"]
    title_columns(panels, headers)
    figure.supxlabel("layer that is read", fontsize=7)
    figure.supylabel("accuracy on unseen numbers", fontsize=7)
    figure.legend(handles=_legend(drawn, series), loc="outside upper center", ncols=3)
    return figure


def _draw_paper(axes: Axes, rows: pl.DataFrame, layers: list[str]) -> None:
    for probe, marker in PAPER.items():
        part = rows.filter(pl.col("probe") == probe)
        x = [layers.index(name) for name in part["layer"]]
        axes.plot(x, part["value"], linestyle="none", marker=marker, color=NOTE_COLOUR, markersize=3)


def _legend(drawn: pl.DataFrame, series: Mapping[str, tuple[Style, pl.Expr]]) -> list[Line2D]:
    entries = [
        legend_entry(name, style)
        for name, (style, condition) in series.items()
        if not drawn.filter(condition & pl.col("value").is_not_null()).is_empty()
    ]
    of_paper = set(drawn.filter(pl.col("control") == "published")["probe"])
    return entries + [
        Line2D([], [], linestyle="none", marker=marker, color=NOTE_COLOUR, label="published, " + probe)
        for probe, marker in PAPER.items()
        if probe in of_paper
    ]
