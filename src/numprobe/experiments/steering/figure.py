"""Steering: how often the answer follows an operand whose state was moved to another number."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import context_panels, curve, entries_of, explain_empty, fraction_axis, line, title_columns
from numprobe.draw.rows import checked, nothing_to_draw, runs_of
from numprobe.draw.style import Style, set_layer_axis
from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.interventions.reach import by_tokens
from numprobe.layers import layer_order
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

#: (direction, control) -> name and style of a series.
_SERIES: Mapping[tuple[str, str], tuple[str, Style]] = {
    ("patterns", "none"): ("along the patterns", Style("#0072B2", "o")),
    ("readout", "none"): ("along the read-out, as far", Style("#D55E00", "^")),
    ("state", "none"): ("whole state of the other number", Style("#009E73", "s", ":")),
    ("patterns", WRONG_NUMBER): ("towards a third number", Style("#555555", "x", "--")),
    ("patterns", RANDOM_DIRECTION): ("random direction, as far", Style("#999999", "+", (0, (1, 1)))),
}
_BY_LAYER, _BY_STRENGTH, _HARM = "follows, by layer", "follows, by strength", "is neither, by strength"
#: Which rows a column shows. The third number's own result is neither of the two: no harm, but not theirs.
_SHOWN = {
    _BY_LAYER: pl.col("metric") == "follows",
    _BY_STRENGTH: pl.col("metric") == "follows",
    _HARM: (pl.col("metric") == "other") & (pl.col("control") != WRONG_NUMBER),
}
_COLUMNS = (
    "model", "context", "layer", "direction", "control", "strength", "relative_norm", "metric", "value", "ci_low",
    "ci_high", "resampled", "n_values", "n_prompts", "chosen", "status", "note",
)  # fmt: skip


def steering(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    drawn = steering_rows(tables["steering"])
    return draw_steering(drawn), drawn


def steering_rows(table: pl.DataFrame) -> pl.DataFrame:
    """The shares of the reported prompts that the figure shows: at the chosen strength, or in the chosen layer."""
    rows = by_tokens(checked(table, [*MEASUREMENT, "strength", "relative_norm", "part", "chosen", "tokens"]))
    measured = rows.filter(pl.col("metric").is_in(["follows", "other"]), part="test", subset="all")
    if measured.is_empty() and rows.filter(pl.col("status") != Status.MEASURED).is_empty():
        raise nothing_to_draw("metric follows")
    series = ("model", "context", "direction", "control")
    chosen = pl.col("chosen")
    in_layer = pl.col("layer") == pl.col("layer").filter(chosen).first().over(series)
    at_strength = pl.col("strength") == pl.col("strength").filter(chosen).first().over(series)
    # A model that answers too little correctly has a share of right answers, and a status instead of the rest.
    explained = rows.filter(pl.col("status") != Status.MEASURED).with_columns(value=pl.lit(None, pl.Float64))
    return pl.concat([measured.filter(in_layer | at_strength), explained]).select(_COLUMNS)


def draw_steering(drawn: pl.DataFrame) -> Figure:
    """Draw a row of panels per model: answers that follow, by layer and by strength, and those that are neither."""
    runs = runs_of(drawn)
    figure, panels = context_panels(list(runs), [_BY_LAYER, _BY_STRENGTH, _HARM])
    headers = {}
    for (run, column), axes in panels.items():
        fraction_axis(axes)
        rows = runs[run].filter(_SHOWN[column])
        if explain_empty(axes, rows if rows.height else runs[run]):
            continue
        headers[run, column] = _header(rows, column)
        _draw_layers(axes, rows) if column == _BY_LAYER else _draw_strengths(axes, rows)
    title_columns(panels, headers)
    return frame(figure, _legend(drawn), 3, y="share of the answers")


def _is_chosen(column: str) -> pl.Expr:
    """Return an expression that is true where a row has the chosen value of a column in its series."""
    return pl.col(column) == pl.col(column).filter(pl.col("chosen")).first().over("direction", "control")


def _draw_layers(axes: Axes, rows: pl.DataFrame) -> None:
    layers = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, layers)
    axes.set_xlabel("layer")
    for (direction, control), (_, style) in reversed(list(_SERIES.items())):
        series = rows.filter(direction=direction, control=control)
        curve(axes, series.filter(_is_chosen("strength")), layers, style)


def _draw_strengths(axes: Axes, rows: pl.DataFrame) -> None:
    axes.set_xlabel("strength")
    strengths = rows.filter(pl.col("direction") != "state")["strength"].unique().sort().to_list()
    axes.set_xticks(strengths, [f"{strength:g}" for strength in strengths])
    for (direction, control), (_, style) in reversed(list(_SERIES.items())):
        series = rows.filter(direction=direction, control=control)
        series = series.filter(_is_chosen("layer"))
        if direction == "state":
            axes.axhline(series["value"][0], color=style.colour, linestyle=style.line)
        else:
            line(axes, series, "strength", style)


def _header(rows: pl.DataFrame, column: str) -> list[str]:
    """Return the chosen layer and strength, and the prompts."""
    best = {row["direction"]: row for row in rows.filter(pl.col("chosen"), control="none").to_dicts()}
    what = "strength" if column == _BY_LAYER else "layer"
    patterns, readout = (best[direction][what] for direction in ("patterns", "readout"))
    prompts = [f"{best['patterns']['n_prompts']} prompts"] if column == _HARM else []
    return [f"{what} {_short(patterns)} (read-out {_short(readout)})", *prompts]


def _short(chosen: str | float) -> str:
    return chosen if isinstance(chosen, str) else f"{chosen:g}"


def _legend(drawn: pl.DataFrame) -> list[Line2D]:
    present = set(drawn.filter(pl.col("value").is_not_null()).select("direction", "control").iter_rows())
    return entries_of(_SERIES, present)
