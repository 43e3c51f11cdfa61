"""Small multiples: one panel per model (rows) and context (columns)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from textwrap import wrap
from typing import Any, Literal, TypeVar

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.frame import faint_grid
from numprobe.draw.rows import (
    VOCABULARY,
    contexts_in_order,
    has_no_layer,
    in_order,
    is_not_applicable,
    reasons,
    runs_of,
)
from numprobe.draw.series import Series
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, Style, say
from numprobe.layers import layer_order
from numprobe.status import in_words

Key = TypeVar("Key")
#: Names of a panel's row and column.
Place = tuple[str, str]
Panels = dict[Place, Axes]

#: Line of published numbers beside curves of ours.
PUBLISHED_LINE = (0, (1, 1))
#: Colour of the level of a random choice.
CHANCE_COLOUR = "#999999"

_NARROW = 0.55
_STAR: Mapping[str, Any] = {
    "linestyle": "none",
    "marker": "*",
    "markersize": 8,
    "color": "white",
    "markeredgecolor": "black",
    "markeredgewidth": 0.7,
}
#: Letters of a panel's header on one line, and of what is written into an empty panel, or into a narrow one.
_WRAP = 30
_WRAP_INSIDE, _WRAP_NARROW = 18, 12
_ROW_HEIGHT = 1.35
_FIT_ON_PAGE = 5
# Of a name behind a curve, as a share of the panel's height.
_NAME_HEIGHT = 0.09


def context_panels(
    models: Sequence[str], contexts: Sequence[str], sharey: Literal["all", "row"] = "all"
) -> tuple[Figure, Panels]:
    """Return a figure with a panel for every model and context; the panels of `vocabulary` are narrow.

    The figure fills a page's width and grows wider only where more than five contexts would get too narrow.
    `sharey` says which panels have one y axis.
    """
    width = PAGE_WIDTH * max(1.0, len(contexts) / _FIT_ON_PAGE)
    size = (width, _ROW_HEIGHT * len(models) + 0.9)
    ratios = [_NARROW if context == VOCABULARY else 1.0 for context in contexts]
    return _grid(models, contexts, size, sharey=sharey, width_ratios=ratios)


def separate_panels(
    models: Sequence[str],
    titles: Sequence[str],
    height: float,
    widths: Sequence[float] | None = None,
    sharey: Literal["none", "col"] = "none",
) -> tuple[Figure, Panels]:
    """Return a figure of a page's width with a panel for every model and title, each with an x axis of its own.

    Parameters
    ----------
    models, titles
        The rows and the columns.
    height
        Of the figure, in inches.
    widths
        Relative widths of the columns; None: all alike.
    sharey
        Whether the panels of a column have one y axis.
    """
    return _grid(models, titles, (PAGE_WIDTH, height), width_ratios=widths, sharey=sharey)


def _grid(
    models: Sequence[str], titles: Sequence[str], size: tuple[float, float], **options: Any
) -> tuple[Figure, Panels]:
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(models), len(titles), squeeze=False, **options)
    panels = {(m, t): grid[i][j] for i, m in enumerate(models) for j, t in enumerate(titles)}
    for model in models:
        panels[model, titles[0]].set_ylabel(model, fontweight="bold", fontsize=8)
    return figure, panels


def panels_by_context(drawn: pl.DataFrame) -> tuple[Figure, Panels, dict[Place, pl.DataFrame]]:
    """Return a figure with a row of panels per model and a column per context, its panels, and their rows."""
    figure, panels = context_panels(in_order(drawn["model"]), contexts_in_order(drawn["context"]))
    rows = {(model, context): drawn.filter(model=model, context=context) for model, context in panels}
    return figure, panels, rows


def operation_panels(drawn: pl.DataFrame) -> tuple[Figure, Panels, dict[Place, pl.DataFrame]]:
    """Return a figure with a row of panels per model and a column per operation or for all, its panels, and their rows.

    Parameters
    ----------
    drawn
        Measurements by operation or over all, and the rows of models to which they do not apply, which belong to every
        panel.
    """
    subsets = in_order(drawn.filter(pl.col("value").is_not_null())["subset"])
    runs = runs_of(drawn)
    titles = {"all operations" if name == "all" else name.removeprefix("operation="): name for name in subsets}
    figure, panels = context_panels(list(runs), list(titles))
    rows = {
        (run, title): runs[run].filter((pl.col("subset") == titles[title]) | is_not_applicable())
        for run, title in panels
    }
    return figure, panels, rows


def fraction_axis(axes: Axes, near_zero: bool = False) -> None:
    """A y axis for accuracies, 0 to 100 %, with a faint grid.

    With `near_zero` it is linear up to 1 % and logarithmic above, so that levels near chance can be told apart.
    """
    if near_zero:
        axes.set_yscale("symlog", linthresh=0.01, linscale=0.6)
        axes.set_ylim(-0.002, 1.5)
        axes.set_yticks([0, 0.01, 0.1, 1], ["0 %", "1 %", "10 %", "100 %"])
        axes.set_yticks([], minor=True)
    else:
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "", "50 %", "", "100 %"])
    faint_grid(axes)


def hold_shares(axes: Axes, shares: pl.Series) -> None:
    """Widen a y axis that `fraction_axis` made, to hold estimates of shares below 0 or above 100 %."""
    low, high = axes.get_ylim()
    ends = shares.drop_nulls()
    axes.set_ylim(min([low, *(ends - 0.04)]), max([high, *(ends + 0.04)]))


def draw_panels(
    panels: Panels,
    rows: Mapping[Place, pl.DataFrame],
    draw: Callable[[Axes, pl.DataFrame], Sequence[str]],
    candidates: int | None = None,
    scale: Callable[[Axes], None] = fraction_axis,
) -> None:
    """Draw the panels that have measurements, say why the others have none, and title the columns.

    Parameters
    ----------
    panels, rows
        The panels, and what each of them shows.
    draw
        Draws a panel and returns the lines above it.
    candidates
        How many numbers a probe chooses among; draws the level of a random choice.
    scale
        Prepares the axes of a panel.
    """
    headers = {}
    for place, axes in panels.items():
        scale(axes)
        if explain_empty(axes, rows[place]):
            continue
        if candidates:
            chance_line(axes, candidates)
        headers[place] = draw(axes, rows[place])
    title_columns(panels, headers)


def explain_empty(axes: Axes, rows: pl.DataFrame) -> bool:
    """Write into a panel without measurements why it has none; return whether that was so.

    Parameters
    ----------
    axes
        The panel.
    rows
        Its rows: with a `status` and `note` where there can be no measurement, none at all where there was none.
    """
    if not rows["value"].drop_nulls().is_empty():
        return False
    letters = _WRAP_NARROW if _is_narrow(axes) else _WRAP_INSIDE
    lines = ["\n".join(wrap(text.replace(": ", ":\n"), letters, replace_whitespace=False)) for text in reasons(rows)]
    say(axes, "\n".join(lines) or "not measured")
    return True


def tell_left_out(figure: Figure, drawn: pl.DataFrame, label: str = "") -> None:
    """Write below a figure of which models it shows no embedding matrix, and why.

    Parameters
    ----------
    figure
        The figure.
    drawn
        What it shows, with `model`, `context`, `layer`, `status` and `note`.
    label
        What stands below the figure anyway: the name of the x axis.
    """
    whole = pl.col("layer").is_null() & (pl.col("context") == VOCABULARY) & pl.col("model").is_not_null()
    rows = drawn.filter(is_not_applicable() & whole)
    named = rows.select("model", "context", "status", "note").iter_rows()
    lines = dict.fromkeys(f"{model}, {context}: {in_words(*reason)}" for model, context, *reason in named)
    if lines:
        figure.supxlabel("\n".join(filter(None, [label, *lines])), fontsize=6, color=NOTE_COLOUR)
    elif label:
        figure.supxlabel(label, fontsize=7)


def _is_narrow(axes: Axes) -> bool:
    """Return whether a panel's column is narrower than the others."""
    place = axes.get_subplotspec()
    if place is None:
        return False
    ratios = np.asarray(place.get_gridspec().get_width_ratios(), dtype=np.float64)
    return bool(ratios[place.colspan.start] < ratios.max())


