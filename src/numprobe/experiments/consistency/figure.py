"""Agreement of halves of the numbers, layers and models: kernels, subspaces and frequencies."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import ceil

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from numprobe.draw.cells import add_scale, draw_cells, numbered
from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, frame, remark
from numprobe.draw.not_applicable import drawn_or_reasons
from numprobe.draw.panels import tell_left_out
from numprobe.draw.rows import checked, contexts_in_order, in_order, is_not_applicable, reasons, with_values
from numprobe.draw.style import CONTROLS, PAGE_WIDTH, Style, layer_label, say, series_styles
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

#: Metric -> the name of its row of matrices, in the order of the figure.
METRICS: Mapping[str, str] = {
    "cka": "kernels (CKA)",
    "iou": "all frequencies\nthat count (IoU)",
    "iou_top10": "ten strongest\nfrequencies (IoU)",
}
#: A comparison of subspaces is drawn for at most so many layers of a model.
MOST_CURVES = 7

_COLUMNS = (
    "model", "control", "context", "layer", "compared", "other_model", "other_context", "other_layer", "metric",
    "angle", "rank", "other_rank", "value", "ci_low", "ci_high", "resampled", "n_values", "status", "note",
)  # fmt: skip
# Matrices with more places than this have no numbers in their cells.
_MOST_NUMBERED = 9
_ACROSS = 3

# Models whose embedding matrix is left out.
_LEFT_OUT = is_not_applicable() & pl.col("layer").is_null()

Place = tuple[str, str]


def consistency(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the kernels of all states of a model, and what it shows."""
    return drawn_or_reasons(tables["consistency"], partial(consistency_rows, what="layers"), draw_layers)


