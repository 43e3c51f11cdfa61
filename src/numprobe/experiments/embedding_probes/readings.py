"""Measure what embedding probes alone report: spread over folds, accuracy at the ends, and misread numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from numprobe.measure.accuracy import accuracy_row
from numprobe.tables import Row

#: Count of the smallest and of the largest numbers that are the ends.
ENDS = 10
#: One row per number that a probe misread although it was held out (docs/files.md).
NON_DECODABLE = pl.Schema(
    {
        "model": pl.String,
        "layer": pl.String,
        "probe": pl.String,
        "settings": pl.String,
        "number": pl.Int32,
        "decoded": pl.Int32,
        "fold": pl.String,
    }
)
_PROBE = ["layer", "probe", "settings"]


def fold_rows(rows: Sequence[Row]) -> list[Row]:
    """Return mean and standard deviation of the accuracies of single folds, as arXiv 2506.08966 reports.

    Parameters
    ----------
    rows
        Measurements, those of single folds (`fold` not null) among them.

    Returns
    -------
    Per layer, probe and settings with at least two folds, the metrics `fold_mean` and `fold_sd` (with n - 1). They have
    no interval: the folds share their training values, so their spread is no standard error.
    """
    folds = [row for row in rows if row.get("fold") is not None and row["metric"] == "accuracy"]
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in folds:
        found.setdefault(tuple(row[name] for name in _PROBE), []).append(row)
    return [row for key, group in found.items() if len(group) > 1 for row in _summaries(key, group)]


def _summaries(key: tuple[Any, ...], group: Sequence[Row]) -> Iterator[Row]:
    shares = np.array([row["value"] for row in group])
    names = dict(zip(_PROBE, key, strict=True))
    counts = {name: sum(row[name] for row in group) for name in ("n_values", "n_prompts")}
    for metric, value in (("fold_mean", shares.mean()), ("fold_sd", shares.std(ddof=1))):
        note = f"{len(group)} folds, point value"
        yield {**names, **counts, "metric": metric, "value": float(value), "seed": group[0]["seed"], "note": note}


def end_rows(predictions: pl.DataFrame, seed: int) -> list[Row]:
    """Return accuracies on the smallest and on the largest `ENDS` tested numbers, by layer, probe and settings.

    Probes that were tested on some of the numbers alone (fewer folds) are left out: their ends are not the ends.

    Parameters
    ----------
    predictions
        Readings with the column `settings`; those of controls are left out.
    seed
        The study's seed, for the rows.
    """
    plain = predictions.filter(pl.col("control") == "none")
    rows = []
    for part in plain.partition_by(_PROBE, maintain_order=True):
        names = {name: part[name][0] for name in _PROBE}
        tested = part["number"].unique().sort()
        if len(tested) < plain["number"].n_unique():
            continue
        for end, numbers in (("smallest", tested.head(ENDS)), ("largest", tested.tail(ENDS))):
            scored = accuracy_row(part.filter(pl.col("number").is_in(numbers.implode())), seed)
            rows.append({**names, "subset": f"{end}={ENDS}", **scored})
    return rows


def non_decodable(predictions: pl.DataFrame, model: str) -> pl.DataFrame:
    """Return the numbers that probes misread, with the columns of `NON_DECODABLE`, in the order of the probes.

    Every number is read once, by the probe that was fitted without it; a number that no fold tested is not listed.
    """
    wrong = predictions.filter((pl.col("control") == "none") & (pl.col("label") != pl.col("decoded")))
    found = wrong.with_columns(pl.lit(model).alias("model"))
    ordered = pl.concat([part.sort("number") for part in found.partition_by(_PROBE, maintain_order=True)] or [found])
    return ordered.select(pl.col(name).cast(kind) for name, kind in NON_DECODABLE.items())
