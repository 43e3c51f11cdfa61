"""Findings on the spread of the states."""

from collections.abc import Mapping

import polars as pl


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the models in the order of their largest spread, as Markdown."""
    rows = tables["spread_ranks"].drop_nulls("value").iter_rows(named=True)
    lines = [f"- {row['model']}: {row['value']:.2f}" for row in rows]
    return "\n".join(["## How far do states lie apart? (`spread`)\n", *lines])
