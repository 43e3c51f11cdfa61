"""Rows of probes that read several layers."""

from collections.abc import Iterator, Sequence

import polars as pl

from numprobe.measure.accuracy import accuracy_row, score
from numprobe.tables import Row


def layer_rows(predictions: pl.DataFrame, metrics: Sequence[str], resamples: int, seed: int) -> Iterator[Row]:
    """Yield the scores of one probe in each layer (columns `layer`, `probe`, `control` and the metric's)."""
    for part in predictions.partition_by("layer", maintain_order=True):
        names = {name: part[name][0] for name in ("layer", "probe", "control")}
        yield from ({**names, **row} for row in score(part, metrics, resamples, seed))


def layer_accuracies(predictions: pl.DataFrame, seed: int) -> Iterator[Row]:
    """Yield the accuracy of one probe in each layer, with the columns of `layer_rows`."""
    for part in predictions.partition_by("layer", maintain_order=True):
        yield {**{name: part[name][0] for name in ("layer", "probe", "control")}, **accuracy_row(part, seed)}


def marked(rows: Sequence[Row], control: str) -> list[Row]:
    """Return the rows; those of a control are marked, without the constant answer, which does not depend on weights."""
    if control == "none":
        return list(rows)
    return [{**row, "control": control} for row in rows if row.get("control") != "constant"]
