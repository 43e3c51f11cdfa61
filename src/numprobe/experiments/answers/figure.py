"""Reading the answer: the truth and the model's answer in the states before it, where the model is right and wrong."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import chance_entries, curve, draw_panels, entries_of, operation_panels
from numprobe.draw.rows import MEASURED, checked, is_not_applicable, require
from numprobe.draw.style import Style, probe_order, set_layer_axis
from numprobe.layers import layer_order
from numprobe.percent import per_cent
from numprobe.probes.leading import choose_leading
from numprobe.tables import MEASUREMENT

#: Fewer prompts than these make no curve.
FEWEST = 10
#: Metric, prompts by the model's answer, and control -> name and style of a curve.
_SERIES: Mapping[tuple[str, str, str], tuple[str, Style]] = {
    ("reads_truth", "right", "none"): ("truth, model right", Style("#0072B2", "o")),
    ("reads_truth", "wrong", "none"): ("truth, model wrong", Style("#D55E00", "^")),
    ("reads_answer", "wrong", "none"): ("model's answer, model wrong", Style("#CC79A7", "s", (0, (4, 1)))),
    ("reads_truth", "all", "shuffled"): ("truth, shuffled labels", Style("#888888", "x", "--")),
}
_COLUMNS = ("model", "context", "subset", "layer", "probe", "control", "answered", "metric", *MEASURED)


def answers(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    drawn = answers_rows(tables["answers"])
    return draw_answers(drawn, values["candidates"]), drawn


def answers_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return what the figure shows: the leading probe and its control, and how often the models are right."""
    rows = checked(table, [*MEASUREMENT, "answered"])
    read = rows.filter(pl.col("metric").is_in(["reads_truth", "reads_answer"]), control="none")
    require(read, "metric reads_truth without a control")
    leading = choose_leading(probe_order(read["probe"].drop_nulls()))
    keys = pl.struct(metric="metric", answered="answered", control="control")
    drawn = [{"metric": metric, "answered": answered, "control": control} for metric, answered, control in _SERIES]
    curves = keys.is_in(drawn) & (pl.col("probe") == leading)
    by_operation = pl.col("subset").str.starts_with("operation=")
    shown = by_operation & (curves | (pl.col("metric") == "model_accuracy"))
    return rows.filter(shown | is_not_applicable()).select(_COLUMNS)


def draw_answers(drawn: pl.DataFrame, candidates: int | None = None) -> Figure:
    """Draw a row of panels per model and a column per operation; x = layer, y = share of the prompts."""
    figure, panels, rows = operation_panels(drawn)
    draw_panels(panels, rows, _draw_panel, candidates)
    present = set(drawn.select("metric", "answered", "control").iter_rows())
    entries = [*entries_of(_SERIES, present), *chance_entries(candidates)]
    return frame(figure, entries, 3, x="layer", y="share of prompts in which the probe reads it")


def _draw_panel(axes: Axes, rows: pl.DataFrame) -> list[str]:
    layers = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, layers)
    enough = rows.filter(pl.col("n_prompts") >= FEWEST)
    for (metric, answered, control), (_, style) in reversed(list(_SERIES.items())):
        curve(axes, enough.filter(metric=metric, answered=answered, control=control), layers, style)
    return _header(rows)


def _header(rows: pl.DataFrame) -> list[str]:
    """Return the number of prompts that the model answers, and of right answers."""
    model = rows.filter(metric="model_accuracy").row(0, named=True)
    read = rows.filter(metric="reads_truth", answered="wrong")
    wrong = int(read["n_prompts"][0]) if read.height else 0
    few = ", too few to draw" if wrong < FEWEST else ""
    return [f"right {per_cent(model['value'], 1)} % of {model['n_prompts']}", f"wrong and read: {wrong}{few}"]
