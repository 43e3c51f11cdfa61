"""Figures of pairs of models: matrices of models, pairs beside controls, and each model's curves over the depth."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numprobe.draw.cells import COLOURS, draw_cells
from numprobe.draw.frame import faint_grid
from numprobe.draw.panels import legend_entry, tell_left_out
from numprobe.draw.rows import VOCABULARY, in_order
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, Style, say, series_styles

_PANELS = 5
# Models whose curves have colours of their own.
_TOLD_APART = 5
_BEFORE, _AFTER = -0.2, 1.2
_NULL = "#bbbbbb"
_UNTRAINED = "#555555"
_PAIR = ("model", "other_model")


def models_of(drawn: pl.DataFrame) -> list[str]:
    """Return all models of the pairs, in the order of the table."""
    return in_order(pl.concat([drawn[name] for name in _PAIR]))


def pair_figure(
    drawn: pl.DataFrame,
    curves: pl.DataFrame,
    matrices: Mapping[str, pl.DataFrame],
    controls: Callable[[Axes], None],
    label: str,
    curve_label: str,
    below: Mapping[str, pl.DataFrame] | None = None,
    null: str = "shuffled",
) -> Figure:
    """Draw matrices of models, below them the pairs beside their controls, and below these the curves of each model.

    Parameters
    ----------
    drawn
        All measurements of pairs that the figure shows.
    curves
        Those that are drawn as curves.
    matrices
        Title of a matrix -> its measurements, one per pair.
    controls
        Draws the panel in the middle.
    label, curve_label
        Names of the measurement beside the matrices and the curves.
    below
        Title of a matrix -> measurements of another kind, drawn below its diagonal; without them it is symmetric.
    null
        The control whose intervals the curves are drawn with.
    """
    models = models_of(drawn)
    heights = [0.85 + 0.22 * len(models), 1.6, 1.5 * _curve_lines(models) + 0.9]
    figure = Figure(figsize=(PAGE_WIDTH, sum(heights) + 0.3), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=heights)
    pair_matrices(figure, grid[0], matrices, models, label, below or {})
    tell_left_out(figure, drawn)
    middle = figure.add_subplot(grid[1])
    controls(middle)
    middle.tick_params(axis="x", length=0)
    middle.set_ylabel(label)
    faint_grid(middle)
    pair_curves(figure, grid[2], curves, curve_label, null)
    return figure


def _curve_lines(models: Sequence[str]) -> int:
    """Return the number of lines of panels that the curves take."""
    return max(1, -(-len(models) // _PANELS))


def pair_matrices(
    figure: Figure,
    place: SubplotSpec,
    panels: Mapping[str, pl.DataFrame],
    models: Sequence[str],
    label: str,
    below: Mapping[str, pl.DataFrame],
) -> None:
    """Draw one matrix of models per title, on a scale from 0 to 1; symmetric but for what stands `below`."""
    grid = place.subgridspec(1, len(panels))
    axes = [figure.add_subplot(grid[column]) for column in range(len(panels))]
    for panel, (title, rows) in zip(axes, panels.items(), strict=True):
        panel.set_title(title, fontweight="bold")
        _matrix(panel, rows, below.get(title, rows), models, named=panel is axes[0])
    figure.colorbar(ScalarMappable(Normalize(0, 1), COLOURS), ax=axes, label=label, aspect=16, pad=0.02)


def _matrix(axes: Axes, above: pl.DataFrame, below: pl.DataFrame, models: Sequence[str], named: bool) -> None:
    """Draw one value per pair above the diagonal, and one below it."""
    values = np.full((len(models), len(models)), np.nan)
    for rows, is_above in ((above, True), (below, False)):
        for row in rows.filter(pl.col("value").is_not_null()).iter_rows(named=True):
            i, j = sorted(models.index(row[name]) for name in _PAIR)
            values[(i, j) if is_above else (j, i)] = row["value"]
    if np.isnan(values).all():
        say(axes, "not measured")
        return
    measured = [place for place, value in np.ndenumerate(values) if not np.isnan(value)]
    draw_cells(axes, values, {place: f"{values[place]:.2f}".replace("0.", ".", 1) for place in measured}, 6)
    axes.set_xticks(range(len(models)), models, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(models)), models if named else [])
    axes.tick_params(length=0, pad=2)


def pair_points(axes: Axes, place: float, rows: pl.DataFrame, colour: str, spread: float = 0.7) -> None:
    """Draw every row as a point with its interval, side by side around `place`."""
    offsets = (np.arange(len(rows)) - (len(rows) - 1) / 2) * (spread / max(len(rows), 8))
    low, high = (rows[name].cast(pl.Float64).fill_null(float("nan")) for name in ("ci_low", "ci_high"))
    axes.vlines(place + offsets, low, high, color=colour, linewidth=0.9, alpha=0.6)
    axes.plot(place + offsets, rows["value"], "o", color=colour, markersize=2.6, markeredgewidth=0)


def pair_curves(figure: Figure, place: SubplotSpec, drawn: pl.DataFrame, label: str, null: str) -> None:
    """Draw one panel per model with a curve per other model; embeddings and final norm stand apart, left and right."""
    models = models_of(drawn)
    lines = _curve_lines(models)
    grid = place.subgridspec(lines + 1, max(1, min(len(models), _PANELS)), height_ratios=[*[1.0] * lines, 0.3])
    styles = series_styles(models)
    if len(models) > _TOLD_APART:  # The matrices name the pairs.
        styles = dict.fromkeys(models, Style(NOTE_COLOUR, ""))
    both = _both_ways(drawn)
    for index, model in enumerate(models):
        panel = figure.add_subplot(grid[index // _PANELS, index % _PANELS])
        panel.set_title(model, fontweight="bold", color=styles[model].colour)
        _model_curves(panel, both.filter(model=model), styles, null)
        panel.tick_params(labelleft=index % _PANELS == 0)
        if index % _PANELS == 0:
            panel.set_ylabel(label)
    legend = figure.add_subplot(grid[lines, :])
    legend.set_axis_off()
    named = styles if len(models) <= _TOLD_APART else {"each other model": Style(NOTE_COLOUR, "")}
    entries: list[Line2D | Patch] = [legend_entry(f"with {name}", style) for name, style in named.items()]
    if (drawn["control"] == "untrained").any():
        entries.append(Line2D([], [], color=_UNTRAINED, linestyle=":", label="both untrained"))
    entries.append(Patch(color=_NULL, label=f"{null}: 95 %"))
    legend.legend(handles=entries, loc="center", ncols=5, title="relative depth (block / blocks of the model)")


def _both_ways(drawn: pl.DataFrame) -> pl.DataFrame:
    """Return each pair of states once for each of its models."""
    pairs = drawn.filter(pl.col("other_model").is_not_null(), pl.col("value").is_not_null())
    pairs = pairs.filter(pl.col("layer") != "unembedding", pl.col("other_layer") != "unembedding")
    renamed = {"model": "other_model", "other_model": "model", "layer": "other_layer", "other_layer": "layer"}
    mirrored = pairs.rename(renamed).select(pairs.columns)
    x = (
        pl.when(pl.col("context") == VOCABULARY)
        .then(_BEFORE)
        .when(pl.col("layer") == "final_norm")
        .then(_AFTER)
        .otherwise(pl.col("depth"))
    )
    return pl.concat([pairs, mirrored]).with_columns(x=x)


def _model_curves(axes: Axes, rows: pl.DataFrame, styles: Mapping[str, Style], null: str) -> None:
    if rows.is_empty():
        say(axes, "not measured")
        return
    for row in rows.filter(control=null).iter_rows(named=True):
        axes.fill_between([row["x"] - 0.06, row["x"] + 0.06], row["ci_low"], row["ci_high"], color=_NULL, lw=0)
    for name, style in styles.items():
        of_other = rows.filter(other_model=name)
        _curve(axes, of_other.filter(control="none"), style)
        untrained = of_other.filter(pl.col("x").is_between(0, 1), control="untrained").sort("x")
        axes.plot(untrained["x"], untrained["value"], color=_UNTRAINED, linestyle=":", linewidth=0.8)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_xlim(_BEFORE - 0.1, _AFTER + 0.1)
    axes.set_ylim(-0.15, 1.04)
    axes.set_xticks([_BEFORE, 0, 0.5, 1, _AFTER], ["emb", "0", "0.5", "1", "norm"], rotation=45)
    faint_grid(axes)


def _curve(axes: Axes, rows: pl.DataFrame, style: Style) -> None:
    inside = rows.filter(pl.col("x").is_between(0, 1)).sort("x")
    axes.fill_between(inside["x"], inside["ci_low"], inside["ci_high"], color=style.colour, alpha=0.22, lw=0)
    every = max(1, len(inside) // 8)
    axes.plot(inside["x"], inside["value"], color=style.colour, marker=style.marker, linestyle=style.line,
              markevery=every, markeredgewidth=0)  # fmt: skip
    outside = rows.filter(~pl.col("x").is_between(0, 1))
    axes.vlines(outside["x"], outside["ci_low"], outside["ci_high"], color=style.colour, linewidth=0.9)
    axes.plot(outside["x"], outside["value"], style.marker, color=style.colour, markeredgewidth=0)
