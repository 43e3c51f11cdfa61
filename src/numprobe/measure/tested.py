"""The rows that test, the layer that their measurements name, and parts by the number of tokens."""

from collections.abc import Iterator

import polars as pl

from numprobe.probes.probe import GAUSSIAN_LAYER


def tested_rows(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return the readings of one probe in one layer that stand for all test rows; none if only controls were fitted.

    Probes may differ in their folds (some are fitted on one): the first with most rows is taken.
    """
    plain = predictions.filter(pl.col("control") == "none")
    if plain.is_empty():
        return plain
    counts = plain.group_by("layer", "probe", maintain_order=True).len()
    widest = counts.sort("len", descending=True, maintain_order=True).row(0, named=True)
    return plain.filter((pl.col("layer") == widest["layer"]) & (pl.col("probe") == widest["probe"]))


def plain_layers(predictions: pl.DataFrame) -> list[str]:
    """Return the layers that probes without a control read, in the order of the readings."""
    return predictions.filter(pl.col("control") == "none")["layer"].unique(maintain_order=True).to_list()


def measured_layer(layer: str) -> str | None:
    """Return the layer of a measurement from that of its readings: the Gaussian control has none."""
    return None if layer == GAUSSIAN_LAYER else layer


def token_subsets(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the subsets `tokens=k` of rows by their `number_tokens`, where several counts occur."""
    counts = rows["number_tokens"].drop_nulls().unique().sort().to_list()
    for count in counts if len(counts) > 1 else ():
        yield f"tokens={count}", rows.filter(pl.col("number_tokens") == count)
