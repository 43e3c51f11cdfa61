"""Fit in one context, test in another: matrices for models of few layers, curves for deep ones."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.cells import add_scale, draw_cells
from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.panels import (
    context_panels,
    curve,
    curves_of,
    explain_empty,
    fraction_axis,
    legend_entry,
    title_columns,
)
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, over_all_folds, with_values
from numprobe.draw.series import kind_of_control
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, Style, layer_label, series_styles, set_layer_axis
from numprobe.layers import layer_order
from numprobe.percent import per_cent
from numprobe.tables import MEASUREMENT

#: With more states than this in any model, the figure shows curves over the layers instead of matrices.
MOST_MATRICES = 8
#: What a cell says where all states of the fit are the same vector, and where a context does not apply to a model.
NO_STATE, NO_CONTEXT = "–", "n/a"

_COLUMNS = ("model", "control", "fit_context", "context", "layer", "probe", *MEASURED)
_CELL = 0.2
# Of a letter of a model's name and of a context's below the matrices, in inches.
_LETTER, _TICK = 0.085, 0.055
_PLAIN = pl.col("control") == "none"
#: Their lines in the figures whose colours stand for contexts.
LINES: Mapping[str, str | tuple[int, tuple[float, ...]]] = {"untrained": (0, (4, 2)), "mixed": (0, (3, 1, 1, 1))}
#: Controls that are states of their own -> the titles of their matrices.
_CONTROLS = {"untrained": "untrained,\nbest layer", "mixed": "mixed"}


def transfer(tables: Tables, values: Values) -> Drawn:
    """Return the figure of probes that read contexts other than that of their fit, and the rows that it shows."""
    drawn = transfer_rows(tables["transfer"])
    return draw_transfer(drawn), drawn


def transfer_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies of every pair of contexts, layer by layer, of the models and their controls."""
    accuracy = (pl.col("metric") == "accuracy") & (pl.col("subset") == "all")
    rows = over_all_folds(checked(table, [*MEASUREMENT, "fit_context"]).filter(accuracy | is_not_applicable()))
    with_values(rows.filter(_PLAIN), "metric accuracy without a control")
    return rows.select(_COLUMNS)


def draw_transfer(drawn: pl.DataFrame) -> Figure:
    """Matrices (rows: fitted on, columns: tested on) per model and layer; curves where a model has many layers.

    Of the untrained controls the matrices show the best layer of all, which is generous to them.
    """
    counts = drawn.group_by("model").agg(pl.col("layer").drop_nulls().n_unique())["layer"]
    return _matrices(drawn) if max(counts) <= MOST_MATRICES else _curves(drawn)


def _contexts(drawn: pl.DataFrame) -> list[str]:
    """All contexts; those that some model cannot have are in the rows of other models."""
    return in_order(pl.concat([drawn["fit_context"], drawn["context"]]))


def _of(drawn: pl.DataFrame, model: str) -> pl.DataFrame:
    return drawn.filter(model=model)


def _matrices(drawn: pl.DataFrame) -> Figure:
    models, contexts = in_order(drawn["model"]), _contexts(drawn)
    cells = {model: _cells(_of(drawn, model)) for model in models}
    titled = {title for found in cells.values() for title in found if title in _CONTROLS.values()}
    layers = max(len(found) - len(titled & set(found)) for found in cells.values())
    last = [title for title in _CONTROLS.values() if title in titled]
    side = _CELL * len(contexts)
    rows = [max(side, _LETTER * len(model)) for model in models]
    columns = layers + len(last)
    size = (
        max(PAGE_WIDTH, 1.6 + columns * (side + 0.06)),
        1.3 + _TICK * max(map(len, contexts)) + sum(rows) + 0.3 * len(models),
    )
    figure = Figure(figsize=size, layout="compressed")
    grid = figure.subplots(len(models), columns, squeeze=False, height_ratios=rows)
    places = {model: _places(cells[model], layers, last) for model in models}
    for row, model in enumerate(models):
        for column, axes in enumerate(grid[row]):
            if column not in places[model]:
                axes.set_axis_off()
                continue
            title = places[model][column]
            _matrix(axes, cells[model][title], contexts)
            lowest = all(column not in places[below] for below in models[row + 1 :])
            _name_cells(axes, contexts, fitted=column == 0, tested=lowest)
            axes.set_title(title, fontsize=7, pad=3, color=NOTE_COLOUR if title in last else "black")
        _name_row(grid[row][0], model)
    label = "accuracy on unseen numbers (cells in %)"
    add_scale(figure, grid, label, location="top", shrink=0.4, aspect=40, pad=0.02)
    figure.supxlabel("tested on", fontsize=7)
    figure.supylabel("fitted on", fontsize=7)
    return figure


