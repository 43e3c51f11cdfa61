"""How well a probe reads, stored in its own metadata: for probes that leave the study that measured them."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from numprobe.errors import NumprobeError

#: Key of the metadata.
MEASURED = "measured"
#: One row per layer, control and metric; the columns mean the same as in `numprobe.tables.MEASUREMENT`.
MEASURED_COLUMNS = pl.Schema(
    {
        "layer": pl.String,
        "control": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "ci_low": pl.Float64,
        "ci_high": pl.Float64,
        "n_values": pl.UInt32,
        "n_prompts": pl.UInt32,
    }
)
_METRICS = ("accuracy", "mae", "r2")


def measured_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is stored of rows of measurements of one probe: all rows and folds together, no subsets.

    Parameters
    ----------
    rows
        Rows for `numprobe.tables.measurements`, which may leave columns out.
    """
    whole = [row for row in rows if row.get("subset", "all") == "all" and row.get("fold") is None]
    chosen = [row for row in whole if row["metric"] in _METRICS]
    return [{name: row.get(name, "none" if name == "control" else None) for name in MEASURED_COLUMNS} for row in chosen]


def measured_table(metadata: Mapping[str, Any]) -> pl.DataFrame:
    """Return the measurements in a probe's metadata, with the columns `MEASURED_COLUMNS`.

    Raises
    ------
    NumprobeError
        If there are none.
    """
    if MEASURED not in metadata:
        raise NumprobeError(
            "this probe file holds no measurements; those of a study are in results/tables/accuracy.parquet "
            "(numprobe.read_table), and probes that are published carry them"
        )
    return pl.DataFrame(metadata[MEASURED], schema=MEASURED_COLUMNS)


def best_layer(accuracy: pl.DataFrame) -> dict[str, Any] | None:
    """Return the row of the layer that is read best, the first of several; None if no layer can be read.

    Parameters
    ----------
    accuracy
        `Probe.accuracy`.
    """
    read = accuracy.filter((pl.col("control") == "none") & pl.col("value").is_not_null())
    if read.is_empty():
        return None
    return read.sort("value", descending=True, maintain_order=True).row(0, named=True)
