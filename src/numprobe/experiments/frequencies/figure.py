"""Figures of waves: spectra of all layers, their sparsity, and separability of n mod T beside the power at T."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, legend_below
from numprobe.draw.panels import curve, explain_empty, fraction_axis, legend_entry, tell_left_out
from numprobe.draw.rows import checked, in_order, is_not_applicable, over_all_folds, require
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, Style, layer_ticks, set_layer_axis
from numprobe.experiments.frequencies.shared_figure import draw_shared_frequencies, shared_frequencies_rows
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

EXTRA = ("frequency", "period", "N")
_METRICS = ("power_share", "participation", "half_power", "power_at", "kappa")
_COLUMNS = (
    "model", "control", "context", "layer", "subset", "metric", "frequency", "period", "N", "value", "ci_low",
    "ci_high", "resampled", "status", "note",
)  # fmt: skip
_COLOURS = "cividis"
#: log10 of the share of a frequency, relative to equal shares.
_WEAKEST, _STRONGEST = -1.0, 2.0
_SPARSITY = {"participation": Style("#0072B2", "o"), "half_power": Style("#D55E00", "s")}
_SPARSITY_NAMES = {"participation": "effective share of frequencies", "half_power": "share that holds half the power"}
_MODULI = {2: Style("#0072B2", "o"), 5: Style("#D55E00", "^"), 10: Style("#009E73", "s")}
_NULL, _UNTRAINED = "#bbbbbb", "#555555"


def frequencies(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the waves of every model, and what it shows."""
    drawn = frequencies_rows(tables["frequencies"])
    return draw_frequencies(drawn), drawn


