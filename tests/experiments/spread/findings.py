"""Findings on the spread of the states."""

from collections.abc import Mapping

import polars as pl

from numprobe.tell.section import Grid, Section, estimate_of


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the models in the order of their largest spread."""
    rows = tables["spread_ranks"].drop_nulls("value").iter_rows(named=True)
    grid = Grid(["model", "largest spread"], [[row["model"], estimate_of(row)] for row in rows])
    return Section("How far do states lie apart? (`spread`)", [grid])
