"""Ablation: what answers lose, what they follow, and what probes still read, by directions of operands' states."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import chance_entries, context_panels, draw_panels, entries_of, line
from numprobe.draw.rows import MEASURED, checked, nothing_to_draw, runs_of
from numprobe.draw.style import Style
from numprobe.interventions.controls import RANDOM_COMPONENT, RANDOM_SUBSPACE
from numprobe.interventions.reach import by_tokens
from numprobe.layers import layer_order
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

_REFITTED, _FIXED = "fitted again", "probe as it is"
#: (metric, subspace, component, control) -> name and style of a curve over the rank.
_CURVES: Mapping[tuple[str, str, str | None, str], tuple[str, Style]] = {
    ("harmed", "patterns", "inside", "none"): ("patterns", Style("#0072B2", "o")),
    ("harmed", "readout", "inside", "none"): ("read-out", Style("#D55E00", "^")),
    ("harmed", "random", "inside", RANDOM_SUBSPACE): ("random, as long", Style("#555555", "x", "--")),
    ("harmed", "random", "inside", RANDOM_COMPONENT): ("random", Style("#999999", "+", (0, (1, 1)))),
    ("harmed", "patterns", "rest", "none"): ("all but patterns", Style("#56B4E9", "v", "-.")),
    ("harmed", "readout", "rest", "none"): ("all but read-out", Style("#E69F00", "s", "-.")),
    ("follows", "patterns", "inside", "none"): ("patterns", Style("#0072B2", "o")),
    ("follows", "readout", "inside", "none"): ("read-out", Style("#D55E00", "^")),
    ("follows", "random", "inside", RANDOM_COMPONENT): ("random", Style("#999999", "+", (0, (1, 1)))),
    ("follows", "patterns", "rest", "none"): ("all but patterns", Style("#56B4E9", "v", "-.")),
    ("follows", "readout", "rest", "none"): ("all but read-out", Style("#E69F00", "s", "-.")),
    ("follows", "random", "rest", RANDOM_COMPONENT): ("all but random", Style("#555555", "x", "--")),
    ("reads_refitted", "patterns", None, "none"): (f"patterns, {_REFITTED}", Style("#0072B2", "o")),
    ("reads_refitted", "readout", None, "none"): (f"read-out, {_REFITTED}", Style("#D55E00", "^")),
    ("reads_refitted", "random", None, RANDOM_COMPONENT): (
        f"random, {_REFITTED}",
        Style("#999999", "+", (0, (1, 1))),
    ),
    ("reads_fixed", "patterns", None, "none"): (f"patterns, {_FIXED}", Style("#56B4E9", "v", "-.")),
    ("reads_fixed", "readout", None, "none"): (f"read-out, {_FIXED}", Style("#E69F00", "s", "-.")),
}
#: Levels that do not depend on the rank.
_LEVELS: Mapping[tuple[str, str | None], tuple[str, Style]] = {
    ("harmed", "state"): ("whole state", Style("#009E73", "", ":")),
    ("follows", "state"): ("whole state", Style("#009E73", "", ":")),
    ("reads_before", None): ("no direction gone", Style("#009E73", "", ":")),
}
#: Metric -> labels of the axes.
_LABELS = {
    "harmed": ("directions taken away, or left", "share of right answers harmed"),
    "follows": ("directions interchanged, or left", "share of answers that follow the source"),
    "reads_refitted": ("directions taken away", "accuracy on unseen numbers"),
}
#: Metrics of each figure.
REMOVED, INTERCHANGED, READ = ("harmed",), ("follows",), ("reads_before", "reads_refitted", "reads_fixed")
_COLUMNS = (
    "model", "context", "layer", "direction", "component", "control", "rank", "relative_norm", "metric", *MEASURED,
)  # fmt: skip


def ablation(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the answers that removal harms, and what it shows."""
    drawn = ablation_drawn(tables["ablation"], REMOVED)
    return draw_ablation(drawn), drawn


