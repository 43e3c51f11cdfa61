"""Shares of the variance between numbers against depth: additive in digits, in pairs of digits, of the whole number."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.composition_rows import SHARES, composition_rows, longest_measured
from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import (
    context_panels,
    curve,
    explain_empty,
    fraction_axis,
    hold_shares,
    legend_entry,
    title_columns,
)
from numprobe.draw.rows import contexts_in_order, in_order, is_not_applicable
from numprobe.draw.style import CONTROLS as ALL_CONTROLS
from numprobe.draw.style import NOTE_COLOUR, Style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.percent import per_cent

#: Controls whose additive share is drawn, beside the model's.
CONTROLS: Mapping[str, Style] = {name: ALL_CONTROLS[name] for name in ("untrained", "mixed")}
_SHORTER = Style("#56B4E9", "p")
_CHANCE = (0, (1, 2))


def composition(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    drawn = composition_rows(tables["composition"])
    return draw_composition(drawn), drawn


def draw_composition(drawn: pl.DataFrame) -> Figure:
    """Draw a panel per model (rows) and context (columns); x = layer, y = share."""
    models, contexts = in_order(drawn["model"]), contexts_in_order(drawn["context"])
    figure, panels = context_panels(models, contexts)
    headers = {}
    for (model, context), axes in panels.items():
        rows = drawn.filter(model=model, context=context)
        fraction_axis(axes)
        if explain_empty(axes, rows.filter(pl.col("metric") != "signal")):
            continue
        layers = layer_order(rows["layer"].drop_nulls())
        set_layer_axis(axes, layers)
        _draw_panel(axes, rows.filter(~is_not_applicable()), layers)
        hold_shares(axes, rows.filter(pl.col("metric") != "signal")["value"])
        headers[model, context] = _header(rows)
    title_columns(panels, headers)
    return frame(figure, _legend(drawn), 4, x="layer", y="share of variance")


def _draw_panel(axes: Axes, rows: pl.DataFrame, layers: Sequence[str]) -> None:
    longest = rows.filter(subset=longest_measured(rows))
    for metric, (_, style) in SHARES.items():
        of_metric = longest.filter(metric=metric)
        chance = of_metric.filter(control="shuffled")["value"].drop_nulls()
        if len(chance):
            axes.axhline(chance[0], color=style.colour, linewidth=0.6, linestyle=_CHANCE)
    additive = pl.col("metric") == "additive"
    for control, style in CONTROLS.items():
        curve(axes, longest.filter(additive, control=control), layers, style)
    plain = rows.filter(pl.col("value").is_not_null(), control="none")
    for part in plain.filter(additive & (pl.col("subset") != longest_measured(rows))).partition_by("subset"):
        curve(axes, part, layers, _SHORTER)
    plain = plain.filter(subset=longest_measured(rows))
    for metric, (_, style) in reversed(list(SHARES.items())):
        curve(axes, plain.filter(metric=metric), layers, style)


def _header(rows: pl.DataFrame) -> list[str]:
    """Return how many numbers the panel is about and how much of their variance the halves share."""
    longest = longest_measured(rows)
    plain = rows.filter(pl.col("value").is_not_null(), control="none")
    measured = plain.filter(subset=longest)
    if measured.is_empty():
        return []
    signal = measured.filter(pl.col("ci_low").is_not_null(), metric="signal")["value"].to_list()
    shared = f"signal {per_cent(min(signal))} to {per_cent(max(signal))} %" if signal else "one state per number"
    return [f"{measured['n_values'][0]} numbers of {str(longest).removeprefix('digits=')} digits; {shared}"]


def _legend(drawn: pl.DataFrame) -> list[Line2D]:
    measured = drawn.filter(pl.col("value").is_not_null())
    present = set(measured.select("metric", "control").unique().iter_rows())
    shown = [metric for metric in SHARES if (metric, "none") in present]
    both = {"whole", "beyond"} <= set(shown)
    names = {metric: name for metric, (name, _) in SHARES.items()}
    if both:  # A panel shows one of them, so that they share an entry.
        shown.remove("beyond")
        names["whole"] += f" (▾ {names['beyond']})"
    entries = [legend_entry(names[metric], SHARES[metric][1]) for metric in shown]
    if measured.filter(pl.col("metric") != "signal")["subset"].n_unique() > 1:
        entries.append(legend_entry("additive, shorter numbers", _SHORTER))
    for control, style in CONTROLS.items():
        if ("additive", control) in present:
            entries.append(legend_entry(f"additive, {control}", style))
    if "shuffled" in set(measured["control"]):
        entries.append(Line2D([], [], color=NOTE_COLOUR, linestyle=_CHANCE, linewidth=0.8, label="permuted numbers"))
    return entries
