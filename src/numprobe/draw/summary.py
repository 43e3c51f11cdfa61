"""The first model at a glance: what is read of its numbers, and how much of a number is more than its digits."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.composition_rows import SHARES, composition_rows
from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import (
    context_panels,
    curve,
    explain_empty,
    fraction_axis,
    hold_shares,
    legend_entry,
    title_columns,
)
from numprobe.draw.rows import MEASURED, VOCABULARY, in_order
from numprobe.draw.series import measured_accuracies
from numprobe.draw.style import CONTROLS, Style, probe_order, probe_style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.probes.leading import SIDE_BY_SIDE

#: What the two rows of panels show.
READING, COMPOSITION = "accuracy on\nunseen numbers", "share of the variance\nbetween numbers"
#: Controls and their names. Above, the best of the probes is drawn in every layer.
_CONTROLS: Mapping[str, str] = {
    "untrained": "untrained",
    "mixed": "mixed embeddings",
    "last_token": "last token alone",
}
#: Control -> how the additive share is drawn.
_COMPOSED: Mapping[str, Style] = {
    "none": SHARES["additive"][1],
    "untrained": CONTROLS["untrained"],
    "mixed": CONTROLS["mixed"],
}
_COLUMNS = ("panel", "model", "control", "context", "layer", "probe", "subset", "metric", *MEASURED)


def summary(tables: Tables, values: Values) -> Drawn:
    """Return the figure of what is read of the first model and what digits alone tell, and the rows that it shows."""
    drawn = summary_rows(*tables.values())
    return draw_summary(drawn), drawn


def summary_rows(accuracy: pl.DataFrame, composition: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return what the figure shows of the first model of the tables.

    Parameters
    ----------
    accuracy
        The accuracy table (numprobe.tables.MEASUREMENT).
    composition
        The table of the experiment `composition`, if the study has it.

    Returns
    -------
    Rows of both tables with the column `panel` (`READING`, `COMPOSITION`), contexts of prompts alone: accuracies of the
    leading probes; of each control the best of these probes in every layer; the additive share of the longest numbers.
    """
    accuracies, leading = measured_accuracies(accuracy)
    prompts = accuracies.filter(pl.col("context") != VOCABULARY, pl.col("value").is_not_null(), subset="all")
    model = in_order(prompts["model"])[0]
    own = prompts.filter(model=model)
    # Those side by side, as far as they were measured; the leading one, if none was.
    probes = [name for name in SIDE_BY_SIDE if name in set(own["probe"])] or [leading]
    plain = own.filter(pl.col("probe").is_in(probes), control="none")
    best = [_best(own, control, probes) for control in _CONTROLS]
    parts = [pl.concat([plain, *best]).with_columns(panel=pl.lit(READING))]
    if composition is not None:
        drawn = composition_rows(composition.filter(model=model))
        longest = pl.col("subset") == pl.col("subset").filter(pl.col("value").is_not_null()).max().over("context")
        shares = drawn.filter(longest, pl.col("context") != VOCABULARY, metric="additive")
        parts.append(shares.with_columns(panel=pl.lit(COMPOSITION), probe=pl.lit(None, pl.String)))
    return pl.concat([part.select(_COLUMNS) for part in parts])


def _best(own: pl.DataFrame, control: str, probes: Sequence[str]) -> pl.DataFrame:
    """Return the highest accuracy of a control among some probes, in every context and layer."""
    rows = own.filter(_is_control(control) & pl.col("probe").is_in([*probes, control]))
    highest = rows.sort("value", descending=True, maintain_order=True)
    return highest.unique(["context", "layer"], keep="first", maintain_order=True)


def draw_summary(drawn: pl.DataFrame) -> Figure:
    """Draw a column of panels per context: what is read above, the additive share below; x = layer."""
    model, contexts = drawn["model"][0], in_order(drawn["context"])
    figure, panels = context_panels(in_order(drawn["panel"]), contexts, sharey="row")
    headers = {}
    for (panel, context), axes in panels.items():
        rows = drawn.filter(panel=panel, context=context)
        fraction_axis(axes)
        if explain_empty(axes, rows):
            continue
        # Where all states are one vector, a control may have a value and the model none.
        layers = layer_order(rows["layer"].drop_nulls())
        set_layer_axis(axes, layers)
        _draw_panel(axes, rows, layers, panel)
        hold_shares(axes, rows["value"])
        headers[panel, context] = _header(rows.filter(control="none"), panel)
    for panel in in_order(drawn["panel"]):
        panels[panel, contexts[0]].set_ylabel(panel, fontsize=7, fontweight="normal")
    title_columns(panels, headers)
    return frame(figure, _entries(drawn), 3, x=f"layer of {model}")


def _draw_panel(axes: Axes, rows: pl.DataFrame, layers: Sequence[str], panel: str) -> None:
    if panel == COMPOSITION:
        for control, style in reversed(list(_COMPOSED.items())):
            curve(axes, rows.filter(metric="additive", control=control), layers, style)
        return
    for control in _CONTROLS:
        curve(axes, rows.filter(_is_control(control)), layers, CONTROLS[control])
    for probe in reversed(probe_order(rows.filter(control="none")["probe"])):
        curve(axes, rows.filter(probe=probe, control="none"), layers, probe_style(probe))


def _is_control(control: str) -> pl.Expr:
    """Return whether a row is about a control; further untrained networks are named `untrained-2`, ..."""
    return pl.col("control").str.contains(f"^{control}(-[0-9]+)?$")


def _header(own: pl.DataFrame, panel: str) -> list[str]:
    """Return how many numbers a panel is about."""
    count = max(own["n_values"].drop_nulls().to_list(), default=0)
    if panel == READING:
        return [f"{count} numbers"]
    return [f"{count} numbers of {own['subset'][0].removeprefix('digits=')} digits"]


def _entries(drawn: pl.DataFrame) -> list[Line2D]:
    """Return the legend: probes, their controls, shares."""
    reading, composed = (drawn.filter(panel=panel) for panel in (READING, COMPOSITION))
    probes = probe_order(reading.filter(control="none")["probe"])
    entries = [legend_entry(name, probe_style(name)) for name in probes]
    present = set(composed.filter(pl.col("value").is_not_null(), metric="additive")["control"])
    if "none" in present:
        entries.append(legend_entry("additive in the digits", _COMPOSED["none"]))
    # A control looks the same above and below.
    for control, name in _CONTROLS.items():
        if reading.filter(_is_control(control)).height or control in present:
            entries.append(legend_entry(name, CONTROLS[control]))
    return entries
