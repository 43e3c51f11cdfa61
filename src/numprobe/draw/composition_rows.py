"""Rows of the table `composition` that figures show, and the styles of the shares."""

from collections.abc import Mapping

import polars as pl

from numprobe.draw.rows import MEASURED, checked, over_all_folds
from numprobe.draw.style import Style
from numprobe.tables import MEASUREMENT

#: Shares in the order of the legend: metric -> its name and style.
SHARES: Mapping[str, tuple[str, Style]] = {
    "additive": ("additive in digits", Style("#0072B2", "o")),
    "pairs": ("pairs of digits", Style("#E69F00", "s")),
    "whole": ("whole number", Style("#882255", "^")),
    "beyond": ("beyond digits", Style("#882255", "v")),
}
_COLUMNS = ("model", "control", "context", "layer", "subset", "metric", *MEASURED)


def composition_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that are drawn: shares and signal of the longest numbers, additive share of the others."""
    rows = over_all_folds(checked(table, [*MEASUREMENT, "over"]).filter(pl.col("over").is_null()))
    parts = rows.partition_by("model", "context", maintain_order=True)
    return pl.concat([_shown(part) for part in parts]).select(_COLUMNS)


def _shown(part: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of one panel."""
    longest = longest_measured(part)
    if longest is None:
        return part
    shorter = (pl.col("metric") == "additive") & (pl.col("control") == "none") & pl.col("value").is_not_null()
    return part.filter((pl.col("subset") == longest) | shorter)


def longest_measured(part: pl.DataFrame) -> str | None:
    """Return the subset of the longest numbers that were measured, None if none were."""
    measured = part.filter(pl.col("value").is_not_null())["subset"]
    return None if measured.is_empty() else str(measured.max())
