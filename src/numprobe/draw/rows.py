"""Selection of the rows of a table that a figure shows."""

from collections.abc import Sequence

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.status import Status, in_words

#: The pseudo-context of the rows of the input and output matrices.
VOCABULARY = "vocabulary"

#: Columns that figures show of every measurement, after those that say what was measured.
MEASURED = ("value", "ci_low", "ci_high", "resampled", "n_values", "n_prompts", "status", "note")

_KEY = (
    "model",
    "control",
    "context",
    "fit_context",
    "fit_layer",
    "fitted_on",
    "normalisation",
    "layer",
    "site",
    "probe",
    "reader",
    "subset",
    "metric",
    "frequency",
    "period",
    "other_model",
    "other_layer",
    "theory",
    "dissimilarity",
    "numbers",
)


def checked(table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The table itself.

    Raises
    ------
    NumprobeError
        If it has no rows or lacks one of `columns`.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise NumprobeError(
            f"the table lacks the columns {', '.join(missing)} (it has {', '.join(table.columns) or 'none'}): "
            "give the collected table of this figure's experiment, results/tables/NAME.parquet"
        )
    if table.is_empty():
        raise NumprobeError("the table has no rows: nothing was measured, so there is nothing to draw")
    return table


def over_all_folds(table: pl.DataFrame) -> pl.DataFrame:
    """The measurements over all folds together, without those of single folds.

    Raises
    ------
    NumprobeError
        If a number is measured twice, so that it is not clear which to draw.
    """
    kept = table.filter(pl.col("fold").is_null())
    key = [name for name in _KEY if name in table.columns]
    twice = kept.filter(pl.col("value").is_not_null()).filter(pl.struct(key).is_duplicated())
    if not twice.is_empty():
        row = ", ".join(f"{name} {twice[name][0]}" for name in key if twice[name][0] is not None)
        raise NumprobeError(f"the table holds more than one measurement of {row}: give the table of one study")
    return kept


def require(rows: pl.DataFrame, what: str) -> pl.DataFrame:
    """Return the rows themselves.

    Raises
    ------
    NumprobeError
        If there are none; `what` names those that were looked for.
    """
    if rows.is_empty():
        raise nothing_to_draw(what)
    return rows


def with_values(rows: pl.DataFrame, what: str) -> pl.DataFrame:
    """Return the rows themselves; errors as `require`, if none of them has a value."""
    require(rows.drop_nulls("value"), what)
    return rows


def is_not_applicable() -> pl.Expr:
    """Return an expression that is true where a row's combination cannot be measured."""
    return pl.col("status").eq_missing(pl.lit(Status.NOT_APPLICABLE))


def has_no_layer() -> pl.Expr:
    """Return an expression that is true for measurements that belong to no layer: those of the control `gaussian`."""
    return pl.col("layer").is_null() & pl.col("value").is_not_null()


def reasons(rows: pl.DataFrame) -> list[str]:
    """Return the different reasons why rows have no value, in words and sorted."""
    without = rows.filter(pl.col("value").is_null()).select("status", "note").unique().iter_rows()
    return sorted(filter(None, {in_words(*row) for row in without}))


def in_order(column: pl.Series) -> list[str]:
    """The different values of a column, in the order of the table (which is the order of the configuration)."""
    return column.drop_nulls().unique(maintain_order=True).to_list()


def contexts_in_order(column: pl.Series) -> list[str]:
    """The contexts, `vocabulary` first."""
    return sorted(in_order(column), key=lambda name: name != VOCABULARY)


def runs_of(drawn: pl.DataFrame, keys: Sequence[str] = ("context",)) -> dict[str, pl.DataFrame]:
    """Return the rows by model, and by those of the columns `keys` that have several values: the rows of panels."""
    several = [key for key in keys if key in drawn.columns and drawn[key].drop_nulls().n_unique() > 1]
    parts = drawn.partition_by("model", *several, maintain_order=True)
    return {"\n".join([part["model"][0], *(part[key][0] for key in several if part[key][0])]): part for part in parts}


def nothing_to_draw(what: str) -> NumprobeError:
    """The error of a figure whose table holds other rows only."""
    return NumprobeError(f"the table has no rows of {what}: nothing to draw")