def title_columns(panels: Panels, headers: Mapping[tuple[str, str], Sequence[str]]) -> None:
    """Write the contexts above the first row, and small grey lines above each panel.

    Parameters
    ----------
    panels
        As `context_panels` returned them.
    headers
        The sentences above each panel, wrapped to its width.
    """
    label_leftmost(panels)
    first = next(iter(panels))[0]
    lines = {place: [line for text in texts for line in wrap(text, _WRAP)] for place, texts in headers.items()}
    highest = max((len(lines[place]) for place in lines if place[0] == first), default=0)
    for (model, context), axes in panels.items():
        if model == first:
            axes.set_title(context, fontweight="bold", pad=4 + 7.5 * highest)
        text = "\n".join(lines.get((model, context), []))
        axes.text(0, 1.03, text, transform=axes.transAxes, va="bottom", fontsize=5.5, color=NOTE_COLOUR)


def label_leftmost(panels: Panels) -> None:
    """Write the values of the y axis beside the leftmost panel of each row that has measurements."""
    for model in dict.fromkeys(model for model, _ in panels):
        filled = [axes for (row, _), axes in panels.items() if row == model and len(axes.get_xticks())]
        if filled:
            filled[0].tick_params(axis="y", labelleft=True)


def curve(axes: Axes, rows: pl.DataFrame, layers: Sequence[str], style: Style) -> None:
    """One series over the layers: a line with markers and its interval as a band; a level where it has no layers.

    Parameters
    ----------
    rows
        With `layer`, `value`, `ci_low`, `ci_high`; layers in any order.
    layers
        All states of the model: position i on the axis is `layers[i]`.
    """
    draw_level(axes, rows, style)
    rows = rows.filter(pl.col("value").is_not_null() & pl.col("layer").is_not_null())
    rows = rows.with_columns(x=pl.Series([layers.index(name) for name in rows["layer"]], dtype=pl.Int64))
    line(axes, rows, "x", style)


