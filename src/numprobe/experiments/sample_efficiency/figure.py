"""Draw accuracy against the amount of training data, and the code length of a number with each probe."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame, remark
from numprobe.draw.not_applicable import drawn_or_reasons
from numprobe.draw.panels import bars, explain_empty, fraction_axis, legend_entry, line
from numprobe.draw.rows import checked, contexts_in_order, in_order, is_not_applicable, nothing_to_draw
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, PAGE_WIDTH, probe_order, probe_style
from numprobe.tables import MEASUREMENT

EXTRA = ("train_values", "train_prompts", "candidates")
_COLUMNS = (
    "model", "context", "layer", "probe", "control", "metric", "train_values", "train_prompts", "candidates", "value",
    "ci_low", "ci_high", "resampled", "n_values", "n_prompts", "fold", "status", "note",
)  # fmt: skip
_ACCURACY, _CODE_LENGTH = "accuracy", "code_length"
_TITLES = {"values": "training numbers", "prompts": "prompts per number", "bits": "code: bits per number"}
_WIDTH, _HEIGHT = 1.5, 1.45
_MOST_TICKS = 6
#: Controls of the first probe, drawn as curves; of each probe, beneath the bar of its code length.
_CONTROLS = ("shuffled", "untrained", "mixed")
# Distance of a control's point from the middle of its probe's bar.
_BELOW = 0.3


def sample_efficiency(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and the rows that it shows."""
    return drawn_or_reasons(tables["sample_efficiency"], sample_efficiency_rows, draw_sample_efficiency)


