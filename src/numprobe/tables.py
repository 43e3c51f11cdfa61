"""Read and write Parquet tables with provenance; the schema shared by all tables of measurements."""

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from numprobe.sealed import BLANK, CHECKSUM, BadFile, damaged, read_sealed, write_sealed
from numprobe.status import Status

METADATA_KEY = b"numprobe"

#: One row of a table by its columns; rows of measurements may leave columns out (`measurements`).
Row = dict[str, Any]

#: One row per measured number (docs/files.md).
MEASUREMENT = pl.Schema(
    {
        "model": pl.String,
        "control": pl.String,
        "context": pl.String,
        "layer": pl.String,
        "site": pl.String,
        "probe": pl.String,
        "subset": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "ci_low": pl.Float64,
        "ci_high": pl.Float64,
        "resampled": pl.String,
        "n_values": pl.UInt32,
        "n_prompts": pl.UInt32,
        "seed": pl.Int64,
        "fold": pl.String,
        "status": pl.String,
        "note": pl.String,
    }
)

_DEFAULTS = {"control": "none", "site": "residual", "subset": "all", "status": Status.MEASURED}


def measurements(rows: Iterable[Mapping[str, Any]], extra: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Return a table in the shared schema from rows that may leave columns out.

    Parameters
    ----------
    rows
        Mappings from column to value. Missing columns are null, except `control` = "none", `site` = "residual",
        `subset` = "all" and `status` = "measured".
    extra
        Further columns and their polars types, such as `{"fit_context": pl.String}`.
    """
    schema = pl.Schema({**MEASUREMENT, **(extra or {})})
    complete = [{name: row.get(name, _DEFAULTS.get(name)) for name in schema} for row in rows]
    unknown = {name for row in rows for name in row} - set(schema) if isinstance(rows, list) else set()
    if unknown:
        raise ValueError(f"columns that the schema lacks: {sorted(unknown)}")
    return pl.DataFrame(complete, schema=schema)


def write_table(path: str | Path, table: pl.DataFrame, metadata: Mapping[str, Any]) -> None:
    """Write a Parquet file atomically, with `metadata` as JSON under the key `numprobe` and a checksum of all bytes.

    The bytes depend only on the table, the metadata and the library versions.
    """
    arrow = table.to_arrow(compat_level=pl.CompatLevel.oldest())
    encoded = json.dumps(metadata, sort_keys=True).encode()
    arrow = arrow.replace_schema_metadata({METADATA_KEY: encoded})
    written = io.BytesIO()
    with pq.ParquetWriter(written, arrow.schema, compression="zstd") as writer:
        writer.write_table(arrow)
        writer.add_key_value_metadata({CHECKSUM: BLANK})
    # The footer holds the checksum last; earlier matches are data.
    write_sealed(path, written.getvalue(), last=True)


def read_table(path: str | Path, columns: Iterable[str] = (), remedy: str = "delete it and run again") -> pl.DataFrame:
    """Read a table that `write_table` wrote.

    Parameters
    ----------
    path
        The file.
    columns, remedy
        Columns that it must have, and the advice if it lacks one.

    Raises
    ------
    NumprobeError
        If the file is missing, cannot be read, is damaged, or lacks one of the columns.
    """
    content = read_sealed(path, last=True)
    try:
        table = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise damaged(path, error) from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        fault = f"lacks the columns {', '.join(missing)} (it has {', '.join(table.columns)})"
        raise BadFile(path, fault, remedy)
    return table


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return the metadata that `write_table` stored; errors as in `read_table`."""
    content = pa.BufferReader(read_sealed(path, last=True))
    try:
        stored = pq.read_schema(content).metadata or {}
        return dict(json.loads(stored[METADATA_KEY]))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise damaged(path, error) from error
