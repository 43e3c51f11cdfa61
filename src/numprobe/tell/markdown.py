"""Measurements as Markdown tables."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from numprobe.layers import layer_order
from numprobe.status import in_words


def pivot(table: pl.DataFrame, index: tuple[str, ...], column: str) -> str:
    """One row per combination of `index`, one column per value of `column`, cells "value [low, high]"."""
    heads = table[column].unique(maintain_order=True).to_list()
    heads = layer_order(heads) if column == "layer" else heads
    lines = ["| " + " | ".join([*index, *heads]) + " |", "|---" * (len(index) + len(heads)) + "|"]
    for part in table.partition_by(*index, maintain_order=True):
        cells = {row[column]: cell(row) for row in part.iter_rows(named=True)}
        names = [str(part[name][0]) for name in index]
        lines.append("| " + " | ".join([*names, *(cells.get(head, "") for head in heads)]) + " |")
    return "\n".join(lines) + "\n"


def asked_keys(rows: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns that tell rows by operation apart: with the context where there are several."""
    return ("model", "context", "operation") if rows["context"].n_unique() > 1 else ("model", "operation")


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells below their heads."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, ["---"] * len(heads), *lines]) + "\n"


def cell(row: dict[str, Any]) -> str:
    """A share and its interval in per cent, "value [low, high]"; why, where there is no value."""
    if row["value"] is None:
        return in_words(row.get("status"), row.get("note"))
    if row["ci_low"] is None:
        return per_cent(row["value"])
    return f"{per_cent(row['value'])} [{per_cent(row['ci_low'])}, {per_cent(row['ci_high'])}]"


def per_cent(share: object) -> str:
    """A share as a whole number of per cent, without the sign."""
    return f"{float(str(share)):.0%}".rstrip("%")
