"""Interchange in the subspace that a model uses, in those that are read or written, and the angles between them."""

from collections.abc import Iterator, Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, frame
from numprobe.draw.panels import (
    Panels,
    bars,
    curve,
    explain_empty,
    fraction_axis,
    legend_entry,
    line,
    separate_panels,
    title_columns,
)
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, require, runs_of
from numprobe.draw.style import Style, say, set_layer_axis
from numprobe.interventions.reach import by_tokens
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

#: Subspaces (the column `subspace`), from the top of a panel: labels and styles.
SUBSPACES: Mapping[str, tuple[str, Style]] = {
    "causal": ("trained by interchange", Style("#D55E00", "o")),
    "read-out": ("read-out", Style("#0072B2", "s")),
    "layer's read-out": ("read-out of the layer", Style("#56B4E9", "D")),
    "pattern": ("pattern", Style("#009E73", "^")),
    "variance": ("largest variance", Style("#CC79A7", "v")),
    "random": ("random", Style("#888888", "+")),
    "whole state": ("whole state", Style("#000000", "h")),
    "nothing": ("no interchange", Style("#555555", "x")),
    "asked": ("asked directly", Style("#222222", "p")),
}
_FOLLOWED, _HARMED, _OVERLAP, _ANGLE = "interchange_accuracy", "harmed", "overlap", "angle"
_HARM = Style("#555555", "|")
_BAND = "#999999"
#: Columns of trained layers.
_PLACES = ("first layer", "deepest layer")
_WHOLE = "by layer"
_COLUMNS = (
    "model", "context", "layer", "control", "subspace", "draw", "rank", "relative_norm", "other_subspace", "angle",
    "subset", "metric", *MEASURED,
)  # fmt: skip


