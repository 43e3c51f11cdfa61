"""Arithmetic without a part of the model: what each removal does, and what the best for every prompt would do."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, frame
from numprobe.draw.panels import bars, draw_panels, legend_entry, operation_panels, points
from numprobe.draw.rows import checked, is_not_applicable, over_all_folds, require
from numprobe.draw.style import NOTE_COLOUR, Style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.percent import per_cent
from numprobe.tables import MEASUREMENT

_STYLES: Mapping[str, Style] = {
    "block": Style("#0072B2", "o"),
    "attention": Style("#E69F00", "s"),
    "mlp": Style("#009E73", "^"),
}
_LABELS = {"block": "whole block", "attention": "attention", "mlp": "MLP"}
_COLUMNS = (
    "model", "control", "context", "layer", "site", "subset", "metric", "value", "ci_low", "ci_high", "resampled",
    "n_values", "n_prompts", "part", "chosen", "status", "note",
)  # fmt: skip
_REPAIRED, _HARMED, _MIRRORED = Style("#0072B2", "o"), Style("#D55E00", "s"), Style("#888888", "x")
#: Heights of the lines of the second figure, and how they are called.
_LINES = ("chosen removal", "some block (oracle)", "some removal (oracle)")
#: Metric, control -> how it is drawn and what the legend says.
_SHARES: Mapping[tuple[str, str], tuple[Style, str, float]] = {
    ("repaired", "none"): (_REPAIRED, "wrong answers repaired", 0.18),
    ("reached", "mirrored"): (_MIRRORED, "wrong answers that become 2 answer - truth", 0),
    ("harmed", "none"): (_HARMED, "right answers harmed", -0.18),
}


def layer_removal(tables: Tables, values: Values) -> Drawn:
    """Return the figure of every removal, and what it shows."""
    drawn = layer_removal_rows(tables["layer_removal"])
    return draw_layer_removal(drawn), drawn


def removal_oracle(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the chosen removal beside oracles, and what it shows."""
    drawn = layer_removal_rows(tables["layer_removal"])
    return draw_removal_oracle(drawn), drawn


def layer_removal_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that the figures show: all measurements on test prompts."""
    rows = checked(table, [*MEASUREMENT, "part", "chosen"])
    shown = rows.filter((pl.col("part") == "test") | is_not_applicable())
    require(shown.filter(metric="accuracy_change"), "metric accuracy_change on test prompts")
    return over_all_folds(shown).select(_COLUMNS)


def draw_layer_removal(drawn: pl.DataFrame) -> Figure:
    """Draw a panel per model and operation: the change of accuracy (y, linear up to a point) without each block (x)."""
    figure, panels, rows = operation_panels(drawn)
    draw_panels(panels, rows, _draw_changes, scale=_change_axis)
    entries = [legend_entry(_LABELS[site], style, line=False) for site, style in _STYLES.items()]
    ring = _ring(figure.axes[0], [], [])
    return frame(
        figure, [*entries, ring], 4, x="block without which the model answers", y="change of accuracy (points)"
    )


def draw_removal_oracle(drawn: pl.DataFrame) -> Figure:
    """Draw a panel per model and operation: answers repaired and harmed by the chosen removal and by oracles."""
    figure, panels, rows = operation_panels(drawn)
    draw_panels(panels, rows, _draw_shares, scale=_share_axes)
    entries = [legend_entry(label, style, line=False) for style, label, _ in _SHARES.values()]
    return frame(figure, entries, 3, x="share of the wrong, or of the right, answers to test prompts")


def _change_axis(axes: Axes) -> None:
    """Make y linear within one point and logarithmic beyond: most removals cost everything, and gains are small."""
    axes.set_yscale("symlog", linthresh=0.01, linscale=0.7)
    axes.set_ylim(-1.6, 1.6)
    axes.set_yticks([-1, -0.1, -0.01, 0, 0.01, 0.1, 1], ["−100", "−10", "−1", "0", "+1", "+10", "+100"])
    axes.set_yticks([], minor=True)
    faint_grid(axes)


def _draw_changes(axes: Axes, rows: pl.DataFrame) -> list[str]:
    blocks, changes = layer_order(rows["layer"].drop_nulls()), rows.filter(metric="accuracy_change")
    set_layer_axis(axes, blocks, most=8)
    axes.axhline(0, color="#999999", linewidth=0.6)
    for place, (site, style) in enumerate(_STYLES.items()):
        of_site = changes.filter(pl.col("layer").is_not_null(), site=site)
        x = [blocks.index(block) + 0.22 * (place - 1) for block in of_site["layer"]]
        points(axes, x, of_site, style)
        ringed = [i for i, chosen in enumerate(of_site["chosen"]) if chosen]
        _ring(axes, [x[i] for i in ringed], of_site["value"][ringed].to_list())
    return _accuracy_header(rows)


def _ring(axes: Axes, x: Sequence[float], y: Sequence[float]) -> Line2D:
    (ring,) = axes.plot(x, y, "o", markersize=7, markerfacecolor="none", markeredgecolor="#000000", markeredgewidth=0.8)
    ring.set_label("chosen on validation prompts")
    return ring


def _accuracy_header(rows: pl.DataFrame) -> list[str]:
    """Return the accuracy of the whole model, and say so where no removal is chosen."""
    whole = rows.filter(site="none", metric="accuracy_before")
    chosen = rows.filter(pl.col("chosen"), metric="accuracy_change")
    right = [f"{per_cent(value, 1)} % right of {count}" for value, count in whole.select("value", "n_prompts").rows()]
    return [*right, *(["chosen: none"] if "none" in chosen["site"].to_list() else [])]


def _share_axes(axes: Axes) -> None:
    axes.set_xlim(-0.04, 1.04)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "", "50 %", "", "100 %"])
    axes.set_ylim(len(_LINES) - 0.5, -0.5)
    axes.set_yticks(range(len(_LINES)), _LINES, fontsize=5.5)
    faint_grid(axes, "x")


def _draw_shares(axes: Axes, rows: pl.DataFrame) -> list[str]:
    for (share, control), (style, _, shift) in _SHARES.items():
        mine = rows.filter(control=control)
        chosen = mine.filter(pl.col("chosen"), metric=share)
        oracle = mine.filter(metric=f"oracle_{share}")
        sites = [chosen, oracle.filter(site="block"), oracle.filter(site="any")]
        for height, line in enumerate(sites):
            bars(axes, height - shift, line, style)
    if "none" in rows.filter(pl.col("chosen"))["site"].to_list():
        axes.text(0.02, 0, "nothing is removed", va="center", fontsize=5.5, color=NOTE_COLOUR)
    return _count_header(rows)


def _count_header(rows: pl.DataFrame) -> list[str]:
    whole = rows.filter(site="none", metric="accuracy_before")
    counts = whole.select("value", "n_prompts").rows()
    return [f"{round((1 - value) * count)} wrong of {count}" for value, count in counts]
