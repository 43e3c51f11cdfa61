"""Tables of single models and contexts joined to one, with a visible row for everything that does not apply."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from numprobe.atomic import atomic_path
from numprobe.errors import NumprobeError
from numprobe.status import not_applicable
from numprobe.tables import MEASUREMENT, measurements


def collect(tables: Sequence[pl.DataFrame], skipped: Sequence[str]) -> pl.DataFrame:
    """Join tables in the given order; then one row without a value per skipped pair of model and context.

    Parameters
    ----------
    tables
        Tables of the same kind; none where nothing could be measured: the rows then have the shared columns alone.
    skipped
        `MODEL:CONTEXT:REASON`, such as `minilm:result:encoder`.

    Raises
    ------
    NumprobeError
        If the tables differ in their columns, `skipped` is malformed or not possible for such tables, or there is
        neither a table nor anything skipped.
    """
    if not tables and not skipped:
        raise NumprobeError("neither --tables nor --not-applicable names anything: there is nothing to join")
    if not tables:
        return _skipped_rows(skipped, MEASUREMENT)
    first = tables[0]
    for table in tables:
        if table.schema != first.schema:
            differing = sorted(set(table.schema.items()) ^ set(first.schema.items()), key=str)
            raise NumprobeError(f"the tables are of different kinds, they differ in {differing}: collect one kind")
    if not skipped:
        return pl.concat(tables)
    if "status" not in first.columns:
        raise NumprobeError("only tables with a column 'status' say what does not apply: leave --not-applicable out")
    return pl.concat([*tables, _skipped_rows(skipped, first.schema)])


def _skipped_rows(skipped: Sequence[str], schema: pl.Schema) -> pl.DataFrame:
    rows = [_skipped_row(text) for text in skipped]
    if set(MEASUREMENT) <= set(schema):
        extra = {name: kind for name, kind in schema.items() if name not in MEASUREMENT}
        return measurements([{**row, "metric": "accuracy"} for row in rows], extra).select(schema.names())
    return pl.DataFrame(rows, schema=schema)


def _skipped_row(text: str) -> dict[str, str]:
    parts = text.split(":", 2)
    if len(parts) != 3 or not all(parts):
        raise NumprobeError(f"--not-applicable {text!r} is not of the form MODEL:CONTEXT:REASON")
    model, context, reason = parts
    return {"model": model, "context": context, **not_applicable(reason)}


def write_csv(path: str | Path, table: pl.DataFrame) -> None:
    """Write a table as CSV, atomically; nulls are empty."""
    with atomic_path(path) as temporary:
        table.write_csv(temporary)
