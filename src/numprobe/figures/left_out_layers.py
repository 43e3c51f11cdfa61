"""Probes that never saw the layer that they read, over the layers, beside the probe of each layer."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.figures.cross_layer import OTHERS, accuracies
from numprobe.figures.panels import context_panels, curve, explain_empty, fraction_axis, legend_entry, title_columns
from numprobe.figures.published import published
from numprobe.figures.rows import in_order, is_not_applicable, nothing_to_draw
from numprobe.figures.style import CONTROLS, NOTE_COLOUR, Style, set_layer_axis
from numprobe.layers import layer_order

#: Name in the legend -> style, and the condition that picks the rows.
Series = dict[str, tuple[Style, pl.Expr]]
_LEFT_OUT = pl.col("fit_layer") == OTHERS
_PLAIN = pl.col("control") == "none"
SERIES: Series = {
    "the layer's own probe": (
        Style("#000000", "o"),
        _PLAIN & (pl.col("fit_layer") == pl.col("layer")) & (pl.col("normalisation") == "layer"),
    ),
    "all other layers, each on its own scale": (
        Style("#0072B2", "s"),
        _PLAIN & _LEFT_OUT & (pl.col("normalisation") == "layer"),
    ),
    "all other layers, states as they are": (
        Style("#D55E00", "^", "--"),
        _PLAIN & _LEFT_OUT & (pl.col("normalisation") == "none"),
    ),
    "shuffled": (CONTROLS["shuffled"], _LEFT_OUT & (pl.col("control") == "shuffled")),
    "untrained": (
        CONTROLS["untrained"],
        _LEFT_OUT & (pl.col("control") == "untrained") & (pl.col("normalisation") == "chosen"),
    ),
    "constant": (CONTROLS["constant"], _LEFT_OUT & (pl.col("control") == "constant")),
}
#: The paper's probes; its figures have three kinds.
PAPER = {"sinusoidal": "x", "wave": "+"}


def left_out_rows(table: pl.DataFrame) -> pl.DataFrame:
    """The accuracies that the figure shows, and the paper's.

    Parameters
    ----------
    table
        The table of the experiment `cross_layer`.

    Raises
    ------
    NumprobeError
        If the table is empty, lacks a column, or no layer was left out.
    """
    rows = accuracies(table)
    left_out = rows.filter(_LEFT_OUT & pl.col("value").is_not_null())
    if left_out.is_empty():
        raise nothing_to_draw("accuracy of probes fitted on all other layers")
    shown = pl.any_horizontal(condition for _, condition in SERIES.values())
    kept = rows.filter((shown & pl.col("context").is_in(left_out["context"].unique().to_list())) | is_not_applicable())
    return with_paper(kept.filter(pl.col("context").is_in(left_out["context"].unique().to_list())), "cross_layer")


def with_paper(rows: pl.DataFrame, experiment: str) -> pl.DataFrame:
    """The rows, then the published numbers of their models, as control "published"."""
    found = published(experiment, in_order(rows["model"])).filter(pl.col("probe").is_in(list(PAPER)))
    shared = [name for name in found.columns if name in rows.columns]
    more = found.select(shared).with_columns(control=pl.lit("published"))
    return pl.concat([rows, more], how="diagonal_relaxed")


def draw_left_out(drawn: pl.DataFrame) -> Figure:
    """A row per model, a column per context; x = the layer that is left out and read, y = accuracy.

    Parameters
    ----------
    drawn
        What `left_out_rows` returned.
    """
    return draw_series(drawn, SERIES)


def draw_series(drawn: pl.DataFrame, series: Mapping[str, tuple[Style, pl.Expr]]) -> Figure:
    """Small multiples of series over the layers, with the paper's numbers in grey where the model is the paper's."""
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
