"""Parquet tables with provenance, and the schema that all tables of measurements share."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from numprobe.atomic import atomic_path
from numprobe.errors import NumprobeError

METADATA_KEY = b"numprobe"

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
        "note": pl.String,
    }
)

_DEFAULTS = {"control": "none", "site": "residual", "subset": "all"}


def measurements(rows: Iterable[Mapping[str, Any]], extra: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """A table in the shared schema from rows that may leave columns out.

    Parameters
    ----------
    rows
        Mappings from column to value. Missing columns are null, except `control` = "none", `site` = "residual" and
        `subset` = "all".
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
    """Write a Parquet file atomically, with `metadata` as JSON under the key `numprobe`.

    The bytes depend only on the table, the metadata and the library versions.
    """
    arrow = table.to_arrow(compat_level=pl.CompatLevel.oldest())
    encoded = json.dumps(metadata, sort_keys=True).encode()
    arrow = arrow.replace_schema_metadata({METADATA_KEY: encoded})
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_table(path: str | Path) -> pl.DataFrame:
    """Read a Parquet table.

    Raises
    ------
    NumprobeError
        If the file is missing, truncated or not Parquet.
    """
    try:
        # A name is a name, whatever characters it has.
        return pl.read_parquet(path, glob=False, hive_partitioning=False)
    except FileNotFoundError:
        raise NumprobeError(f"{path} does not exist") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise NumprobeError(f"{path} is not a complete Parquet file ({error}): delete it and run again") from error


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata that `write_table` stored, or an empty dict.

    Raises
    ------
    NumprobeError
        If the file is missing, truncated or not Parquet.
    """
    try:
        stored = pq.read_schema(path).metadata or {}
    except FileNotFoundError:
        raise NumprobeError(f"{path} does not exist") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise NumprobeError(f"{path} is not a complete Parquet file ({error}): delete it and run again") from error
    return dict(json.loads(stored.get(METADATA_KEY, b"{}")))