def shared_frequencies(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the overlap of the models' strongest frequencies, and what it shows."""
    drawn = shared_frequencies_rows(tables["shared_frequencies"])
    return draw_shared_frequencies(drawn), drawn


def frequencies_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the measurements that the figure shows."""
    shown = pl.col("metric").is_in(_METRICS)
    shares = pl.col("metric") == "power_share"
    kept = shown & (~shares | (pl.col("control") == "none"))
    rows = over_all_folds(checked(table, [*MEASUREMENT, *EXTRA]).filter(kept | is_not_applicable()))
    return require(rows, "metric " + " or ".join(_METRICS)).select(_COLUMNS)


def draw_frequencies(drawn: pl.DataFrame) -> Figure:
    """Draw a row per model: spectra of all states, sparsity over the layers, and kappa beside power."""
    models = in_order(drawn["model"])
    figure = Figure(figsize=(PAGE_WIDTH, 1.45 * len(models) + 1.3), layout="constrained")
    grid = figure.subplots(len(models), 3, squeeze=False, width_ratios=[1.25, 1, 1])
    for panels, model in zip(grid, models, strict=True):
        rows = drawn.filter(model=model)
        panels[0].set_ylabel(model, fontweight="bold", fontsize=8)
        if any([explain_empty(axes, rows) for axes in panels]):
            continue
        layers = layer_order(rows["layer"].drop_nulls())
        _spectra(panels[0], rows.filter(metric="power_share"), layers)
        _sparsity(panels[1], rows, layers)
        _separability(panels[2], rows, layers)
    for column, title in zip(grid.T, ("spectrum of each layer", "sparsity", "n mod T"), strict=True):
        column[0].set_title(title, fontweight="bold", pad=10)
    grid[-1, 0].set_xlabel("frequency (cycles per number)")
    grid[-1, 1].set_xlabel("layer")
    grid[-1, 2].set_xlabel("layer")
    # Models without any measurement are told of in their panels.
    measured = drawn.filter(pl.col("value").is_not_null())["model"].unique().to_list()
    tell_left_out(figure, drawn.filter(pl.col("model").is_in(measured)))
    scale = ScalarMappable(Normalize(_WEAKEST, _STRONGEST), _COLOURS)
    bar = figure.colorbar(scale, ax=grid[:, 0], location="bottom", aspect=30, pad=0.02, shrink=0.8)
    bar.set_label("share of the variance, relative to equal shares (log10)", fontsize=6)
    sparsity, separability = _legends()
    legend_below(grid[-1, 1], sparsity)
    legend_below(grid[-1, 2], separability)
    return figure


def _spectra(axes: Axes, shares: pl.DataFrame, layers: Sequence[str]) -> None:
    """Draw a heat map: one line per state, its frequencies from left to right."""
    count = int(shares["N"].drop_nulls().max() or 0)  # type: ignore[arg-type]
    image = np.full((len(layers), count // 2), np.nan)
    for row in shares.filter(pl.col("value").is_not_null()).iter_rows(named=True):
        image[layers.index(row["layer"]), row["frequency"] - 1] = row["value"]
    with np.errstate(divide="ignore"):
        relative = np.log10(image * (count // 2))
    axes.imshow(
        relative, cmap=_COLOURS, vmin=_WEAKEST, vmax=_STRONGEST, aspect="auto", interpolation="nearest",
        extent=(0.5 / count, (count // 2 + 0.5) / count, len(layers) - 0.5, -0.5),
    )  # fmt: skip
    axes.set_yticks(*layer_ticks(layers, 8), fontsize=5.5)
    axes.set_xlim(0, 0.5)
    axes.set_xticks([0.1, 0.2, 0.3, 0.4, 0.5], ["0.1", "0.2", "0.3", "0.4", "0.5"])
    axes.text(0.99, 1.02, f"{count} numbers", transform=axes.transAxes, fontsize=5.5, color=NOTE_COLOUR, ha="right")


def _sparsity(axes: Axes, rows: pl.DataFrame, layers: Sequence[str]) -> None:
    _layer_axis(axes, layers)
    for metric, style in _SPARSITY.items():
        of_metric = rows.filter(metric=metric)
        _curve_with_null(axes, of_metric, layers, style)
        untrained = _placed(of_metric, "untrained", layers)
        axes.plot(untrained["x"], untrained["value"], color=_UNTRAINED, linestyle="-.", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(0.0015, 1.4)
    axes.set_yticks([0.01, 0.1, 1], ["1 %", "10 %", "100 %"])
    faint_grid(axes)


def _separability(axes: Axes, rows: pl.DataFrame, layers: Sequence[str]) -> None:
    _layer_axis(axes, layers)
    fraction_axis(axes)
    for modulus, style in _MODULI.items():
        of_modulus = rows.filter(subset=f"mod={modulus}")
        _curve_with_null(axes, of_modulus.filter(metric="kappa"), layers, style)
        power = of_modulus.filter(metric="power_at", control="none")
        curve(axes, power, layers, Style(style.colour, style.marker, ":"))
    axes.set_ylim(-0.15, 1.04)
    # Cohen's kappa is no share.
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _layer_axis(axes: Axes, layers: Sequence[str]) -> None:
    """Set the axis of layers; labels are turned where "norm" and "unemb" stand side by side."""
    set_layer_axis(axes, layers)
    if {"final_norm", "unembedding"} <= set(layers):
        axes.tick_params(axis="x", rotation=40)


def _curve_with_null(axes: Axes, rows: pl.DataFrame, layers: Sequence[str], style: Style) -> None:
    """Draw a curve over the layers, the range of permuted numbers behind it, and other words as crosses."""
    null = _placed(rows, "shuffled", layers)
    axes.fill_between(null["x"], null["ci_low"], null["ci_high"], color=_NULL, lw=0, alpha=0.8)
    curve(axes, rows.filter(control="none"), layers, style)
    words = _placed(rows, "matched", layers)
    axes.plot(words["x"], words["value"], "+", color=style.colour, ms=5)


def _placed(rows: pl.DataFrame, control: str, layers: Sequence[str]) -> pl.DataFrame:
    """Return the measurements of a control with their places `x` on the axis of layers, in order."""
    found = rows.filter(pl.col("value").is_not_null(), control=control)
    return found.with_columns(x=pl.Series([layers.index(name) for name in found["layer"]], dtype=pl.Int64)).sort("x")


def _legends() -> tuple[list[Line2D | Patch], list[Line2D | Patch]]:
    """Return the entries of the columns of sparsity and of kappa."""
    null = Patch(color=_NULL, label="shuffled: 95 %")
    words = Line2D([], [], color="black", marker="+", linestyle="none", label="other words")
    untrained = Line2D([], [], color=_UNTRAINED, linestyle="-.", label="untrained")
    sparsity = [legend_entry(_SPARSITY_NAMES[metric], style) for metric, style in _SPARSITY.items()]
    moduli = [legend_entry(f"T = {modulus}: kappa (dotted: power)", style) for modulus, style in _MODULI.items()]
    return [*sparsity, untrained, null, words], [*moduli, null, words]