def draw_level(axes: Axes, rows: pl.DataFrame, style: Style) -> None:
    """Draw those measurements that belong to no layer: a line across the panel, and the interval as a band."""
    for value, low, high in rows.filter(has_no_layer()).select("value", "ci_low", "ci_high").iter_rows():
        if low is not None:
            axes.axhspan(low, high, color=style.colour, alpha=0.22, lw=0)
        axes.axhline(value, color=style.colour, linestyle=style.line)


def curves_of(axes: Axes, rows: pl.DataFrame, layers: Sequence[str], style: Style) -> None:
    """Draw one curve for each value of `control`: the untrained controls of a model are lines of their own."""
    for part in rows.filter(pl.col("value").is_not_null()).partition_by("control", maintain_order=True):
        curve(axes, part, layers, style)


def name_ends(axes: Axes, ends: Mapping[str, float], colours: Mapping[str, str], x: float = 1.02) -> None:
    """Write names behind curves, as high as the curves end, and apart from each other.

    Parameters
    ----------
    axes
        The panel; its y axis is scaled already.
    ends
        Name of a curve -> its last value.
    colours
        Name -> colour.
    x
        Where the names start, as a share of the panel's width: behind its right edge, unless given.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    names = sorted(ends, key=lambda name: ends[name])
    heights = spread([float(to_axes.transform((0, ends[name]))[1]) for name in names], _NAME_HEIGHT)
    for name, height in zip(names, heights, strict=True):
        axes.text(x, height, name, transform=axes.transAxes, va="center", fontsize=5.5, color=colours[name])


def name_curves(axes: Axes, rows: pl.DataFrame, series: Series) -> set[str]:
    """Write the names of a panel's curves behind its right edge, and return the names."""
    ends = _ends(rows, series)
    name_ends(axes, ends, {name: style.colour for name, (style, _) in series.items()})
    return set(ends)


def _ends(rows: pl.DataFrame, series: Series) -> dict[str, float]:
    """Return the last value of each series of a panel, by its name."""
    ends: dict[str, float] = {}
    for name, (_, condition) in series.items():
        measured = rows.filter(condition & pl.col("value").is_not_null())
        at_end = pl.col("layer").is_in(layer_order(measured["layer"].drop_nulls())[-1:])
        last = measured.filter(at_end | has_no_layer())
        ends |= {name: last["value"][0]} if last.height else {}
    return ends


