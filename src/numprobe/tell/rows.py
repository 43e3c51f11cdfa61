"""Selection and order of the rows of a table that a section tells."""

import polars as pl

from numprobe.draw.rows import has_no_layer
from numprobe.draw.style import probe_order
from numprobe.layers import middle_layer


def middle_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the middle block of each model; the block is fixed in advance."""
    numbered = table.filter(pl.col("layer").str.contains(r"^\d+$"))
    parts = numbered.partition_by("model", maintain_order=True)
    return pl.concat([part.filter(layer=middle_layer(part["layer"])) for part in parts] or [numbered])


def beside_middle(table: pl.DataFrame) -> pl.DataFrame:
    """Return `middle_rows`, then the measurements that belong to no layer (the control `gaussian`).

    These have the middle block as their layer, beside whose rows they are shown.
    """
    middle = middle_rows(table)
    places = middle.select("model", "context", "layer").unique(maintain_order=True)
    levels = table.filter(has_no_layer()).drop("layer")
    placed = levels.join(places, on=["model", "context"], maintain_order="left").select(table.columns)
    return pl.concat([middle, placed])


def in_probe_order(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows by probe, in the order of all legends; rows of one probe keep their order."""
    order = {name: place for place, name in enumerate(probe_order(table["probe"]))}
    return table.sort(pl.col("probe").replace_strict(order, return_dtype=pl.Int64), maintain_order=True)


def named_by_settings() -> pl.Expr:
    """Return the column `reader`: the probe, and whether it has the published settings."""
    published = pl.col("settings") == "published"
    return pl.when(published).then(pl.col("probe") + ", published settings").otherwise("probe").alias("reader")


def asked_keys(rows: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns that tell rows by operation apart: with the context where there are several."""
    return ("model", "context", "operation") if rows["context"].n_unique() > 1 else ("model", "operation")


def by_operation(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of single operations, with the column `operation`."""
    rows = table.filter(pl.col("subset").str.starts_with("operation="))
    return rows.with_columns(operation=pl.col("subset").str.strip_prefix("operation="))


def named_by_context(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with models named "model (context)", if the table has several contexts."""
    if table["context"].drop_nulls().n_unique() < 2:
        return table
    return table.with_columns(model=pl.format("{} ({})", "model", "context"))
