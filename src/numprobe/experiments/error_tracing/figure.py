"""Error tracing: the fates of the truth in wrong answers with nulls and a control, and layers that break or correct."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, frame, in_per_cent
from numprobe.draw.panels import curve, draw_panels, entries_of, explain_empty, operation_panels, title_columns
from numprobe.draw.rows import MEASURED, checked, is_not_applicable, with_values
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, Style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

#: With fewer wrong answers in an operation nothing is drawn of it.
FEWEST = 10
#: Prompts by the model's answer, and the number that is looked for -> label of a bar; from top to bottom.
_BARS: Mapping[tuple[str, str], str] = {
    ("wrong", "truth"): "truth",
    ("wrong", "opposite"): "2 x answer - truth",
    ("wrong", "permuted"): "permuted truth",
    ("right", "truth"): "truth, model right",
}
_KEPT, _NEVER = "#0072B2", "#e4e4e4"
_UNTRAINED = CONTROLS["untrained"]
_LINES: Mapping[tuple[str, str], tuple[str, Style]] = {
    ("breaks", "truth"): ("breaks", Style("#D55E00", "v")),
    ("corrects", "truth"): ("corrects", Style("#0072B2", "^")),
    ("breaks", "independent"): ("breaks, independent layers", Style("#888888", "v", "--")),
    ("corrects", "independent"): ("corrects, independent layers", Style("#888888", "^", ":")),
}
_COLUMNS = ("model", "control", "context", "subset", "layer", "answered", "target", "metric", *MEASURED)


def error_tracing(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the fates of right results, and what it shows."""
    drawn = fate_rows(tables["error_tracing"])
    return draw_fates(drawn), drawn


def broken_answers(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the layers that break and correct, and what it shows."""
    drawn = layer_rows(tables["error_tracing"])
    return draw_layers(drawn), drawn


def fate_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the shares of numbers that are never read, lost at each layer and kept, by operation.

    The probe is that of true results; of the untrained control, the shares that are read at some layer are shown.
    """
    bars = [{"answered": answered, "target": target} for answered, target in _BARS]
    looked_for = pl.struct(answered="answered", target="target").is_in(bars)
    fates = (pl.col("control") == "none") & pl.col("metric").is_in(["never", "lost_at", "kept", "traced"])
    control = (pl.col("control") == "untrained") & (pl.col("metric") == "traced")
    return _rows(table, (fates | control) & looked_for, "metric traced")


def layer_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return how often each layer breaks and corrects the truth, by operation and in all."""
    plain = (pl.col("control") == "none") & (pl.col("answered") == "all")
    chosen = plain & pl.col("metric").is_in(["breaks", "corrects"])
    return _rows(table, chosen, "metric breaks")


def _rows(table: pl.DataFrame, chosen: pl.Expr, what: str) -> pl.DataFrame:
    rows = checked(table, [*MEASUREMENT, "labels", "target", "answered"])
    by_operation = pl.col("subset").str.starts_with("operation=") & (pl.col("labels") == "truth")
    return with_values(rows.filter((chosen & by_operation) | is_not_applicable()), what).select(_COLUMNS)


def draw_fates(drawn: pl.DataFrame) -> Figure:
    """Draw a row of panels per model, a column per operation; a bar per number that is looked for."""
    figure, panels, rows = operation_panels(drawn)
    headers, labelled = {}, set()
    for place, axes in panels.items():
        part = rows[place]
        axes.set_yticks(range(len(_BARS)), list(_BARS.values()))
        if not part["value"].drop_nulls().is_empty():
            headers[place] = [_counted(part)]
        enough = part.filter((pl.col("n_prompts") >= FEWEST) | pl.col("value").is_null())
        axes.set_ylim(len(_BARS) - 0.5, -0.5)
        if explain_empty(axes, enough):
            continue
        # The first panel of a row that has bars names them.
        axes.tick_params(axis="y", length=0, labelleft=place[0] not in labelled)
        labelled.add(place[0])
        _draw_bars(axes, enough, layer_order(part["layer"].drop_nulls()))
    title_columns(panels, headers)
    controlled = "untrained" in drawn["control"]
    return frame(figure, _fate_legend(controlled), 3 if controlled else 5, x="share of the prompts")


def draw_layers(drawn: pl.DataFrame) -> Figure:
    """Draw a row of panels per model, a column per operation; x = layer, y = share of all prompts."""
    figure, panels, rows = operation_panels(drawn)
    draw_panels(panels, rows, _draw_lines, scale=faint_grid)
    first = next(iter(panels.values()))
    first.set_ylim(bottom=0)
    in_per_cent(first.yaxis)
    return frame(figure, entries_of(_LINES, _LINES), 4, x="layer", y="share of all prompts")


def _draw_lines(axes: Axes, rows: pl.DataFrame) -> list[str]:
    layers = layer_order(rows["layer"].drop_nulls())
    for (metric, target), (_, style) in reversed(list(_LINES.items())):
        curve(axes, rows.filter(metric=metric, target=target), layers, style)
    set_layer_axis(axes, layers)
    return []


def _counted(rows: pl.DataFrame) -> str:
    wrong = rows.filter(control="none", metric="traced", answered="wrong", target="truth")
    count = int(wrong["n_prompts"][0]) if wrong.height else 0
    return f"{count} wrong answers"


def _draw_bars(axes: Axes, rows: pl.DataFrame, layers: Sequence[str]) -> None:
    colours = {layer: _colour(place / max(len(layers) - 1, 1)) for place, layer in enumerate(layers)}
    for y, (answered, target) in enumerate(_BARS):
        bar = rows.filter(control="none", answered=answered, target=target)
        if bar.is_empty():
            axes.text(0.02, y, f"fewer than {FEWEST} prompts", va="center", fontsize=5.5, color=NOTE_COLOUR)
            continue
        left = 0.0
        lost = {row["layer"]: row["value"] for row in bar.filter(metric="lost_at").iter_rows(named=True)}
        kept, traced = (bar.filter(metric=metric).row(0, named=True) for metric in ("kept", "traced"))
        parts = [(kept["value"], _KEPT), *((lost.get(layer, 0.0), colours[layer]) for layer in reversed(layers))]
        for width, colour in [*parts, (1 - traced["value"], _NEVER)]:
            axes.barh(y, width, left=left, height=0.72, color=colour, linewidth=0)
            left += width
        if traced["ci_low"] is not None:
            axes.hlines(y, traced["ci_low"], traced["ci_high"], color="black", linewidth=1.0)
        for share in rows.filter(control="untrained", answered=answered, target=target)["value"]:
            axes.plot([share, share], [y - 0.45, y + 0.45], color=_UNTRAINED.colour, linestyle=_UNTRAINED.line)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])


def _colour(depth: float) -> str:
    """Of a layer at a relative depth, pale for the first and dark for the last one."""
    return to_hex(colormaps["YlOrRd"](0.25 + 0.7 * depth))


def _fate_legend(controlled: bool) -> list[Artist]:
    parts = [("read at the last state", _KEPT), ("lost at a late layer", _colour(1.0))]
    parts += [("lost midway", _colour(0.5)), ("lost early", _colour(0.0)), ("never read", _NEVER)]
    entries: list[Artist] = [Patch(color=colour, label=label) for label, colour in parts]
    if controlled:
        label, style = "read at some layer, untrained", _UNTRAINED
        entries.append(Line2D([], [], color=style.colour, linestyle=style.line, label=label))
    return entries
