"""Draw how many words of a set are read in their place by the other words, and as their value by the probe."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import fraction_axis, legend_entry
from numprobe.draw.rows import checked, in_order, is_not_applicable, over_all_folds, require
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, Style, say, series_styles
from numprobe.layers import layer_order
from numprobe.status import in_words
from numprobe.tables import MEASUREMENT

EXTRA = ("reader", "fit_context", "N", "p_value")
_COLUMNS = (
    "model", "control", "context", "layer", "subset", "N", "probe", "reader", "fit_context", "metric", "value",
    "ci_low", "ci_high", "resampled", "n_values", "p_value", "status", "note",
)  # fmt: skip
_OWN, _READ = "accuracy", "read_among_set"
#: The code of each kind of set.
_CODES = ("circle", "line")
_PANELS = 4
_NULL, _UNTRAINED = "#bbbbbb", "#555555"
_BEFORE = -0.2


def ordinals(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and the rows that it shows."""
    drawn = ordinals_rows(tables["ordinals"])
    return draw_ordinals(drawn), drawn


def ordinals_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies that the figure shows, and the sets that were skipped."""
    own = (pl.col("metric") == _OWN) & pl.col("reader").is_in(_CODES)
    shown = own | (pl.col("metric") == _READ) | is_not_applicable()
    rows = over_all_folds(checked(table, [*MEASUREMENT, *EXTRA]).filter(shown))
    return require(rows, f"metric {_OWN} or {_READ}").select(_COLUMNS)


def draw_ordinals(drawn: pl.DataFrame) -> Figure:
    """Draw a panel per set of words, with a curve per model over its depth; sets that no model keeps are named."""
    models = in_order(drawn["model"])
    measured = drawn.filter(pl.col("value").is_not_null())
    sets = in_order(measured["subset"])
    lines = max(1, -(-len(sets) // _PANELS))
    figure = Figure(figsize=(PAGE_WIDTH, 1.6 * lines + 1.5), layout="constrained")
    grid = figure.subplots(lines, _PANELS, squeeze=False).ravel()
    styles = series_styles(models)
    for axes, name in zip(grid, sets, strict=False):
        _set(axes, measured.filter(subset=name), styles)
        size = int(measured.filter(subset=name)["N"][0])
        axes.set_title(f"{name} ({size})", fontweight="bold")
    for axes in grid[len(sets) :]:
        axes.set_axis_off()
    if not sets:
        say(grid[0], "no set is kept\nas single tokens")
    figure.supxlabel(_missing(drawn), fontsize=5.5, color=NOTE_COLOUR)
    return frame(figure, _legend(styles), 4, y="share of the words that are read correctly")


def _set(axes: Axes, rows: pl.DataFrame, styles: Mapping[str, Style]) -> None:
    fraction_axis(axes)
    axes.set_xlim(_BEFORE - 0.08, 1.08)
    axes.set_xticks([_BEFORE, 0, 0.5, 1], ["emb", "0", "0.5", "1"])
    for model in in_order(rows["model"]):
        of_model = rows.filter(model=model)
        depth = _depths(of_model)
        null = of_model.filter(control="shuffled", metric=_OWN)
        null = null.with_columns(x=null["layer"].replace_strict(depth, return_dtype=pl.Float64)).sort("x")
        axes.fill_between(null["x"], null["ci_low"], null["ci_high"], color=_NULL, lw=0, alpha=0.5)
        for metric, dashes in ((_OWN, "-"), (_READ, "--")):
            found = of_model.filter(control="none", metric=metric)
            _curve(axes, found, depth, Style(styles[model].colour, styles[model].marker, dashes))
        untrained = of_model.filter(control="untrained", metric=_OWN)
        _curve(axes, untrained, depth, Style(_UNTRAINED, "", ":"), band=False)


def _depths(rows: pl.DataFrame) -> dict[str, float]:
    """Return the position of each state of a model: embeddings left of 0, the last state at 1."""
    layers = layer_order(rows["layer"].drop_nulls())
    inside = [name for name in layers if name != "embedding"]
    last = max(len(inside) - 1, 1)
    return {"embedding": _BEFORE, **{name: place / last for place, name in enumerate(inside)}}


def _curve(axes: Axes, rows: pl.DataFrame, depth: Mapping[str, float], style: Style, band: bool = True) -> None:
    rows = rows.with_columns(x=rows["layer"].replace_strict(depth, return_dtype=pl.Float64)).sort("x")
    if band:
        axes.fill_between(rows["x"], rows["ci_low"], rows["ci_high"], color=style.colour, alpha=0.12, lw=0)
    axes.plot(
        rows["x"], rows["value"], color=style.colour, linestyle=style.line, marker=style.marker or None,
        markevery=max(1, len(rows) // 8), markeredgewidth=0, linewidth=0.9, markersize=2.8,
    )  # fmt: skip


def _missing(drawn: pl.DataFrame) -> str:
    """Name the models that lack sets, and these sets."""
    skipped = drawn.filter(is_not_applicable())
    lines = []
    for part in skipped.partition_by("model", maintain_order=True):
        names = [f"{row['subset']} {row['n_values']}/{row['N']}" for row in part.iter_rows(named=True) if row["N"]]
        others = [in_words(row["status"], row["note"]) for row in part.iter_rows(named=True) if not row["N"]]
        # Seven sets to a line, so that the text stays within the page.
        groups = [", ".join(names[start : start + 7]) for start in range(0, len(names), 7)]
        text = ",\n".join(groups) or "; ".join(others)
        lines.append(f"{part['model'][0]} keeps too few single: {text}" if names else f"{part['model'][0]}: {text}")
    return "relative depth\n" + "\n".join(lines)


def _legend(styles: Mapping[str, Style]) -> list[Line2D | Patch]:
    entries: list[Line2D | Patch] = [legend_entry(name, style) for name, style in styles.items()]
    return [
        *entries,
        Line2D([], [], color="black", linestyle="-", label="read from the other words"),
        Line2D([], [], color="black", linestyle="--", label="read by the probe of digits"),
        Line2D([], [], color=_UNTRAINED, linestyle=":", label="untrained"),
        Patch(color=_NULL, label="permuted order: 95 %"),
    ]