def ablation_interchange(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the answers that follow an interchange, and what it shows."""
    drawn = ablation_drawn(tables["ablation"], INTERCHANGED)
    return draw_ablation(drawn), drawn


def ablated_probe(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the readings, and what it shows."""
    drawn = ablation_drawn(tables["ablated_probe"], READ)
    return draw_ablation(drawn, values["candidates"]), drawn


def ablation_drawn(table: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    """Return the measurements over all prompts or numbers that a figure shows.

    Parameters
    ----------
    table
        The collected table `ablation` or `ablated_probe`.
    metrics
        `REMOVED`, `INTERCHANGED` or `READ`.
    """
    rows = checked(table, [*MEASUREMENT, "rank", "relative_norm"]).filter(subset="all")
    rows = by_tokens(rows) if "tokens" in rows.columns else rows
    rows = rows if "component" in rows.columns else rows.with_columns(component=pl.lit(None, pl.String))
    measured = pl.col("metric").is_in(metrics) & pl.col("value").is_not_null()
    # What the other figure of this table lacks is said there.
    others = {*REMOVED, *INTERCHANGED} - set(metrics)
    explained = rows.filter((pl.col("status") != Status.MEASURED) & ~pl.col("metric").is_in(others))
    explained = explained.with_columns(value=pl.lit(None, pl.Float64))
    if rows.filter(measured).is_empty() and explained.is_empty():
        raise nothing_to_draw(f"metric {metrics[0]}")
    return pl.concat([rows.filter(measured), explained]).select(_COLUMNS)


def draw_ablation(drawn: pl.DataFrame, candidates: int | None = None) -> Figure:
    """Draw a row of panels per model and a column per layer; x = directions that are gone."""
    runs, layers = runs_of(drawn), layer_order(drawn["layer"].drop_nulls())
    figure, panels = context_panels(list(runs), [f"layer {layer}" for layer in layers] or ["no layer"])
    rows = {
        (run, title): runs[run].filter(
            (pl.col("layer") == title.removeprefix("layer ")) | (pl.col("status") != Status.MEASURED)
        )
        for run, title in panels
    }
    draw_panels(panels, rows, _draw_panel, candidates)
    x, y = next((labels for metric, labels in _LABELS.items() if metric in set(drawn["metric"])), ("", ""))
    return frame(figure, _legend(drawn, candidates), 3, x=x, y=y)


def _draw_panel(axes: Axes, rows: pl.DataFrame) -> list[str]:
    ranks = rows.filter((pl.col("rank") > 0) & (pl.col("direction") != "state"))["rank"].unique().sort().to_list()
    axes.set_xscale("log", base=2)
    axes.set_xticks(ranks, [str(rank) for rank in ranks])
    axes.set_xticks([], minor=True)
    for (metric, subspace), (_, style) in _LEVELS.items():
        level = rows.filter(pl.col("direction").eq_missing(pl.lit(subspace)), metric=metric)
        if level.height:
            axes.axhline(level["value"][0], color=style.colour, linestyle=style.line)
    for (metric, subspace, component, control), (_, style) in reversed(list(_CURVES.items())):
        same = pl.col("component").eq_missing(pl.lit(component, pl.String))
        line(axes, rows.filter(same, metric=metric, direction=subspace, control=control), "rank", style)
    return _header(rows)


def _header(rows: pl.DataFrame) -> list[str]:
    measured = rows.filter(pl.col("metric").is_in(list(_LABELS)))
    metrics = set(measured["metric"])
    if "reads_refitted" in metrics:
        return [f"{measured['n_values'][0]} numbers"]
    return [f"{measured['n_prompts'][0]} {'right answers' if 'harmed' in metrics else 'pairs'}"]


def _legend(drawn: pl.DataFrame, candidates: int | None) -> list[Line2D]:
    present = set(drawn.select("metric", "direction", "component", "control").iter_rows())
    entries = entries_of(_CURVES, present)
    levels = {(metric, subspace) for metric, subspace, *_ in present}
    entries += entries_of(_LEVELS, levels)
    return [*entries, *chance_entries(candidates)]
