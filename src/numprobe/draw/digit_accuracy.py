"""Accuracy of each digit over the layers, beside controls and what the last token alone tells."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.digits import place_name
from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import curve, draw_panels, legend_entry, panels_by_context
from numprobe.draw.panels import points as draw_points
from numprobe.draw.rows import MEASURED, VOCABULARY, is_not_applicable, over_all_folds
from numprobe.draw.series import measured_accuracies
from numprobe.draw.style import Style, series_styles, set_layer_axis
from numprobe.layers import layer_order
from numprobe.status import Status

_METRIC, _PLACE = "digit_accuracy", "place="
_PLAIN = pl.col("control") == "none"
# Thin lines in the colour of the place: which rows, and how dashed.
_BESIDE: Mapping[str, tuple[pl.Expr, tuple[int, tuple[float, ...]]]] = {
    "untrained": (pl.col("control").str.starts_with("untrained"), (0, (6, 1.5, 1, 1.5))),
    "mixed": (pl.col("control") == "mixed", (0, (1, 1))),
    "last token alone": (pl.col("control") == "last_token", (0, (3, 1.5))),
    "most frequent digit": (pl.col("control") == "constant", (0, (1, 3))),
}
_OF_PROBE = ("untrained", "mixed")
_COLUMNS = ("model", "context", "layer", "probe", "control", "subset", *MEASURED)


def digit_accuracy(tables: Tables, values: Values) -> Drawn:
    """Return the figure of how often each digit of a number is read, over the layers, and the rows that it shows."""
    drawn = digit_accuracy_rows(tables["accuracy"])
    return draw_digit_accuracy(drawn), drawn


def digit_accuracy_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return what the figure shows: digits at every place by the leading probe and its rivals."""
    _, leading = measured_accuracies(table)
    of_probe = pl.any_horizontal(_PLAIN, *(_BESIDE[name][0] for name in _OF_PROBE)) & (pl.col("probe") == leading)
    levels = pl.any_horizontal(condition for name, (condition, _) in _BESIDE.items() if name not in _OF_PROBE)
    measured = (pl.col("metric") == _METRIC) & (of_probe | levels)
    constant = (pl.col("status") == Status.CONSTANT_STATE) & (pl.col("probe") == leading) & _PLAIN
    wanted = (pl.col("site") == "residual") & (measured | constant.fill_null(False))
    return over_all_folds(table.filter(wanted | is_not_applicable())).select(_COLUMNS)


def draw_digit_accuracy(drawn: pl.DataFrame) -> Figure:
    """Draw a row per model and a column per context; x = layer, y = share of right digits, a colour per place."""
    figure, panels, rows = panels_by_context(drawn)
    styles = _styles(drawn)
    draw_panels(panels, rows, partial(_draw_panel, styles=styles))
    return frame(figure, _legend(drawn, styles), 4, x="layer", y="share of right digits")


def _styles(drawn: pl.DataFrame) -> dict[str, Style]:
    """Return the places that were measured, units first, and how each is drawn."""
    measured = set(drawn["subset"].drop_nulls())
    known = [name for name in map(place_name, range(20)) if _PLACE + name in measured]
    return series_styles(known)


def _draw_panel(axes: Axes, rows: pl.DataFrame, styles: Mapping[str, Style]) -> list[str]:
    layers = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, layers)
    for place, style in styles.items():
        part = rows.filter(pl.col("value").is_not_null(), subset=_PLACE + place)
        _draw_place(axes, part, layers, style, rows["context"][0] == VOCABULARY)
    return _header(rows)


def _draw_place(axes: Axes, rows: pl.DataFrame, layers: Sequence[str], style: Style, vocabulary: bool) -> None:
    for condition, dashes in reversed(list(_BESIDE.values())):
        for part in rows.filter(condition).partition_by("control"):
            _thin_line(axes, part, layers, style.colour, dashes, vocabulary)
    read = rows.filter(_PLAIN)
    if vocabulary:
        draw_points(axes, [layers.index(name) for name in read["layer"]], read, style)
    else:
        curve(axes, read, layers, style)


def _thin_line(
    axes: Axes,
    rows: pl.DataFrame,
    layers: Sequence[str],
    colour: str,
    dashes: tuple[int, tuple[float, ...]],
    vocabulary: bool,
) -> None:
    """Draw one rival: a line over the layers, or a short line at each matrix."""
    rows = rows.with_columns(x=pl.Series([layers.index(name) for name in rows["layer"]], dtype=pl.Int64)).sort("x")
    drawn: dict[str, Any] = {"color": colour, "linewidth": 0.8, "linestyle": dashes}
    if not vocabulary:
        axes.plot(rows["x"], rows["value"], **drawn)
        return
    for x, value in rows.select("x", "value").iter_rows():
        axes.plot([x - 0.4, x + 0.4], [value, value], **drawn)


def _header(rows: pl.DataFrame) -> list[str]:
    """Return how many numbers have each place."""
    read = rows.filter(_PLAIN & pl.col("value").is_not_null())
    counts = [part["n_values"].max() for part in read.partition_by("subset", maintain_order=True)]
    return [", ".join(map(str, counts)) + " values"]


def _legend(drawn: pl.DataFrame, styles: Mapping[str, Style]) -> list[Line2D]:
    entries = [legend_entry(name, style) for name, style in styles.items()]
    for name, (condition, dashes) in _BESIDE.items():
        if not drawn.filter(condition & pl.col("value").is_not_null()).is_empty():
            entries.append(Line2D([], [], color="#555555", linewidth=0.8, linestyle=dashes, label=name))
    return entries
