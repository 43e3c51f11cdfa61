"""Effect of a change on the answers, at the chosen layer and strength: gain beside harm, with controls."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.frame import faint_grid, frame, in_per_cent
from numprobe.draw.panels import explain_empty, legend_entry, points, separate_panels, title_columns
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, require, runs_of
from numprobe.draw.style import Style
from numprobe.interventions.controls import RANDOM_DIRECTION, RANDOM_SUBSPACE, WRONG_NUMBER
from numprobe.percent import per_cent
from numprobe.tables import MEASUREMENT

#: Metrics that show gain beside harm, and the titles of their panels.
GAIN_AND_HARM: Mapping[str, str] = {
    "repaired": "wrong answers repaired",
    "harmed": "right answers harmed",
    "accuracy_change": "change of accuracy",
}
#: Share of the wrong answers whose true result is read in the layer: drawn beside `repaired`.
READABLE = "readable"
#: How a change and its controls are drawn.
SERIES: Mapping[str, Style] = {
    "none": Style("#0072B2", "o"),
    WRONG_NUMBER: Style("#888888", "x", "--"),
    RANDOM_DIRECTION: Style("#555555", "D", ":"),
    RANDOM_SUBSPACE: Style("#555555", "s", ":"),
}
_READABLE_STYLE = Style("#E69F00", "^")
_COLUMNS = (
    "model", "context", "layer", "control", "strength", "relative_norm", "rank", "part", "chosen", "subset",
    "metric", *MEASURED,
)  # fmt: skip
#: Columns that tell the rows of panels of one model apart.
RUN = ("context", "settings")
_OPERATION = "operation="
_ROW_HEIGHT = 1.35
_COUNTED = {"repaired": "wrong answers", "harmed": "right answers"}


def chosen_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the effect of the chosen layers and strengths, by operation, on the prompts that did not choose them.

    The table has the columns of `numprobe.measure.outcomes.INTERVENTION`.
    """
    return selected_rows(table, [*GAIN_AND_HARM, READABLE], pl.col("chosen") & (pl.col("part") == "test"))


def selected_rows(table: pl.DataFrame, metrics: Sequence[str], wanted: pl.Expr) -> pl.DataFrame:
    """Return the wanted rows of some metrics with a value, and those to which nothing applies."""
    rows = checked(table, [*MEASUREMENT, *_COLUMNS])
    shown = pl.col("metric").is_in(list(metrics)) & wanted & pl.col("value").is_not_null()
    require(rows.filter(shown), "metric " + " or ".join(metrics))
    kept = [*_COLUMNS, *(name for name in ("settings", "share") if name in rows.columns)]
    return rows.filter(shown | is_not_applicable()).select(kept)


def controls_of(drawn: pl.DataFrame) -> list[str]:
    """Return the change itself ("none") and its controls, as far as they were measured, in the order of the legend."""
    measured = set(drawn.filter(pl.col("value").is_not_null())["control"])
    return [name for name in SERIES if name in measured]


def draw_outcomes(drawn: pl.DataFrame, main: str) -> Figure:
    """Draw a row of panels per model and a column per metric; x = all prompts, and those of each operation.

    Parameters
    ----------
    drawn
        What `chosen_rows` returned.
    main
        What the legend calls the change itself, the rows without a control.
    """
    runs, subsets = runs_of(drawn, RUN), in_order(drawn.filter(pl.col("value").is_not_null())["subset"])
    height = _ROW_HEIGHT * len(runs) + 0.9
    figure, panels = separate_panels(list(runs), list(GAIN_AND_HARM.values()), height, sharey="col")
    headers = {}
    for metric, title in GAIN_AND_HARM.items():
        of_metric = pl.col("metric").is_in([metric, READABLE] if metric == "repaired" else [metric])
        _share_axis([panels[run, title] for run in runs], drawn.filter(of_metric))
        for run, rows in runs.items():
            if not explain_empty(panels[run, title], rows.filter(of_metric | is_not_applicable())):
                _draw_panel(panels[run, title], rows.filter(of_metric), subsets, controls_of(drawn))
                headers[run, title] = _header(rows.filter(metric=metric), metric)
    title_columns(panels, headers)
    entries = [legend_entry(main if name == "none" else name, SERIES[name], line=False) for name in controls_of(drawn)]
    if READABLE in set(drawn["metric"]):
        entries.append(legend_entry("true result read by the probe", _READABLE_STYLE, line=False))
    return frame(figure, entries, len(entries), x="operation", y="share of the answers")


def _share_axis(column: Sequence[Axes], rows: pl.DataFrame) -> None:
    """Scale the axis of a column to hold all intervals and 0."""
    ends = [0.0, *(float(end) for name in ("ci_low", "ci_high", "value") for end in rows[name].drop_nulls())]
    low, high = min(ends), max(max(ends), 0.05)
    margin = 0.06 * (high - low)
    for axes in column:
        axes.set_ylim(low - margin, high + margin)
        in_per_cent(axes.yaxis)
        faint_grid(axes)


def _draw_panel(axes: Axes, rows: pl.DataFrame, subsets: Sequence[str], series: Sequence[str]) -> None:
    axes.set_xticks(range(len(subsets)), [name.removeprefix(_OPERATION) for name in subsets])
    axes.set_xlim(-0.6, len(subsets) - 0.4)
    axes.axhline(0, color="#bbbbbb", linewidth=0.5)
    measured, is_readable = rows.filter(pl.col("value").is_not_null()), pl.col("metric") == READABLE
    parts = [(measured.filter(~is_readable, control=name), SERIES[name]) for name in series]
    readable = measured.filter(is_readable)
    parts += [] if readable.is_empty() else [(readable, _READABLE_STYLE)]
    width = 0.8 / len(parts)
    for place, (part, style) in enumerate(parts):
        shift = width * (place - (len(parts) - 1) / 2)
        points(axes, [subsets.index(subset) + shift for subset in part["subset"]], part, style)


def _header(rows: pl.DataFrame, metric: str) -> list[str]:
    """Return the layer and strength of the change, and the number of answers."""
    own = rows.filter(pl.col("value").is_not_null(), control="none", subset="all")
    if own.is_empty():
        return []
    row = own.row(0, named=True)
    where = [f"layer {row['layer']}, strength {row['strength']:g}", f"size {row['relative_norm']:.2f} norms"]
    places = [*where, *share_moved(row)] if metric == "repaired" else []
    return [*places, f"{row['n_prompts']} {_COUNTED.get(metric, 'prompts')}"]


def share_moved(row: Mapping[str, Any]) -> list[str]:
    """Return the share of the prompts that was changed, if not all were."""
    return [f"{per_cent(row['share'])} % of the prompts changed"] if (row.get("share") or 1) < 1 else []