def sample_efficiency_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return accuracies and code lengths over all orders, and rows that say why there are none.

    Parameters
    ----------
    table
        The table of the experiment (numprobe.tables.MEASUREMENT with `train_values`, `train_prompts`, `candidates`).

    Raises
    ------
    NumprobeError
        If the table is empty, lacks a column, or holds neither metric.
    """
    shown = pl.col("metric").is_in([_ACCURACY, _CODE_LENGTH]) & pl.col("control").is_in(["none", *_CONTROLS])
    rows = checked(table, [*MEASUREMENT, *EXTRA]).filter(shown | is_not_applicable()).filter(pl.col("fold").is_null())
    if rows["value"].drop_nulls().is_empty():
        raise nothing_to_draw(f"metric {_ACCURACY} or {_CODE_LENGTH}")
    return rows.select(_COLUMNS)


def draw_sample_efficiency(drawn: pl.DataFrame) -> Figure:
    """Draw a row per model; per context a panel of numbers, one of prompts where they differ, and one of bits.

    Parameters
    ----------
    drawn
        What `sample_efficiency_rows` returned.
    """
    models, contexts = in_order(drawn["model"]), contexts_in_order(drawn["context"])
    probes = probe_order(drawn["probe"].drop_nulls())
    columns = _columns(drawn, contexts)
    width = max(PAGE_WIDTH, _WIDTH * len(columns))
    figure = Figure(figsize=(width, _HEIGHT * len(models) + 1.2), layout="constrained")
    grid = figure.subplots(len(models), len(columns), squeeze=False)
    for model, panels in zip(models, grid, strict=True):
        panels[0].set_ylabel(model, fontweight="bold", fontsize=8)
        for axes, (what, context) in zip(panels, columns, strict=True):
            rows = drawn.filter((pl.col("model") == model) & (pl.col("context") == context))
            first = (what, context) == next(place for place in columns if place[0] == what)
            _panel(axes, what, rows, probes, first)
    for axes, (_, context) in zip(grid[0], columns, strict=True):
        axes.set_title(context, fontweight="bold", pad=12)
    for axes, (what, _) in zip(grid[-1], columns, strict=True):
        axes.set_xlabel(_TITLES[what])
    return frame(figure, _legend(probes, drawn), 6, y="accuracy on held-out numbers")


def _columns(drawn: pl.DataFrame, contexts: Sequence[str]) -> list[tuple[str, str]]:
    counts = dict(drawn.group_by("context").agg(pl.col("train_prompts").drop_nulls().n_unique()).iter_rows())
    several = [context for context in contexts if counts[context] > 1]
    return [
        *(("values", context) for context in contexts),
        *(("prompts", context) for context in several),
        *(("bits", context) for context in contexts),
    ]


def _panel(axes: Axes, what: str, rows: pl.DataFrame, probes: Sequence[str], first: bool) -> None:
    # Where all states of the model are one vector, its controls may still be measured.
    if explain_empty(axes, rows.filter(pl.col("control") == "none")):
        return
    if what == "bits":
        _bits(axes, rows.filter(pl.col("metric") == _CODE_LENGTH), probes, first)
        return
    accuracies = rows.filter(pl.col("metric") == _ACCURACY)
    fixed, free = ("train_prompts", "train_values") if what == "values" else ("train_values", "train_prompts")
    _curves(axes, accuracies.filter(pl.col(fixed) == pl.col(fixed).max()), free, probes)
    axes.tick_params(labelleft=first)


def _curves(axes: Axes, rows: pl.DataFrame, x: str, probes: Sequence[str]) -> None:
    fraction_axis(axes)
    axes.set_xscale("log", base=2)
    plain = rows.filter(pl.col("control") == "none")
    _ticks(axes, plain[x].unique().sort().to_list())
    for probe in probes:
        of_probe = plain.filter(pl.col("probe") == probe)
        # With one order per point there is no curve against prompts.
        if of_probe[x].n_unique() > 1:
            line(axes, of_probe, x, probe_style(probe))
    for control in _CONTROLS:
        of_control = rows.filter((pl.col("control") == control) & (pl.col("probe") == probes[0]))
        line(axes, of_control, x, CONTROLS[control])
    largest = plain.filter(pl.col(x) == pl.col(x).max())
    _header(axes, largest, "train_prompts" if x == "train_values" else "train_values")


def _ticks(axes: Axes, amounts: list[int]) -> None:
    """Name some of the amounts, from the largest down, so that the full amount is always named."""
    step = int(np.ceil(len(amounts) / _MOST_TICKS))
    ticks = amounts[::-1][::step]
    axes.set_xticks(ticks, [str(tick) for tick in ticks], rotation=45 if len(str(ticks[0])) > 2 else 0)
    axes.xaxis.set_minor_locator(NullLocator())


def _header(axes: Axes, rows: pl.DataFrame, fixed: str = "") -> None:
    """Write the layer that is read, and the fixed amount of the other kind of data, above a panel."""
    most = int(str(rows[fixed].max())) if fixed else 0
    held = {"train_prompts": "1 prompt" if most == 1 else f"≤ {most} prompts", "train_values": f"{most} numbers"}
    text = ", ".join([f"layer {rows['layer'][0]}", *([held[fixed]] if fixed else [])])
    remark(axes, text, 1.03)


def _bits(axes: Axes, rows: pl.DataFrame, probes: Sequence[str], first: bool) -> None:
    """Draw horizontal bars from 0, with intervals; controls as points beneath; the uniform code as a line."""
    coded = [probe for probe in probes if probe in set(rows["probe"])]
    for place, probe in enumerate(coded):
        of_probe = rows.filter(pl.col("probe") == probe)
        plain = of_probe.filter(pl.col("control") == "none")
        style = probe_style(probe)
        axes.barh([place] * len(plain), plain["value"], height=0.5, color=style.colour, alpha=0.55, linewidth=0)
        bars(axes, place, plain, style)
        for control in _CONTROLS:
            bars(axes, place + _BELOW, of_probe.filter(pl.col("control") == control), CONTROLS[control])
    axes.axvline(float(np.log2(rows["candidates"][0])), color=NOTE_COLOUR, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(coded)), coded if first else [""] * len(coded), fontsize=6)
    axes.set_ylim(len(coded) - 0.4, -0.6)
    axes.set_xlim(0, None)
    axes.tick_params(axis="y", length=0)
    _header(axes, rows.filter(pl.col("control") == "none"))


def _legend(probes: Sequence[str], drawn: pl.DataFrame) -> list[Line2D]:
    entries = [legend_entry(probe, probe_style(probe)) for probe in probes]
    for control in [name for name in _CONTROLS if name in set(drawn["control"])]:
        entries.append(legend_entry(f"{control} ({probes[0]}; bits: each)", CONTROLS[control]))
    uniform = Line2D([], [], color=NOTE_COLOUR, linewidth=0.8, linestyle=":", label="uniform code")
    return [*entries, uniform]
