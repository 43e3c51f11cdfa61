"""Figures of probes that read other layers: all pairs of layers, and probes fitted on all other layers."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.cells import add_scale, draw_cells, numbered
from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.layer_series import Series, draw_series, with_published
from numprobe.draw.panels import explain_empty
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, over_all_folds, require, with_values
from numprobe.draw.style import CONTROLS, PAGE_WIDTH, Style, layer_ticks
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

#: Value of `fit_layer` of probes fitted on all layers but the one that is read.
OTHERS = "others"
#: (control, normalisation) -> title: both ways to centre and scale the tested layer, and the untrained network.
SCALES = {
    ("none", "none"): "as fitted",
    ("none", "layer"): "own scale",
    ("untrained", "layer"): "own scale,\nuntrained",
}
COLUMNS = ("model", "control", "context", "fit_layer", "layer", "normalisation", "probe", *MEASURED)
_ROW_HEIGHT = 1.15
#: Matrices of more layers have no numbers in their cells.
MOST_NUMBERS = 8
_COLUMN_WIDTH = 0.9


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
    "all other layers, one common scale": (
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


def cross_layer(tables: Tables, values: Values) -> Drawn:
    """Return the figure of all pairs of layers, and its table."""
    drawn = cross_layer_rows(tables["cross_layer"])
    return draw_cross_layer(drawn), drawn


def left_out_layers(tables: Tables, values: Values) -> Drawn:
    """Return the figure of probes fitted on all other layers, and its table."""
    drawn = left_out_rows(tables["cross_layer"])
    return draw_series(drawn, SERIES), drawn


def cross_layer_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies of all pairs of layers, of each model and its untrained control."""
    shown = pl.col("control").is_in(["none", "untrained"]) & (pl.col("fit_layer").fill_null("") != OTHERS)
    rows = accuracies(table).filter(shown)
    with_values(rows.filter(control="none"), "metric accuracy of pairs of layers")
    return rows


def accuracies(table: pl.DataFrame) -> pl.DataFrame:
    """Return all accuracies over all folds, and the rows of combinations that do not apply."""
    wanted = ((pl.col("metric") == "accuracy") & (pl.col("subset") == "all")) | is_not_applicable()
    return over_all_folds(checked(table, [*MEASUREMENT, "fit_layer", "normalisation"]).filter(wanted)).select(COLUMNS)


def left_out_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies of probes fitted on all other layers and of their rivals, and the published ones."""
    rows = accuracies(table)
    left_out = rows.filter(_LEFT_OUT & pl.col("value").is_not_null())
    require(left_out, "accuracy of probes fitted on all other layers")
    shown = pl.any_horizontal(condition for _, condition in SERIES.values()) | is_not_applicable()
    contexts = pl.col("context").is_in(left_out["context"].unique().to_list())
    return with_published(rows.filter(shown & contexts), "cross_layer")


def draw_cross_layer(drawn: pl.DataFrame) -> Figure:
    """Draw a row per model, and per context the matrices of `SCALES` that were measured."""
    models, contexts = in_order(drawn["model"]), in_order(drawn["context"])
    measured = set(drawn.filter(pl.col("value").is_not_null())["control"])
    columns = [(context, scale) for context in contexts for scale in SCALES if scale[0] in measured]
    size = (max(PAGE_WIDTH, 0.9 + _COLUMN_WIDTH * len(columns)), 0.75 + _ROW_HEIGHT * len(models))
    figure = Figure(figsize=size, layout="compressed")
    grid = figure.subplots(len(models), len(columns), squeeze=False)
    for i, model in enumerate(models):
        of_model = drawn.filter(model=model)
        layers = layer_order(of_model["layer"].drop_nulls())
        for j, (context, scale) in enumerate(columns):
            axes = grid[i][j]
            rows = of_model.filter(pl.col("control").is_in(["none", scale[0]]), context=context)
            if i == 0:
                axes.set_title(f"{context}\n{SCALES[scale]}", fontsize=7)
            if not explain_empty(axes, rows.filter((pl.col("control") == scale[0]) | is_not_applicable())):
                _matrix(axes, rows.filter(_of(*scale)), layers, named=j == 0)
        grid[i][0].set_ylabel(model, fontweight="bold", fontsize=8)
    add_scale(figure, grid, "accuracy", aspect=30, pad=0.01)
    figure.supxlabel("layer that is read", fontsize=7)
    figure.supylabel("layer of the fit", fontsize=7)
    return figure


def _of(control: str, normalisation: str) -> pl.Expr:
    return (pl.col("control") == control) & (pl.col("normalisation") == normalisation)


def _matrix(axes: Axes, rows: pl.DataFrame, layers: Sequence[str], named: bool) -> None:
    """Draw one matrix; cells are grey where all states of a layer are the same vector."""
    values = np.full((len(layers), len(layers)), np.nan)
    for row in rows.drop_nulls("value").iter_rows(named=True):
        values[layers.index(row["fit_layer"]), layers.index(row["layer"])] = row["value"]
    draw_cells(axes, values, numbered(values) if len(layers) <= MOST_NUMBERS else {}, 4)
    positions, labels = layer_ticks(layers, most=6)
    axes.set_xticks(positions, labels, fontsize=5.5, rotation=90 if max(map(len, labels)) > 2 else 0)
    axes.set_yticks(positions, labels if named else [], fontsize=5.5)
    axes.tick_params(length=1.5, pad=1.5)
