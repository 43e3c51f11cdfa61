"""Probes of one kind with different settings, side by side: the default ones and the published ones."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.measure.accuracy import evaluate
from numprobe.measure.last_token import LAST_TOKEN
from numprobe.probes.probe import Probe
from numprobe.tables import Row

#: Values of the column `settings`.
DEFAULT, PUBLISHED = "default", "published"
#: The column that tables of such probes have besides those of `numprobe.tables.MEASUREMENT`.
EXTRA = {"settings": pl.String}


def evaluate_settings(
    folder: str | Path, probes: Sequence[Probe], card: Mapping[str, Any], control: str, resamples: int, seed: int
) -> tuple[pl.DataFrame, list[Row]]:
    """As `numprobe.measure.accuracy.evaluate`, with a column `settings` in the readings and the rows.

    The constant answer and the floor of the last token are told once.
    """
    readings: list[pl.DataFrame] = []
    rows: list[Row] = []
    for settings, chosen in by_settings(probes):
        found, measured = evaluate(folder, chosen, card, control, resamples, seed)
        readings.append(found.with_columns(pl.lit(settings).alias("settings")))
        repeated = ("constant", LAST_TOKEN) if rows else ()
        rows += [{**row, "settings": settings} for row in measured if row.get("control", "none") not in repeated]
    return pl.concat(readings), rows


def by_settings(probes: Sequence[Probe]) -> Iterator[tuple[str, list[Probe]]]:
    """The probes with default settings, then those with published ones; groups without probes are left out."""
    for settings, published in ((DEFAULT, False), (PUBLISHED, True)):
        chosen = [probe for probe in probes if bool(probe.metadata.get("settings", {}).get("published")) == published]
        if chosen:
            yield settings, chosen
