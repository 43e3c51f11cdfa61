"""Accuracy inside the blocks: one fit per site and block, beside the residual stream around it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.activations.store import read_manifest
from numprobe.experiments.given import Given
from numprobe.measure.accuracy import evaluate
from numprobe.measure.origin import read_card
from numprobe.probes.dataset import describe_split, training_rows
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.splits import Split
from numprobe.tables import Row, measurements, read_table

#: The residual stream before and after a block, as sites of the block.
ENTERING, LEAVING = "residual_in", "residual_out"


def evaluate_sites(given: Given) -> None:
    """Write the table of a run and context: probes of every site, beside those of the residual stream."""
    split, values, folder = given.split, given.values, given.folder("states")
    described = describe_split(split, split.folds)
    card = read_card(given.file("card"), folder)
    kinds, controls = values["probes"], values["controls"]
    rows = site_rows(folder, split, kinds, controls, described, card, given.control, values["resamples"])
    table = measurements([{"model": given.model, "context": given.context, **row} for row in rows])
    blocks = table["layer"].unique(maintain_order=True).to_list()
    given.write(table.vstack(stream_rows(read_table(given.file("accuracy")), kinds, controls, blocks)))


def site_rows(
    folder: str | Path,
    split: Split,
    kinds: Sequence[str],
    controls: Sequence[str],
    described: Mapping[str, Any],
    card: Mapping[str, Any],
    control: str,
    resamples: int,
) -> list[Row]:
    """Fit and test every site of every block of one model in one context.

    Parameters
    ----------
    folder
        States inside the blocks (`numprobe.activations.sites`).
    split
        Values and folds.
    kinds, controls
        Closed-form probes, and the controls among "shuffled" and "gaussian" that are fitted too.
    described
        The split as probes record it (`numprobe.probes.dataset.describe_split`); its seed is the study's.
    card, control, resamples
        As `numprobe.measure.accuracy.evaluate`.

    Returns
    -------
    Rows for `numprobe.tables.measurements` that lack `model` and `context`; `layer` is the number of the block.

    Raises
    ------
    NumprobeError
        If the folder is incomplete or holds too few numbers, or no row tests.
    """
    sites = dict.fromkeys(state["site"] for state in read_manifest(folder)["states"])
    seed, found = int(described["seed"]), []
    for site in sites:
        rows = training_rows(folder, split, site)
        probes = fit_closed_form(rows, split, kinds, controls, seed, {"split": described})
        _, measured = evaluate(folder, list(probes.values()), card, control, resamples, seed)
        found += [{**row, "site": site} for row in measured]
    return found


def stream_rows(
    accuracy: pl.DataFrame, kinds: Sequence[str], controls: Sequence[str], blocks: Sequence[str]
) -> pl.DataFrame:
    """Return measurements of the residual stream as rows of the blocks that it enters and leaves.

    Parameters
    ----------
    accuracy
        The accuracy table of the same model and context (`numprobe.tables.MEASUREMENT`).
    kinds
        Probes to keep; the constant answer stays too.
    controls
        Controls that were fitted for the sites.
    blocks
        Numbers of the blocks.

    Returns
    -------
    The same columns: site `residual_in`, layer k for the state k - 1, and site `residual_out`, layer k for the state k.
    """
    control = pl.col("control").is_in([*controls, "none", "untrained", "constant"])
    kept = accuracy.filter(
        control & pl.col("probe").is_in([*kinds, "constant"]) & pl.col("layer").str.contains(r"^\d+$")
    )
    leaving = kept.with_columns(site=pl.lit(LEAVING))
    entering = kept.with_columns(site=pl.lit(ENTERING), layer=(pl.col("layer").cast(pl.Int64) + 1).cast(pl.String))
    return pl.concat([entering, leaving]).filter(pl.col("layer").is_in(blocks)).select(accuracy.columns)