def spread(heights: Sequence[float], apart: float) -> list[float]:
    """Return ascending heights at least `apart` from each other, and none above 1 that was not.

    Parameters
    ----------
    heights
        Ascending, in shares of a panel's height. They move up where they are too close, and down again from the top.
    apart
        Least distance of two of them.
    """
    top = max([1.0, *heights[-1:]])
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + apart) if placed else height)
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], top)
        top = placed[place] - apart
    return placed


def line(axes: Axes, rows: pl.DataFrame, x: str, style: Style) -> None:
    """One series against the column `x`: a line with markers and its interval as a band."""
    rows = rows.filter(pl.col("value").is_not_null()).sort(x)
    axes.fill_between(rows[x], _floats(rows, "ci_low"), _floats(rows, "ci_high"), color=style.colour, alpha=0.22, lw=0)
    axes.plot(
        rows[x], rows["value"], color=style.colour, linestyle=style.line, markevery=max(1, len(rows) // 12),
        **_marker(style),
    )  # fmt: skip


def points(axes: Axes, x: Sequence[float], rows: pl.DataFrame, style: Style) -> None:
    """Single measurements with their intervals as bars, at the positions `x`."""
    value, low, high = (_floats(rows, name) for name in ("value", "ci_low", "ci_high"))
    axes.vlines(x, low, high, color=style.colour, linewidth=1.1)
    axes.plot(x, value, color=style.colour, linestyle="none", **_marker(style))


def bars(axes: Axes, y: float, rows: pl.DataFrame, style: Style) -> None:
    """Single measurements with their intervals as horizontal bars, all at height `y`."""
    axes.hlines([y] * len(rows), _floats(rows, "ci_low"), _floats(rows, "ci_high"), color=style.colour, linewidth=1.1)
    axes.plot(rows["value"], [y] * len(rows), color=style.colour, linestyle="none", **_marker(style))


def legend_entry(name: str, style: Style, line: bool = True) -> Line2D:
    """Return the legend's entry of a series of curves, or without a line, of points."""
    return Line2D([], [], color=style.colour, linestyle=style.line if line else "none", label=name, **_marker(style))


def layer_entry(name: str, style: Style, rows: pl.DataFrame) -> Line2D:
    """Return the legend's entry of a series over the layers; without a marker if all its `rows` belong to no layer."""
    measured = rows.filter(pl.col("value").is_not_null())
    is_level = measured.height > 0 and measured.select(has_no_layer().all()).item()
    return legend_entry(name, Style(style.colour, "", style.line) if is_level else style)


def entries_of(series: Mapping[Key, tuple[str, Style]], present: Collection[Key]) -> list[Line2D]:
    """Return the legend's entries of the series that are present; a series is a name and a style."""
    return [legend_entry(*entry) for key, entry in series.items() if key in present]


def chance_line(axes: Axes, candidates: int) -> None:
    """Draw the accuracy of a random choice among the candidates as a horizontal line."""
    axes.axhline(1 / candidates, color=CHANCE_COLOUR, linewidth=0.5)


def chance_entries(candidates: int | None) -> list[Line2D]:
    """Return the legend's entry of a random choice among the candidates, none where their count is not given."""
    return [chance_entry(candidates)] if candidates else []


def chance_entry(candidates: int) -> Line2D:
    """Return the legend's entry of the accuracy of a random choice among the candidates."""
    return Line2D([], [], color=CHANCE_COLOUR, linewidth=0.5, label=f"chance (1/{candidates})")


def mark_chosen(axes: Axes, rows: pl.DataFrame, x: str) -> None:
    """Draw a star at the value of each setting that was chosen, against the column `x`."""
    axes.plot(rows[x], rows["value"], zorder=5, **_STAR)


def chosen_entry() -> Line2D:
    """Return the legend's entry of a setting that was chosen."""
    return Line2D([], [], label="chosen", **_STAR)


def published_entry() -> Line2D:
    """Return the legend's entry of published numbers that are drawn as lines."""
    return Line2D([], [], color=NOTE_COLOUR, linestyle=PUBLISHED_LINE, label="published numbers")


def _marker(style: Style) -> dict[str, Any]:
    thin = style.marker in "x+|1"
    edge = style.colour if thin else "white"
    return {"marker": style.marker, "markeredgecolor": edge, "markeredgewidth": 0.9 if thin else 0.3}


def _floats(rows: pl.DataFrame, column: str) -> pl.Series:
    return rows[column].cast(pl.Float64).fill_null(float("nan"))
