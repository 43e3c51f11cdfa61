"""How alike the number spaces of the models are: matrices of models, controls, and curves over the depth."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numprobe.figures.panels import legend_entry
from numprobe.figures.rows import VOCABULARY, checked, in_order, is_not_applicable, nothing_to_draw, over_all_folds
from numprobe.figures.style import NOTE_COLOUR, PAGE_WIDTH, Style, say, series_styles
from numprobe.tables import MEASUREMENT

EXTRA = ("other", "other_layer", "dissimilarity", "depth", "p_value")
_COLUMNS = (
    "model", "other", "control", "context", "layer", "other_layer", "depth", "value", "ci_low", "ci_high", "resampled",
    "n_values", "p_value", "note",
)  # fmt: skip
#: What stands beside the pairs of models at the embeddings: label, and how its rows are found.
_GROUPS = {
    "numbers": ("none", None),
    "other\nwords": ("matched", None),
    "un-\ntrained": ("untrained", None),
    "Gaussian": ("gaussian", None),
    "shuffled": ("shuffled", None),
    "edit\ndistance": ("none", "edit distance"),
    "|a − b|": ("none", "|a - b|"),
    "log\ndistance": ("none", "log distance"),
}
_COLOURS = "cividis"
_PANELS = 5
_BEFORE, _AFTER = -0.2, 1.2
_THEORY, _NULL = "theory", "#bbbbbb"


def rsa_rows(table: pl.DataFrame) -> pl.DataFrame:
    """What the figure shows: Spearman correlations of cosine dissimilarities, with all controls.

    Parameters
    ----------
    table
        The table `rsa` (docs/files.md).

    Raises
    ------
    NumprobeError
        If the table is empty, lacks a column, or holds no such correlations.
    """
    shown = (pl.col("metric") == "spearman") & (pl.col("dissimilarity") == "cosine")
    rows = over_all_folds(checked(table, [*MEASUREMENT, *EXTRA]).filter(shown | is_not_applicable()))
    if rows.is_empty():
        raise nothing_to_draw("Spearman correlations of cosine dissimilarities")
    return rows.select(_COLUMNS)


def draw_rsa(drawn: pl.DataFrame) -> Figure:
    """Two matrices of models, the pairs at the embeddings beside controls, and one panel of curves per model.

    Parameters
    ----------
    drawn
        What `rsa_rows` returned.
    """
    models = _models(drawn)
    lines = -(-len(models) // _PANELS)
    side = 0.85 + 0.22 * len(models)
    figure = Figure(figsize=(PAGE_WIDTH, side + 1.9 + 1.55 * lines), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=[side, 1.6, 1.55 * lines])
    _matrices(figure, grid[0], drawn, models)
    _controls(figure.add_subplot(grid[1]), drawn)
    _curves(figure, grid[2], drawn, models, lines)
    return figure


def _models(drawn: pl.DataFrame) -> list[str]:
    pairs = drawn.filter(pl.col("other_layer").fill_null("") != _THEORY)
    return in_order(pl.concat([pairs["model"], pairs["other"]]))


def _matrices(figure: Figure, place: SubplotSpec, drawn: pl.DataFrame, models: Sequence[str]) -> None:
    grid = place.subgridspec(1, 2)
    plain = drawn.filter(pl.col("control") == "none")
    pairs = {
        "input embeddings": plain.filter(pl.col("layer") == "embedding", pl.col("other_layer") == "embedding"),
        "bare number, middle layer": plain.filter(pl.col("context") != VOCABULARY, pl.col("p_value").is_not_null()),
    }
    axes = [figure.add_subplot(grid[column]) for column in range(2)]
    for panel, (title, rows) in zip(axes, pairs.items(), strict=True):
        panel.set_title(title, fontweight="bold")
        _matrix(panel, rows, models, named=panel is axes[0])
    scale = ScalarMappable(Normalize(0, 1), _COLOURS)
    figure.colorbar(scale, ax=axes, label="Spearman correlation", aspect=16, pad=0.02)


def _matrix(axes: Axes, rows: pl.DataFrame, models: Sequence[str], named: bool) -> None:
    values = np.full((len(models), len(models)), np.nan)
    for row in rows.filter(pl.col("value").is_not_null()).iter_rows(named=True):
        i, j = models.index(row["model"]), models.index(row["other"])
        values[i, j] = values[j, i] = row["value"]
    if np.isnan(values).all():
        say(axes, "not measured")
        return
    axes.set_facecolor("#e8e8e8")
    axes.imshow(np.ma.masked_invalid(values), cmap=_COLOURS, vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(~np.isnan(values)), strict=True):
        colour = "black" if values[i, j] > 0.5 else "white"
        text = f"{values[i, j]:.2f}".replace("0.", ".", 1)
        axes.text(j, i, text, ha="center", va="center_baseline", fontsize=6, color=colour)
    axes.set_xticks(range(len(models)), models, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(models)), models if named else [])
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _controls(axes: Axes, drawn: pl.DataFrame) -> None:
    """Every pair at the input embeddings as a point with its interval, in one column per control or theory."""
    rows = drawn.filter(pl.col("layer") == "embedding", pl.col("value").is_not_null())
    for place, (control, theory) in enumerate(_GROUPS.values()):
        of_theory = pl.col("other") == theory if theory else pl.col("other_layer") == "embedding"
        group = rows.filter((pl.col("control") == control) & of_theory)
        colour = "#0072B2" if place == 0 else "#D55E00" if theory else "#555555"
        offsets = (np.arange(len(group)) - (len(group) - 1) / 2) * (0.7 / max(len(group), 8))
        axes.vlines(place + offsets, group["ci_low"], group["ci_high"], color=colour, linewidth=0.9, alpha=0.6)
        axes.plot(place + offsets, group["value"], "o", color=colour, markersize=2.6, markeredgewidth=0)
        if group.is_empty():
            axes.text(place, 0.04, "none", ha="center", fontsize=5.5, color=NOTE_COLOUR)
    axes.axhline(0, color="black", linewidth=0.5)
    first = next(i for i, (_, theory) in enumerate(_GROUPS.values()) if theory)
    axes.axvline(first - 0.5, color="#cccccc", linewidth=0.6)
    axes.set_xticks(range(len(_GROUPS)), list(_GROUPS))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(_GROUPS) - 0.5)
    axes.set_ylabel("Spearman correlation")
    axes.set_title("Input embeddings: pairs of models and controls  |  models and theories", fontweight="bold")
    axes.grid(axis="y", color="#dddddd", linewidth=0.4)
    axes.set_axisbelow(True)


def _curves(figure: Figure, place: SubplotSpec, drawn: pl.DataFrame, models: Sequence[str], lines: int) -> None:
    grid = place.subgridspec(lines + 1, min(len(models), _PANELS), height_ratios=[*[1.0] * lines, 0.12])
    styles = series_styles(models)
    both = _both_ways(drawn)
    first: Axes | None = None
    for index, model in enumerate(models):
        panel = figure.add_subplot(grid[index // _PANELS, index % _PANELS], sharey=first)
        first = first or panel
        panel.set_title(model, fontweight="bold", color=styles[model].colour)
        _model_curves(panel, both.filter(pl.col("model") == model), styles)
        panel.tick_params(labelleft=index % _PANELS == 0)
        if index % _PANELS == 0:
            panel.set_ylabel("Spearman correlation")
    legend = figure.add_subplot(grid[lines, :])
    legend.set_axis_off()
    entries: list[Line2D | Patch] = [legend_entry(f"with {name}", style) for name, style in styles.items()]
    entries.append(Line2D([], [], color="#555555", linestyle=":", label="both untrained"))
    entries.append(Patch(color=_NULL, label="shuffled: 95 %"))
    legend.legend(handles=entries, loc="center", ncols=5, title="relative depth (block / blocks of the model)")


def _both_ways(drawn: pl.DataFrame) -> pl.DataFrame:
    """Each pair of states once for each of its models."""
    pairs = drawn.filter(pl.col("other_layer").fill_null("") != _THEORY, pl.col("value").is_not_null())
    pairs = pairs.filter(pl.col("layer") != "unembedding", pl.col("other_layer") != "unembedding")
    renamed = {"model": "other", "other": "model", "layer": "other_layer", "other_layer": "layer"}
    mirrored = pairs.rename(renamed).select(pairs.columns)
    x = (
        pl.when(pl.col("context") == VOCABULARY)
        .then(_BEFORE)
        .when(pl.col("layer") == "final_norm")
        .then(_AFTER)
        .otherwise(pl.col("depth"))
    )
    return pl.concat([pairs, mirrored]).with_columns(x=x)


def _model_curves(axes: Axes, rows: pl.DataFrame, styles: Mapping[str, Style]) -> None:
    """A curve per other model; embeddings and final norm stand apart, left and right."""
    if rows.is_empty():
        say(axes, "not measured")
        return
    for name, style in styles.items():
        _curve(axes, rows.filter((pl.col("other") == name) & (pl.col("control") == "none")), style)
        untrained = rows.filter((pl.col("other") == name) & (pl.col("control") == "untrained")).sort("x")
        axes.plot(untrained["x"], untrained["value"], color="#555555", linestyle=":", linewidth=0.8)
    for row in rows.filter(pl.col("control") == "shuffled").iter_rows(named=True):
        axes.fill_between([row["x"] - 0.06, row["x"] + 0.06], row["ci_low"], row["ci_high"], color=_NULL, lw=0)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_xlim(_BEFORE - 0.1, _AFTER + 0.1)
    axes.set_ylim(-0.15, 1.04)
    axes.set_xticks([_BEFORE, 0, 0.5, 1, _AFTER], ["emb", "0", "0.5", "1", "norm"], rotation=45)
    axes.grid(axis="y", color="#dddddd", linewidth=0.4)
    axes.set_axisbelow(True)


def _curve(axes: Axes, rows: pl.DataFrame, style: Style) -> None:
    inside = rows.filter(pl.col("x").is_between(0, 1)).sort("x")
    axes.fill_between(inside["x"], inside["ci_low"], inside["ci_high"], color=style.colour, alpha=0.22, lw=0)
    every = max(1, len(inside) // 8)
    axes.plot(inside["x"], inside["value"], color=style.colour, marker=style.marker, linestyle=style.line,
              markevery=every, markeredgewidth=0)  # fmt: skip
    outside = rows.filter(~pl.col("x").is_between(0, 1))
    axes.vlines(outside["x"], outside["ci_low"], outside["ci_high"], color=style.colour, linewidth=0.9)
    axes.plot(outside["x"], outside["value"], style.marker, color=style.colour, markeredgewidth=0)
