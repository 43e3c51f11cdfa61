"""Figure of the waves in number embeddings: power by frequency, and linear separability of n mod T."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import explain_empty
from numprobe.draw.rows import checked, in_order, is_not_applicable, over_all_folds, require
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, Style, say
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

#: Periods that are written above the spectra: those of decimal digits.
PERIODS = (2.0, 2.5, 10 / 3, 4.0, 5.0, 10.0, 100.0)
EXTRA = ("frequency", "period", "N")

_POWER, _KAPPA = "power_share", "kappa"
_COLUMNS = (
    "model", "layer", "metric", "control", "frequency", "period", "N", "value", "ci_low", "ci_high", "resampled",
    "n_values", "status", "note",
)  # fmt: skip
_NAMES = {"embedding": "input embeddings", "unembedding": "output embeddings"}
_STATES = {"embedding": Style("#117733", "o"), "unembedding": Style("#AA4499", "^")}
_NULL = "#999999"


def spectra(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the spectra and the separability of number embeddings, and the rows that it shows."""
    drawn = spectra_rows(tables["spectra"])
    return draw_spectra(drawn), drawn


def spectra_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the power shares and kappas that the figure shows.

    Parameters
    ----------
    table
        The spectra table (numprobe.tables.MEASUREMENT with `frequency`, `period` and `N`).
    """
    shown = pl.col("metric").is_in([_POWER, _KAPPA]) & pl.col("control").is_in(["none", "shuffled"])
    rows = over_all_folds(checked(table, [*MEASUREMENT, *EXTRA]).filter(shown | is_not_applicable()))
    return require(rows, f"metric {_POWER} or {_KAPPA}").select(_COLUMNS)


def draw_spectra(drawn: pl.DataFrame) -> Figure:
    """Draw a row per model: a spectrum per matrix, and the kappas of all its matrices."""
    models = in_order(drawn["model"])
    states = layer_order(drawn["layer"].drop_nulls()) or ["embedding"]
    columns = [*states, _KAPPA]
    figure = Figure(figsize=(PAGE_WIDTH, 1.3 * len(models) + 1.1), layout="constrained")
    ratios = [1.0] * len(states) + [0.55]
    grid = figure.subplots(len(models), len(columns), squeeze=False, width_ratios=ratios)
    for panels, model in zip(grid, models, strict=True):
        rows = drawn.filter(model=model)
        panels[0].set_ylabel(model, fontweight="bold", fontsize=8)
        for axes, state in zip(panels, states, strict=False):
            _spectrum(axes, rows, state)
        _kappas(panels[-1], rows.filter((pl.col("metric") == _KAPPA) | pl.col("layer").is_null()))
        _share_height(panels[:-1])
    titles = [*(_NAMES[state] for state in states), "kappa of n mod T"]
    names = [*["frequency (cycles per number)"] * len(states), "T"]
    for column, title, name in zip(grid.T, titles, names, strict=True):
        column[0].set_title(title, fontweight="bold", pad=20)
        lowest = [axes for axes in column if axes.lines or axes.patches]
        (lowest or column)[-1].set_xlabel(name)
    return frame(figure, _legend(states), 3, y="left: share of the variance; right: Cohen's kappa")


def _share_height(panels: Sequence[Axes]) -> None:
    """Give the spectra of one model the same y axis; panels without one have no lines."""
    drawn = [axes for axes in panels if axes.lines]
    for axes in drawn:
        axes.set_ylim(min(a.get_ylim()[0] for a in drawn), max(a.get_ylim()[1] for a in drawn))


def _spectrum(axes: Axes, rows: pl.DataFrame, state: str) -> None:
    """Draw the share of the variance (log) against cycles per number, with the band of shuffled numbers."""
    of_state = ((pl.col("metric") == _POWER) & (pl.col("layer") == state)) | pl.col("layer").is_null()
    power = rows.filter(of_state)
    if power.is_empty() and state == "unembedding":
        say(axes, "no output matrix of its own")
    if power.is_empty() or explain_empty(axes, power):
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    power = power.with_columns(x=pl.col("frequency") / pl.col("N")).sort("frequency")
    shares, null = power.filter(control="none"), power.filter(control="shuffled")
    for period in PERIODS:
        axes.axvline(1 / period, color="#e2e2e2", linewidth=0.6)
    colour = _STATES[state].colour
    axes.fill_between(null["x"], null["ci_low"], null["ci_high"], color=_NULL, linewidth=0, alpha=0.6)
    axes.fill_between(shares["x"], shares["ci_low"], shares["ci_high"], color=colour, alpha=0.3, linewidth=0)
    axes.plot(shares["x"], shares["value"], color=colour, linewidth=0.7)
    _frequency_axis(axes)
    count = f"{shares['N'][0]} numbers"
    axes.text(0.02, 0.04, count, transform=axes.transAxes, fontsize=5.5, color=NOTE_COLOUR)


def _frequency_axis(axes: Axes) -> None:
    axes.set_xlim(0, 0.51)
    axes.set_xticks([0, 0.1, 0.2, 0.3, 0.4, 0.5], ["0", "0.1", "0.2", "0.3", "0.4", "0.5"])
    axes.tick_params(axis="y", which="minor", length=0)
    periods = axes.secondary_xaxis("top")
    periods.set_xticks([1 / period for period in PERIODS], [f"{period:.3g}"[:3] for period in PERIODS])
    periods.set_xlabel("period (numbers)", fontsize=5.5, color=NOTE_COLOUR, labelpad=1)
    periods.tick_params(length=0, pad=1, labelsize=5.5, labelcolor=NOTE_COLOUR)
    periods.spines["top"].set_visible(False)


def _kappas(axes: Axes, rows: pl.DataFrame) -> None:
    """Draw bars per period, one per matrix, each beside that of shuffled numbers."""
    if explain_empty(axes, rows):
        return
    periods = rows["period"].drop_nulls().unique().sort().to_list()
    series = [(state, control) for state in layer_order(rows["layer"].drop_nulls()) for control in ("none", "shuffled")]
    width = 0.8 / len(series)
    for place, (state, control) in enumerate(series):
        bars = rows.filter(layer=state, control=control)
        x = [periods.index(period) + (place - (len(series) - 1) / 2) * width for period in bars["period"]]
        colour = _STATES[state].colour if control == "none" else _NULL
        axes.bar(x, bars["value"], width * 0.9, color=colour)
        axes.vlines(x, bars["ci_low"], bars["ci_high"], color="black", linewidth=0.8)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_ylim(-0.1, 1.04)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_xticks(range(len(periods)), [f"{period:g}" for period in periods])
    axes.tick_params(axis="x", length=0)


def _legend(states: Sequence[str]) -> list[Line2D | Patch]:
    entries: list[Line2D | Patch] = [
        Line2D([], [], color=_STATES[state].colour, linewidth=1.5, label=_NAMES[state]) for state in states
    ]
    return [*entries, Patch(color=_NULL, label="shuffled numbers: 95 % of the permutations")]
