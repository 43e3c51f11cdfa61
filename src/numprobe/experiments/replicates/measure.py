"""Accuracy and transfer over the trainings of a model, with intervals over trainings and over numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.experiments.given import Given
from numprobe.tables import Row, read_table
from numprobe.training_interval import training_interval

#: Columns of the table beside the shared ones.
EXTRA = {
    "fit_context": pl.String,
    "n_trainings": pl.UInt32,
    "lowest": pl.Float64,
    "highest": pl.Float64,
    "trainings_low": pl.Float64,
    "trainings_high": pl.Float64,
    "numbers_low": pl.Float64,
    "numbers_high": pl.Float64,
    "wider": pl.String,
}
_CELL = ["fit_context", "context", "layer", "site", "probe"]


def summarise_trainings(given: Given) -> None:
    """Write one row for each context, layer and probe of a model, over all of its trainings."""
    accuracy, transfer = ([read_table(path) for path in given.inputs[name]] for name in ("accuracy", "transfer"))
    rows = training_rows(accuracy, transfer, given.values["trainings"])
    given.write_rows(({**row, "seed": given.values["seed"]} for row in rows), EXTRA)


def training_rows(
    accuracy: Sequence[pl.DataFrame], transfer: Sequence[pl.DataFrame], trainings: Sequence[str]
) -> Iterator[Row]:
    """Yield the measurements of the cells that every training has: the mean, and two intervals.

    `trainings_low` and `trainings_high` are about the typical training (`numprobe.training_interval`), `numbers_low`
    and `numbers_high` about given weights: the mean of the bounds of the single trainings. `ci_low` and `ci_high` are
    the bounds of the wider interval, which `wider` names.

    Parameters
    ----------
    accuracy, transfer
        Tables of single trainings; of the transfer, probes in the context of their fit are left out, which accuracy
        has.
    trainings
        Names of all trainings.
    """
    own = [table.with_columns(fit_context="context") for table in accuracy]
    moved = [table.filter(pl.col("fit_context") != pl.col("context")) for table in transfer]
    measured = [table.filter(_shown()).select("model", *_CELL, *_NEEDED) for table in [*own, *moved]]
    for part in pl.concat(measured).partition_by(_CELL, maintain_order=True):
        if set(part["model"]) == set(trainings):
            yield _cell(part)


_NEEDED = ("value", "ci_low", "ci_high", "resampled", "n_values", "n_prompts")


def _shown() -> pl.Expr:
    whole = (pl.col("subset") == "all") & pl.col("fold").is_null() & (pl.col("metric") == "accuracy")
    return whole & (pl.col("control") == "none") & pl.col("value").is_not_null()


def _cell(part: pl.DataFrame) -> Row:
    """Return the row of one cell from those of all trainings."""
    first: Mapping[str, Any] = part.row(0, named=True)
    shares = part["value"].to_list()
    low, high, method = training_interval(shares, first["n_values"])
    numbers = {"numbers_low": _mean(part, "ci_low"), "numbers_high": _mean(part, "ci_high")}
    row = {name: first[name] for name in (*_CELL, "n_values", "n_prompts")} | numbers
    row |= {"metric": "accuracy", "value": _mean(part, "value"), "trainings_low": low, "trainings_high": high}
    row |= {"n_trainings": len(shares), "lowest": min(shares), "highest": max(shares)}
    if numbers["numbers_low"] is None or high - low >= numbers["numbers_high"] - numbers["numbers_low"]:
        return row | {"wider": "trainings", "ci_low": low, "ci_high": high, "resampled": method}
    bounds = {"ci_low": numbers["numbers_low"], "ci_high": numbers["numbers_high"]}
    return row | bounds | {"wider": "numbers", "resampled": first["resampled"]}


def _mean(part: pl.DataFrame, column: str) -> Any:
    """Return the mean of a column, None if some training has no value."""
    return None if part[column].has_nulls() else part[column].mean()
