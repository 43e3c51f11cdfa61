"""The accuracies of a study as sections of the main page: layer by layer, at the middle block, and of training."""

from collections.abc import Sequence

import polars as pl

from numprobe.tell import chosen_layers, digits
from numprobe.tell.rows import beside_middle, middle_rows
from numprobe.tell.section import Section, reasons_of, spread_out

# Steps between the rows of the training log that the page shows; the last step is always among them.
_SHOWN_EVERY = 100
_IN_VOCABULARY = pl.col("context") == "vocabulary"
# Controls that are no probe fitted on other states or labels.
_OWN_NAMES = ("none", "constant", "last_token")


def accuracy_sections(
    accuracy: pl.DataFrame,
    probe: str,
    chosen: pl.DataFrame | None = None,
    transfer: pl.DataFrame | None = None,
) -> list[Section]:
    """Return the sections on accuracies, in the order of the page.

    Parameters
    ----------
    accuracy
        The collected table of measurements.
    probe
        The probe that is shown layer by layer.
    chosen, transfer
        The collected tables `chosen_layers` and `transfer`, if the study has them.
    """
    table = accuracy.filter(pl.col("fold").is_null(), metric="accuracy")
    whole, ranges = (table.filter(part) for part in (pl.col("subset") == "all", _of_range()))
    middle = middle_rows(accuracy)
    found = [
        chosen_layers.section(chosen, accuracy, transfer) if chosen is not None else None,
        _by_layer(whole, probe),
        _at_middle(beside_middle(whole), probe),
        digits.section(middle, probe),
        _by_range(ranges, probe) if ranges.height else None,
    ]
    return [section for section in found if section]


def arithmetic_section(training: Sequence[pl.DataFrame]) -> Section:
    """Return the section on what trained models answer during training, from their logs."""
    logs = pl.concat(training)
    shown = (pl.col("step") % _SHOWN_EVERY == 0) | (pl.col("step") == pl.col("step").max().over("model"))
    asked = logs.filter(shown, metric="accuracy").with_columns(
        (pl.col("operation") + " " + pl.col("form")).alias("question"), pl.lit("none").alias("control")
    )
    title = "Arithmetic of the trained models on pairs they never saw"
    return Section(title, [spread_out(asked, ["model", "step"], "question")])


def _of_range() -> pl.Expr:
    return pl.col("subset").str.starts_with("values=")


def _by_layer(table: pl.DataFrame, probe: str) -> Section:
    own = table.filter(probe=probe, control="none")
    matrices, states = own.filter(_IN_VOCABULARY), own.filter(~_IN_VOCABULARY)
    grids = [spread_out(part, ["model", "context"], "layer") for part in (matrices, states) if part.height]
    return Section(f"`{probe}` layer by layer", [*grids, *reasons_of(table)])


def _at_middle(middle: pl.DataFrame, probe: str) -> Section:
    named = middle.with_columns(
        pl.when(pl.col("control").is_in(_OWN_NAMES))
        .then(pl.col("probe"))
        .otherwise(pl.col("control") + " " + pl.col("probe"))
        .alias("reader")
    )
    shown = named.filter(pl.col("control").is_in(_OWN_NAMES) | (pl.col("probe") == probe))
    grid = spread_out(shown, ["model", "context"], "reader")
    return Section("All probes and controls at the middle block", [grid])


def _by_range(table: pl.DataFrame, probe: str) -> Section:
    own = table.filter(probe=probe, control="none")
    grid = spread_out(own, ["model", "context", "layer"], "subset")
    return Section("Where only some numbers are single tokens", [grid])