def causal_subspace(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the answers, and what it shows."""
    drawn = causal_rows(tables["causal_subspace"], "answers")
    return draw_answers(drawn), drawn


def causal_subspace_angles(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the angles, and what it shows."""
    drawn = causal_rows(tables["causal_subspace"], "angles")
    return draw_angles(drawn), drawn


def causal_rows(table: pl.DataFrame, what: str) -> pl.DataFrame:
    """Return the rows that a figure shows.

    Parameters
    ----------
    table
        The collected table of the experiment `causal_subspace`.
    what
        "answers" or "angles".
    """
    rows = by_tokens(checked(table, [*MEASUREMENT, *_COLUMNS, "tokens"]))
    rows = rows.filter((pl.col("subset") == "all") | is_not_applicable())
    metrics = [_FOLLOWED, _HARMED] if what == "answers" else [_OVERLAP, _ANGLE]
    shown = pl.col("metric").is_in(metrics) & pl.col("value").is_not_null()
    if what == "angles":
        shown &= pl.col("subspace") == "causal"
    require(rows.filter(shown), f"metric {metrics[0]}")
    return rows.filter(shown | is_not_applicable()).select(_COLUMNS)


def draw_answers(drawn: pl.DataFrame) -> Figure:
    """Draw a row of panels per model: the whole state at every layer, and all subspaces at the first and deepest layer.

    A model whose operands have several tokens has two rows: their last token is changed, or all of them are.
    """
    runs = runs_of(drawn)
    figure, panels = separate_panels(list(runs), [_WHOLE, *_PLACES], 1.75 * len(runs) + 1.0, [0.6, 1, 1])
    headers = {}
    for run, rows in runs.items():
        empty = [explain_empty(panels[run, title], rows) for title in (_WHOLE, *_PLACES)]
        if any(empty):
            continue
        _draw_layers(panels[run, _WHOLE], rows)
        for title, layer, part in _trained(panels, run, rows):
            _draw_subspaces(panels[run, title], part, named=title == _PLACES[0])
            headers[run, title] = [f"layer {layer}, rank {_rank(part)}, {_size(part)}"]
    title_columns(panels, headers)
    figure.supxlabel("share of answers", fontsize=7, x=0.7)
    return frame(figure, _answer_legend(), 3)


def draw_angles(drawn: pl.DataFrame) -> Figure:
    """Draw a row of panels per model: principal angles of the trained subspaces with the others and each other."""
    runs = runs_of(drawn)
    figure, panels = separate_panels(list(runs), _PLACES, 1.6 * len(runs) + 1.0)
    headers = {}
    for run, rows in runs.items():
        empty = [explain_empty(panels[run, title], rows) for title in _PLACES]
        if any(empty):
            continue
        for title, layer, part in _trained(panels, run, rows):
            headers[run, title] = [f"layer {layer}", *_overlaps(part)]
            _draw_angles(panels[run, title], part.filter(metric=_ANGLE))
    title_columns(panels, headers)
    return frame(figure, _angle_legend(drawn), 3, x="principal angle, from the smallest", y="degrees")


def _trained(panels: Panels, run: str, rows: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield panel, layer and rows of the first and the deepest layer with a trained basis; say where there is one."""
    layers = layer_order(rows.filter(subspace="causal")["layer"].drop_nulls())
    for title, layer in zip(_PLACES, dict.fromkeys([layers[0], layers[-1]]), strict=False):
        yield title, layer, rows.filter(layer=layer)
    if len(layers) == 1:
        say(panels[run, _PLACES[1]], "one layer")


# --- answers ----------------------------------------------------------------------------------------------------------


def _draw_layers(axes: Axes, rows: pl.DataFrame) -> None:
    """Draw the interchange of the whole state and of both read-outs by layer, and the counterfactual prompts."""
    rows = rows.filter(pl.col("value").is_not_null(), metric=_FOLLOWED)
    layers = layer_order(rows["layer"].drop_nulls())
    fraction_axis(axes)
    set_layer_axis(axes, layers, most=8)
    asked = rows.filter(subspace="asked", layer=layers[0])
    for value in asked["value"]:
        axes.axhline(value, color=SUBSPACES["asked"][1].colour, linewidth=0.7, linestyle=":")
    for name in ("read-out", "layer's read-out", "whole state"):
        curve(axes, rows.filter(subspace=name), layers, SUBSPACES[name][1])
    axes.set_xlabel("layer")


def _draw_subspaces(axes: Axes, rows: pl.DataFrame, named: bool) -> None:
    """Draw a line per subspace: counterfactual answers with intervals, single starts small, harm as a tick."""
    names = [name for name in SUBSPACES if name in set(rows["subspace"])]
    for place, name in enumerate(names):
        y, style = len(names) - place - 1, SUBSPACES[name][1]
        own = rows.filter(subspace=name)
        answers = own.filter(metric=_FOLLOWED)
        single = answers.filter(pl.col("draw").is_not_null())
        axes.plot(single["value"], [y + 0.28] * len(single), ".", color=style.colour, markersize=2.2)
        bars(axes, y, answers.filter(pl.col("draw").is_null()), style)
        harm = own.filter(pl.col("draw").is_null(), metric=_HARMED)
        bars(axes, y - 0.3, harm, _HARM)
    axes.set_yticks(range(len(names)), [SUBSPACES[name][0] if named else "" for name in reversed(names)], fontsize=6)
    axes.set_ylim(-0.7, len(names) - 0.4)
    axes.set_xlim(-0.04, 1.04)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "", "50 %", "", "100 %"])
    faint_grid(axes, "x")


def _rank(rows: pl.DataFrame) -> int:
    return int(rows.filter(subspace="causal")["rank"].drop_nulls()[0])


def _size(rows: pl.DataFrame) -> str:
    counts = rows.filter(subspace="whole state", metric=_FOLLOWED)
    return f"{counts['n_prompts'][0]} pairs"


def _answer_legend() -> list[Line2D]:
    causal = SUBSPACES["causal"][1]
    return [
        legend_entry("counterfactual answer (starts together)", Style("#000000", "o"), line=False),
        Line2D([], [], color=causal.colour, marker=".", markersize=2.2, linestyle="none", label="single starts"),
        legend_entry("right answers harmed by a source with the same operand", _HARM, line=False),
    ]


# --- angles -----------------------------------------------------------------------------------------------------------


def _draw_angles(axes: Axes, rows: pl.DataFrame) -> None:
    """Draw the angles with every other subspace, over the band of random ones of the trained rank."""
    others = [name for name in SUBSPACES if name in set(rows["other_subspace"])]
    null = rows.filter(control="random", other_subspace=others[0]).sort("angle")
    axes.fill_between(null["angle"], null["ci_low"], null["ci_high"], color=_BAND, alpha=0.5, lw=0)
    for name in others:
        own = rows.filter(control="none", other_subspace=name)
        line(axes, own, "angle", SUBSPACES[name][1])
    axes.set_ylim(0, 92)
    axes.set_yticks([0, 30, 60, 90])
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    faint_grid(axes)


def _overlaps(rows: pl.DataFrame) -> list[str]:
    """Return the mean squared cosines in words."""
    overlaps = rows.filter(metric=_OVERLAP)
    plain = {row["other_subspace"]: row for row in overlaps.filter(control="none").iter_rows(named=True)}
    null = overlaps.filter(control="random")["ci_high"]
    told = [f"{SUBSPACES[name][0]} {plain[name]['value']:.2f}" for name in ("read-out", "pattern") if name in plain]
    return [f"overlap (random ≤ {null[0]:.2f}):", ", ".join(told)]


def _angle_legend(drawn: pl.DataFrame) -> list[Line2D]:
    others = set(in_order(drawn["other_subspace"]))
    named = {"causal": "trained from another start"}
    entries = [
        legend_entry(named.get(name, label), style) for name, (label, style) in SUBSPACES.items() if name in others
    ]
    return [*entries, Line2D([], [], color=_BAND, linewidth=5, alpha=0.5, label="random subspaces (95 %)")]
