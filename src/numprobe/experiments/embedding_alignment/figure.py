"""Answers of a model whose number embeddings were moved to the fitted code."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, frame
from numprobe.draw.not_applicable import drawn_or_reasons
from numprobe.draw.panels import (
    chosen_entry,
    explain_empty,
    fraction_axis,
    legend_entry,
    line,
    mark_chosen,
    points,
    separate_panels,
    title_columns,
)
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, require, runs_of
from numprobe.draw.style import Style
from numprobe.tables import MEASUREMENT

#: Variants (the column `site`): titles of their panels, and styles.
VARIANTS: Mapping[str, tuple[str, Style]] = {
    "input": ("input rows", Style("#0072B2", "o")),
    "both": ("input, output rows", Style("#D55E00", "s")),
}
_CONTROLS: Mapping[str, Style] = {
    "wrong number": Style("#222222", "x", "--"),
    "random direction": Style("#888888", "+", ":"),
    "principal components": Style("#555555", "D", "-."),
}
#: Shares by operation, at the chosen strength: metric -> title.
_SHARES: Mapping[str, str] = {"repaired": "wrong answers\nrepaired", "harmed": "right answers\nharmed"}
_CHANGE = "accuracy_change"
_BESIDE = "random direction"
_OPERATION = "operation="
_COLUMNS = (
    "model", "context", "site", "control", "strength", "relative_norm", "rank", "chosen", "subset", "metric", *MEASURED,
)  # fmt: skip


def embedding_alignment(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    return drawn_or_reasons(tables["embedding_alignment"], alignment_drawn, draw_alignment)


def alignment_drawn(table: pl.DataFrame) -> pl.DataFrame:
    """Return what the figure shows of the test prompts: every strength, and the chosen one by operation."""
    rows = checked(table, [*MEASUREMENT, *_COLUMNS])
    whole = (pl.col("metric") == _CHANGE) & (pl.col("subset") == "all")
    plain = pl.col("control").is_in(["none", _BESIDE])
    chosen = pl.col("metric").is_in(list(_SHARES)) & pl.col("chosen") & plain
    shown = (whole | chosen) & (pl.col("part") == "test") & pl.col("value").is_not_null()
    require(rows.filter(shown), f"metric {_CHANGE}")
    return rows.filter(shown | is_not_applicable()).select(_COLUMNS)


def draw_alignment(drawn: pl.DataFrame) -> Figure:
    """Draw a row of panels per model: the change of accuracy by strength, and repairs and harm by operation."""
    runs = runs_of(drawn)
    curves = {variant: f"change of\naccuracy, points:\n{title}" for variant, (title, _) in VARIANTS.items()}
    titles = [*curves.values(), *_SHARES.values()]
    figure, panels = separate_panels(list(runs), titles, 1.35 * len(runs) + 1.2)
    for title in titles:
        label = "operation" if title in _SHARES.values() else "part of the way"
        panels[list(runs)[-1], title].set_xlabel(label)
    subsets = in_order(drawn.filter(pl.col("value").is_not_null())["subset"])
    headers = {}
    for run, rows in runs.items():
        for variant, title in curves.items():
            part = rows.filter(((pl.col("metric") == _CHANGE) & (pl.col("site") == variant)) | is_not_applicable())
            if not explain_empty(panels[run, title], part):
                headers[run, title] = _draw_strengths(panels[run, title], part, VARIANTS[variant][1])
        for metric, title in _SHARES.items():
            part = rows.filter((pl.col("metric") == metric) | is_not_applicable())
            if not explain_empty(panels[run, title], part):
                headers[run, title] = _draw_operations(panels[run, title], part, subsets)
    title_columns(panels, headers)
    return frame(figure, _legend(), 3)


def _draw_strengths(axes: Axes, rows: pl.DataFrame, style: Style) -> list[str]:
    """Draw curves over the strength, the chosen one with a star, and return what stands above the panel."""
    for control, grey in _CONTROLS.items():
        line(axes, rows.filter(control=control), "strength", grey)
    own = rows.filter(control="none")
    line(axes, own, "strength", style)
    axes.axhline(0, color="#bbbbbb", linewidth=0.5)
    axes.set_xlim(0, 1.05)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    # Gains of a point stay visible beside controls that lose everything.
    axes.set_yscale("symlog", linthresh=0.02, linscale=0.7)
    axes.set_ylim(-1.3, 1.3)
    axes.set_yticks([-1, -0.1, -0.02, 0, 0.02, 0.1, 1], ["−100", "−10", "−2", "0", "+2", "+10", "+100"])
    axes.set_yticks([], minor=True)
    faint_grid(axes)
    chosen = own.filter(pl.col("chosen"))
    mark_chosen(axes, chosen, "strength")
    (best,) = chosen.rows(named=True)
    return [f"chosen {best['strength']:g}, size {best['relative_norm']:.2f}", f"{best['n_prompts']} prompts"]


def _draw_operations(axes: Axes, rows: pl.DataFrame, subsets: list[str]) -> list[str]:
    fraction_axis(axes)
    series = [(site, control) for site in VARIANTS for control in ("none", _BESIDE)]
    for place, (site, control) in enumerate(series):
        part = rows.filter(site=site, control=control)
        style = VARIANTS[site][1] if control == "none" else Style("#888888", VARIANTS[site][1].marker)
        points(axes, [subsets.index(name) + 0.2 * (place - 1.5) for name in part["subset"]], part, style)
    axes.set_xticks(range(len(subsets)), [name.removeprefix(_OPERATION) for name in subsets])
    axes.set_xlim(-0.6, len(subsets) - 0.4)
    counts = rows.filter(subset="all", control="none")["n_prompts"].drop_nulls()
    return [f"{count} answers" for count in counts[:1]]


def _legend() -> list[Line2D]:
    entries = [legend_entry(f"to the code: {title}", style) for title, style in VARIANTS.values()]
    entries += [legend_entry(control, style) for control, style in _CONTROLS.items()]
    return [*entries, chosen_entry()]
