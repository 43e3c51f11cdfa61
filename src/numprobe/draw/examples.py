"""Decoded numbers against true ones, and some of them in their texts."""

from math import ceil

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.rows import VOCABULARY, checked, in_order, is_not_applicable
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, layer_label, say
from numprobe.layers import middle_layer
from numprobe.percent import per_cent
from numprobe.status import Status, in_words

COLUMNS = (
    "model", "context", "layer", "probe", "text", "start", "end", "number", "decoded", "correct", "status", "note",
)  # fmt: skip
#: About how many rows the list of examples under the panels has; at least one of every panel.
LISTED = 10
#: Characters of the text on each side of the number.
AROUND = 36

_RIGHT, _WRONG = "#0072B2", "#D55E00"
_PANEL = 1.3
_LINE = 0.14


def examples(tables: Tables, values: Values) -> Drawn:
    """Return the figure of decoded numbers against true ones, some with their texts, and the rows that it shows."""
    drawn = examples_rows(tables["examples"])
    return draw_examples(drawn), drawn


def examples_rows(table: pl.DataFrame) -> pl.DataFrame:
    """The decoded numbers that the figure shows: those of the middle one of each model's sampled layers.

    Parameters
    ----------
    table
        The examples table.

    Returns
    -------
    Its columns and `snippet` (the number in brackets with the text around it) and `listed` (whether the list under the
    panels shows the row).
    """
    checked(table, COLUMNS)
    parts = table.filter(pl.col("context") != VOCABULARY).partition_by("model", "context", maintain_order=True)
    kept = [part.filter(pl.col("layer").eq_missing(pl.lit(_middle(part), dtype=pl.String))) for part in parts]
    shown = pl.concat(kept or [table.clear()])
    checked(shown, COLUMNS)
    return _with_list(shown.select(COLUMNS).with_columns(_snippets(shown)))


def _middle(part: pl.DataFrame) -> str | None:
    layers = part["layer"].drop_nulls().to_list()
    return middle_layer(layers) if layers else None


def _snippets(rows: pl.DataFrame) -> pl.Series:
    texts = [snippet(text, start, end) for text, start, end in rows.select("text", "start", "end").iter_rows()]
    return pl.Series("snippet", texts, dtype=pl.String)


def snippet(text: str | None, start: int, end: int) -> str | None:
    """The number at `text[start:end]` in brackets, with at most `AROUND` characters of its line on each side."""
    if text is None:
        return None
    before, after = " ".join(text[:start].split("\n")), " ".join(text[end:].split("\n"))
    left = before if len(before) <= AROUND else "…" + before[-AROUND:]
    right = after if len(after) <= AROUND else after[:AROUND] + "…"
    return f"{left}[{text[start:end]}]{right}"


def _with_list(shown: pl.DataFrame) -> pl.DataFrame:
    """Mark the rows of the list: evenly spaced ones of every panel, whatever was decoded."""
    panel = pl.struct("model", "context")
    each = max(1, ceil(LISTED / shown.select(panel.n_unique()).item()))
    place, count = pl.int_range(pl.len()).over(panel), pl.len().over(panel)
    spaced = [place == (2 * k + 1) * count // (2 * each) for k in range(each)]
    return shown.with_columns(listed=pl.any_horizontal(spaced) & ~is_not_applicable())


def draw_examples(drawn: pl.DataFrame) -> Figure:
    """A scatter of decoded against true numbers per model (rows) and context (columns), then a list of examples."""
    models, contexts = in_order(drawn["model"]), in_order(drawn["context"])
    listed = drawn.filter("listed")
    list_height = _LINE * (len(listed) + 2)
    size = (max(PAGE_WIDTH, _PANEL * len(contexts) + 1), _PANEL * len(models) + 0.6 + list_height)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(len(models) + 1, len(contexts), height_ratios=[_PANEL] * len(models) + [list_height])
    limits = _limits(drawn)
    for row, model in enumerate(models):
        for column, context in enumerate(contexts):
            axes = figure.add_subplot(grid[row, column])
            _scatter(axes, drawn.filter(model=model, context=context), limits)
            if row == 0:
                axes.set_title(context, fontweight="bold", pad=12)
            if column == 0:
                axes.set_ylabel(model, fontweight="bold", fontsize=8)
    _list(figure.add_subplot(grid[-1, :]), listed)
    figure.legend(
        handles=_legend(), loc="outside upper center", ncols=2, title="decoded (vertical) against true number"
    )
    return figure


def _limits(drawn: pl.DataFrame) -> tuple[int, int]:
    numbers = pl.concat([drawn["number"], drawn["decoded"]]).drop_nulls().to_numpy()
    return int(numbers.min()), int(numbers.max())


def _scatter(axes: Axes, rows: pl.DataFrame, limits: tuple[int, int]) -> None:
    if rows.is_empty():
        say(axes, "no examples")
        return
    if rows["status"][0] != Status.MEASURED:
        say(axes, in_words(rows["status"][0], rows["note"][0]).replace(": ", ":\n"))
        return
    axes.plot(limits, limits, color="#cccccc", linewidth=0.5, zorder=0)
    for correct, colour, marker, size in ((False, _WRONG, "x", 7), (True, _RIGHT, "o", 4)):
        part = rows.filter(correct=correct)
        axes.scatter(part["number"], part["decoded"], s=size, c=colour, marker=marker, linewidths=0.6)
    share = float(rows["correct"].to_numpy().mean())
    state = layer_label(rows["layer"][0])
    text = f"layer {state}: {per_cent(share)} % of {len(rows)}"
    axes.text(0, 1.03, text, transform=axes.transAxes, fontsize=5.5, color=NOTE_COLOUR)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=_RIGHT, marker="o", linestyle="none", markersize=2.5, label="exactly right"),
        Line2D([], [], color=_WRONG, marker="x", linestyle="none", label="wrong"),
    ]


def _list(axes: Axes, listed: pl.DataFrame) -> None:
    """A table in text: which number the probe read where."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(listed) + 0.8, -0.8)
    heads = {0.0: "model", 0.14: "context", 0.26: "[number] in its text", 0.86: "true", 0.93: "decoded"}
    for x, head in heads.items():
        axes.text(x, 0, head, fontweight="bold", fontsize=6.5, va="center")
    for line, row in enumerate(listed.iter_rows(named=True), start=1):
        right = row["correct"]
        decoded = f"{row['decoded']} {'✓' if right else '✗'}"
        cells = (row["model"], row["context"], row["snippet"], str(row["number"]), decoded)
        for x, cell in zip(heads, cells, strict=True):
            colour = "black" if cell is not decoded else _RIGHT if right else _WRONG
            axes.text(x, line, cell, fontsize=6, va="center", color=colour, parse_math=False)