def consistency_angles(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the principal angles between layers, and what it shows."""
    return drawn_or_reasons(tables["consistency"], partial(consistency_rows, what="angles"), draw_angles)


def consistency_models(tables: Tables, values: Values) -> Drawn:
    """Return the figure of all pairs of models, and what it shows."""
    return drawn_or_reasons(tables["consistency"], partial(consistency_rows, what="models"), draw_models)


def consistency_rows(table: pl.DataFrame, what: str) -> pl.DataFrame:
    """Return the rows that a figure shows.

    Parameters
    ----------
    table
        The table of the experiment (numprobe.tables.MEASUREMENT and the columns that say what is compared).
    what
        "layers" (CKA within models), "angles", or "models" (kernels and frequencies between models).
    """
    rows = checked(table, [*MEASUREMENT, *(name for name in _COLUMNS if name not in MEASUREMENT)]).select(_COLUMNS)
    within = pl.col("compared").is_in(["halves", "layers"])
    if what == "layers":
        kept = rows.filter(within, metric="cka")
    elif what == "angles":
        kept = rows.filter(within, metric="angle")
    else:
        kept = rows.filter((pl.col("compared") != "layers") & pl.col("metric").is_in(list(METRICS)))
    with_values(kept, f"comparisons of {what}")
    return pl.concat([kept, rows.filter(_LEFT_OUT)])


# --- layers -----------------------------------------------------------------------------------------------------------


def draw_layers(drawn: pl.DataFrame) -> Figure:
    """Draw the CKA of all states of a model: a matrix per model; the diagonal compares two halves of the numbers."""
    shown = drawn.filter(~_LEFT_OUT)
    models = in_order(shown["model"])
    figure, panels = _grid(len(models), 2.5)
    tell_left_out(figure, drawn)
    for axes, model in zip(panels, models, strict=True):
        rows = shown.filter(model=model)
        plain = rows.filter(pl.col("value").is_not_null(), control="none")
        axes.set_title(model, fontweight="bold", fontsize=8, pad=14)
        if plain.is_empty():
            say(axes, "\n".join(reasons(rows)))
            continue
        places = _places(plain)
        cells = np.full((len(places), len(places)), np.nan)
        for row in plain.iter_rows(named=True):
            one = places.index((row["context"], row["layer"]))
            other = places.index((row["other_context"], row["other_layer"]))
            cells[one, other] = cells[other, one] = row["value"]
        _matrix(axes, cells, [_place_name(place, places) for place in places])
        remark(axes, _controls(rows))
    _colour_bar(figure, panels, "similarity of the number kernels (CKA)")
    return figure


def _places(rows: pl.DataFrame) -> list[Place]:
    """Return all places: contexts in the order of the table with `vocabulary` first, layers from below."""
    contexts = contexts_in_order(rows["context"])
    return [(context, layer) for context in contexts for layer in layer_order(rows.filter(context=context)["layer"])]


def _place_name(place: Place, places: Sequence[Place]) -> str:
    """Return the layer's name, with its context where several contexts have this layer."""
    alone = sum(layer == place[1] for _, layer in places) == 1
    return layer_label(place[1]) if alone else f"{place[0]} {layer_label(place[1])}"


def _controls(rows: pl.DataFrame) -> str:
    """Return the largest similarity in magnitude under each control, as text."""
    parts = []
    for control in ("shuffled", "untrained"):
        values = rows.filter(control=control)["value"].drop_nulls()
        if len(values):
            extreme = max(values, key=abs)
            parts.append(f"{control} {_share(extreme)}")
    return "; ".join(parts)


def _share(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00")


# --- models -----------------------------------------------------------------------------------------------------------


def draw_models(drawn: pl.DataFrame) -> Figure:
    """Draw matrices of models: a row for each measure, a column for each context; the diagonal compares two halves."""
    shown = drawn.filter(~_LEFT_OUT)
    models, contexts = in_order(shown["model"]), contexts_in_order(shown["context"])
    side = 0.6 + 0.26 * len(models)
    size = (max(PAGE_WIDTH, 1.8 + len(contexts) * side), 0.9 + len(METRICS) * (side + 0.35))
    figure = Figure(figsize=size, layout="compressed")
    grid = figure.subplots(len(METRICS), len(contexts), squeeze=False)
    for (row, metric), (column, context) in (
        (place, other) for place in enumerate(METRICS) for other in enumerate(contexts)
    ):
        axes = grid[row][column]
        rows = shown.filter(metric=metric, context=context)
        _matrix(axes, _between(rows, models), models, named=column == 0, tested=row == len(METRICS) - 1)
        if row == 0:
            axes.set_title(context, fontweight="bold", fontsize=8, pad=14)
        if column == 0:
            axes.set_ylabel(METRICS[metric], fontsize=7)
        remark(axes, _nulls(rows))
    tell_left_out(figure, drawn)
    _colour_bar(figure, list(grid.ravel()), "similarity (cells in %)")
    return figure


def _between(rows: pl.DataFrame, models: Sequence[str]) -> np.ndarray:
    cells = np.full((len(models), len(models)), np.nan)
    plain = rows.filter(pl.col("value").is_not_null(), control="none")
    shown = plain.filter(pl.col("other_model").is_not_null()).select("context", "layer", "model").unique()
    halves = plain.filter(compared="halves")
    others = plain.filter(pl.col("other_model").is_not_null()).select(
        "context", pl.col("other_layer").alias("layer"), pl.col("other_model").alias("model")
    )
    halves = halves.join(pl.concat([shown, others.unique()]).unique(), on=["context", "layer", "model"], how="semi")
    for row in halves.iter_rows(named=True):
        cells[models.index(row["model"]), models.index(row["model"])] = row["value"]
    for row in plain.filter(pl.col("other_model").is_not_null()).iter_rows(named=True):
        one, other = models.index(row["model"]), models.index(row["other_model"])
        cells[one, other] = cells[other, one] = row["value"]
    return cells


def _nulls(rows: pl.DataFrame) -> str:
    """Return the highest value of the controls, in words."""
    between = rows.filter(pl.col("other_model").is_not_null())
    parts = []
    for control, column in (("random", "ci_high"), ("shuffled", "value"), ("untrained", "value")):
        values = between.filter(control=control)[column].drop_nulls()
        if len(values):
            parts.append(f"{control} ≤ {_share(float(np.max(values.to_numpy())))}")
    return "; ".join(parts)


# --- angles -----------------------------------------------------------------------------------------------------------


def draw_angles(drawn: pl.DataFrame) -> Figure:
    """Draw principal angles between the read-out subspaces of the middle block and other layers, a panel per model."""
    models = in_order(drawn.filter(~_LEFT_OUT)["model"])
    figure, panels = _grid(len(models), 1.9)
    for axes, model in zip(panels, models, strict=True):
        rows = drawn.filter(pl.col("value").is_not_null(), model=model)
        axes.set_title(model, fontweight="bold", fontsize=8)
        _draw_angles(axes, rows)
    tell_left_out(figure, drawn, "principal angle, from the smallest")
    band = Line2D([], [], color="#999999", linewidth=5, alpha=0.5, label="random subspaces (95 %)")
    bold = Line2D([], [], color="black", linewidth=1.8, label="same layer, other half of the numbers")
    shuffled = Line2D([], [], color=CONTROLS["shuffled"].colour, linestyle="--", label="same layer, shuffled numbers")
    thin = Line2D([], [], color="#0072B2", label="another layer, other half (named in the panel)")
    return frame(figure, [bold, thin, shuffled, band], 2, y="degrees")


def _draw_angles(axes: Axes, rows: pl.DataFrame) -> None:
    middle = rows.filter(pl.col("control") != "untrained", compared="halves")
    _curve(axes, middle.filter(control="shuffled"), CONTROLS["shuffled"], 0.9)
    null = middle.filter(control="random").sort("angle")
    axes.fill_between(null["angle"], null["ci_low"], null["ci_high"], color="#999999", alpha=0.5, lw=0)
    own = middle.filter(control="none")
    across = rows.filter(compared="layers", control="none")
    curves = _other_layers(across, own)
    entries = []
    for (name, style), part in zip(series_styles(list(curves)).items(), curves.values(), strict=True):
        _curve(axes, part, style, 0.9)
        entries.append(Line2D([], [], color=style.colour, linestyle=style.line, label=name))
    _curve(axes, own, Style("black", ""), 1.8)
    axes.legend(
        handles=entries, loc="lower right", fontsize=5.5, ncols=2, handlelength=1.2, columnspacing=0.8, labelspacing=0.2
    )
    axes.set_ylim(0, 92)
    axes.set_yticks([0, 30, 60, 90])
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    faint_grid(axes)


def _other_layers(across: pl.DataFrame, own: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the name of each other layer with its angles to the middle block; evenly spaced layers of many."""
    if own.is_empty():
        return {}
    middle = (own["context"][0], own["layer"][0])
    found: dict[Place, pl.DataFrame] = {}
    for part in across.partition_by("context", "layer", "other_context", "other_layer", maintain_order=True):
        ends = [(part["context"][0], part["layer"][0]), (part["other_context"][0], part["other_layer"][0])]
        found[ends[1] if ends[0] == middle else ends[0]] = part
    step = ceil(len(found) / MOST_CURVES) if found else 1
    kept = list(found)[::step]
    return {_place_name(place, [*found]): found[place] for place in kept}


def _curve(axes: Axes, rows: pl.DataFrame, style: Style, width: float) -> None:
    rows = rows.sort("angle")
    axes.plot(rows["angle"], rows["value"], color=style.colour, linestyle=style.line, linewidth=width)


# --- shared -----------------------------------------------------------------------------------------------------------


def _grid(count: int, height: float) -> tuple[Figure, list[Axes]]:
    across = min(_ACROSS, count)
    down = ceil(count / across)
    figure = Figure(figsize=(PAGE_WIDTH, 0.6 + height * down), layout="constrained")
    panels = list(figure.subplots(down, across, squeeze=False).ravel())
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def _matrix(axes: Axes, cells: np.ndarray, names: Sequence[str], named: bool = True, tested: bool = True) -> None:
    texts = numbered(cells) if len(names) <= _MOST_NUMBERED else {}
    draw_cells(axes, cells, {place: text.replace("-0", "0") for place, text in texts.items()}, 5.5)
    step = ceil(len(names) / 12)
    ticks = range(0, len(names), step)
    axes.set_xticks(ticks, [names[i] for i in ticks] if tested else [], rotation=90, fontsize=6)
    axes.set_yticks(ticks, [names[i] for i in ticks] if named else [], fontsize=6)
    axes.tick_params(length=0, pad=2)


def _colour_bar(figure: Figure, panels: Sequence[Axes], label: str) -> None:
    add_scale(figure, panels, label, aspect=30, pad=0.01)