def _places(cells: Mapping[str, pl.DataFrame], layers: int, controls: Sequence[str]) -> dict[int, str]:
    """Column -> the title of the matrix that stands there: layers from the left, controls below each other."""
    plain = [title for title in cells if title not in controls]
    behind = {layers + place: title for place, title in enumerate(controls) if title in cells}
    return dict(enumerate(plain)) | behind


def _cells(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Title of each matrix of a model -> its rows: the layers, then the controls that were measured."""
    skipped = rows.filter(is_not_applicable())
    found = {}
    for layer in layer_order(rows.filter(_PLAIN)["layer"].drop_nulls()):
        title = f"layer {layer}" if layer.isdecimal() else layer_label(layer)
        found[title] = pl.concat([rows.filter(_PLAIN, layer=layer), skipped])
    for control, title in _CONTROLS.items():
        measured = rows.filter((kind_of_control() == control) & pl.col("value").is_not_null())
        best = measured.sort("value", descending=True, maintain_order=True).unique(
            ["fit_context", "context"], keep="first", maintain_order=True
        )
        if best.height:
            found[title] = pl.concat([best, skipped])
    return found


def _matrix(axes: Axes, rows: pl.DataFrame, contexts: Sequence[str]) -> None:
    """Draw accuracies in per cent, and why a cell has none."""
    values = np.full((len(contexts), len(contexts)), np.nan)
    cells = {}
    for row in rows.filter(~is_not_applicable()).iter_rows(named=True):
        place = (contexts.index(row["fit_context"]), contexts.index(row["context"]))
        if row["value"] is not None:
            values[place] = row["value"]
        cells[place] = NO_STATE if row["value"] is None else per_cent(row["value"])
    for context in rows.filter(is_not_applicable())["context"]:
        at = contexts.index(context)
        cells |= {place: NO_CONTEXT for i in range(len(contexts)) for place in ((i, at), (at, i))}
    draw_cells(axes, values, cells, 5.5)


def _name_cells(axes: Axes, contexts: Sequence[str], fitted: bool, tested: bool) -> None:
    axes.set_xticks(range(len(contexts)), contexts if tested else [], rotation=90, fontsize=6)
    axes.set_yticks(range(len(contexts)), contexts if fitted else [], fontsize=6)
    axes.tick_params(length=0, pad=2)


def _name_row(axes: Axes, model: str) -> None:
    axes.set_ylabel(model, fontweight="bold", fontsize=8)


def _curves(drawn: pl.DataFrame) -> Figure:
    """Columns: tested on; one curve per context of the fit, dashed and dash-dotted those of the controls."""
    models, contexts = in_order(drawn["model"]), _contexts(drawn)
    figure, panels = context_panels(models, contexts)
    styles = series_styles(contexts)
    for (model, context), axes in panels.items():
        rows = _of(drawn, model).filter(context=context)
        fraction_axis(axes)
        if explain_empty(axes, rows):
            continue
        layers = layer_order(_of(drawn, model).filter(_PLAIN)["layer"].drop_nulls())
        set_layer_axis(axes, layers)
        for fit_context, style in styles.items():
            of_fit = rows.filter(fit_context=fit_context)
            for control, line in LINES.items():
                thin = Style(style.colour, "", line)
                curves_of(axes, of_fit.filter(kind_of_control() == control), layers, thin)
            curve(axes, of_fit.filter(_PLAIN), layers, style)
    title_columns(panels, {})
    figure.supxlabel("layer", fontsize=7)
    figure.supylabel("accuracy on unseen numbers\nof the context above", fontsize=7)
    entries = [legend_entry(name, style) for name, style in styles.items()]
    entries += control_entries(drawn)
    figure.legend(handles=entries, title="fitted on", loc="outside upper center", ncols=6)
    return figure


def control_entries(drawn: pl.DataFrame) -> list[Line2D]:
    """Return what the legend shows for the lines of the controls that were measured."""
    present = set(drawn.select(kind_of_control())["control"])
    return [
        Line2D([], [], color=NOTE_COLOUR, linestyle=line, label=control)
        for control, line in LINES.items()
        if control in present
    ]
