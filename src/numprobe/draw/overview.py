"""All models at a glance: every probe and control in the middle of every model, in every context."""

from collections.abc import Sequence
from textwrap import fill

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid
from numprobe.draw.panels import bars
from numprobe.draw.rows import (
    MEASURED,
    VOCABULARY,
    contexts_in_order,
    has_no_layer,
    in_order,
    is_not_applicable,
    reasons,
)
from numprobe.draw.series import Series, measured_accuracies, series_of
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, PAGE_WIDTH, Style
from numprobe.layers import middle_layer
from numprobe.percent import per_cent

_COLUMNS = ("model", "context", "layer", "probe", "control", "subset", *MEASURED)
_LABELS = 1.0
_PANEL = 1.25
_SERIES_HEIGHT = 0.085


def overview(tables: Tables, values: Values) -> Drawn:
    """Return the figure of all probes and controls in the middle of every model, and the rows that it shows."""
    drawn = overview_rows(tables["accuracy"])
    return draw_overview(drawn, values["candidates"]), drawn


def overview_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Accuracies at one layer per model, which does not depend on any measurement.

    Returns
    -------
    Rows at the state after block round(L / 2) of L; of `vocabulary` those of the input embeddings. All probes, the
    controls of the leading probe (also one that belongs to no layer), and the combinations that do not apply.
    """
    accuracies, leading = measured_accuracies(table)
    parts = accuracies.filter(subset="all").partition_by("model", "context", maintain_order=True)
    kept = [part.filter(is_not_applicable() | has_no_layer() | pl.col("layer").is_in(_layer(part))) for part in parts]
    of_leading = (pl.col("probe") == leading) | pl.col("control").is_in(["constant", "last_token"])
    wanted = (pl.col("control") == "none") | of_leading | is_not_applicable()
    return pl.concat(kept).filter(wanted).select(_COLUMNS)


def _layer(part: pl.DataFrame) -> list[str]:
    """The layer of one model and context that is shown; none where nothing was measured."""
    layers = part["layer"].drop_nulls().to_list()
    if not layers:
        return []
    return ["embedding"] if part["context"][0] == VOCABULARY else [middle_layer(layers)]


def draw_overview(drawn: pl.DataFrame, candidates: int | None = None) -> Figure:
    """One panel per context: a group of lines per model, one line per probe and control; x = accuracy."""
    models, contexts = in_order(drawn["model"]), contexts_in_order(drawn["context"])
    series = series_of(drawn, tuple(CONTROLS))
    width = max(PAGE_WIDTH, _LABELS + _PANEL * len(contexts))
    height = 1.0 + len(models) * (len(series) + 1.5) * _SERIES_HEIGHT
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(1, len(contexts), squeeze=False, sharey=True)[0]
    for axes, context in zip(panels, contexts, strict=True):
        rows = drawn.filter(context=context)
        axes.set_title(f"{context}\n(embedding)" if context == VOCABULARY else context, fontweight="bold")
        for place, model in enumerate(models):
            _draw_group(axes, rows.filter(model=model), series, place)
        if candidates:
            axes.axvline(1 / candidates, color="#999999", linewidth=0.5)
        _accuracy_axis(axes)
    for edge in range(1, len(models)):
        for axes in panels:
            axes.axhline(edge - 0.5, color="#bbbbbb", linewidth=0.5)
    _model_axis(panels[0], drawn, models)
    _name_lines(panels[-1], len(models), series)
    figure.supxlabel("accuracy on unseen numbers", fontsize=7)
    return figure


def _draw_group(axes: Axes, rows: pl.DataFrame, series: Series, place: int) -> None:
    """The lines of one model, `series` from top to bottom between `place` - 0.5 and `place` + 0.5."""
    measured = rows.filter(pl.col("value").is_not_null())
    if measured.is_empty():
        text = fill((", ".join(reasons(rows)) or "not measured").replace(": ", ":\n"), 18, replace_whitespace=False)
        axes.text(0.5, place, text, ha="center", va="center", fontsize=6, color=NOTE_COLOUR)
        return
    for index, (style, condition) in enumerate(series.values()):
        y = _height(place, index, len(series))
        bars(axes, y, measured.filter(condition), style)
        if index == 0:
            _write_value(axes, measured.filter(condition), y, style)


def _height(place: int, index: int, count: int) -> float:
    """Return the height of a line of a group, one of `count`."""
    return place + (index - (count - 1) / 2) / (count + 1.5)


def _name_lines(axes: Axes, models: int, series: Series) -> None:
    """Write the names of probes and controls behind their lines, right of the last panel."""
    for place in range(models):
        for index, (name, (style, _)) in enumerate(series.items()):
            height = _height(place, index, len(series))
            axes.text(
                1.03, height, name, transform=axes.get_yaxis_transform(), va="center_baseline", fontsize=5,
                color=style.colour,
            )  # fmt: skip


def _write_value(axes: Axes, rows: pl.DataFrame, y: float, style: Style) -> None:
    """The value of the leading probe in figures, on the side where there is room."""
    for value, low, high in rows.select("value", "ci_low", "ci_high").iter_rows():
        left = value > 0.5
        edge = (low if left else high) or value
        axes.annotate(
            f"{per_cent(value)} %", (edge, y), (-5 if left else 5, 0), textcoords="offset points",
            ha="right" if left else "left", va="center_baseline", fontsize=6, color=style.colour,
        )  # fmt: skip


def _accuracy_axis(axes: Axes) -> None:
    axes.set_xlim(-0.04, 1.04)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "", "50 %", "", "100 %"])
    faint_grid(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=7)


def _model_axis(axes: Axes, drawn: pl.DataFrame, models: Sequence[str]) -> None:
    inner = drawn.filter((pl.col("context") != VOCABULARY) & pl.col("layer").is_not_null())
    layers = {model: in_order(inner.filter(model=model)["layer"]) for model in models}
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_yticks(range(len(models)), [f"{m}\nlayer {', '.join(ls)}" if ls else m for m, ls in layers.items()])
