"""Collect the probes of a model from a study, each with what the study measured of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.probes.measured import MEASURED, measured_rows
from numprobe.probes.probe import ALL, Probe, load_probe
from numprobe.runs import Run
from numprobe.tables import read_metadata, read_table

# Columns that a table of measurements must have.
_TABLE = ("layer", "probe", "control", "subset", "fold", "metric", "value", "ci_low", "ci_high")
_UNIVERSAL = "universal"
# Rivals of every probe, which stand in the table under names of their own.
_RIVALS = ("constant", "last_token")


def probes_of_study(folder: str | Path, folds: bool = False) -> Iterator[Probe]:
    """Yield the probes of a model in all contexts, with their measurements; one at a time is in memory.

    The controls, the probes of experiments and those of answers stay behind: published numbers say what they read.

    Parameters
    ----------
    folder
        `results/probes/MODEL` of a finished study.
    folds
        Whether the probes of single folds, which leave numbers out, are kept beside the probe of all numbers.

    Raises
    ------
    NumprobeError
        If there are no probes or those of a control, or their measurements are missing or of other weights.
    """
    folder = Path(folder)
    if Run.parse(folder.name).control != "none":
        raise NumprobeError(
            f"{folder} holds probes of a control: name those of its model, {Run.parse(folder.name).model}"
        )
    # Controls and probes of answers have a second ending; the universal probe, of several contexts, a table of its own.
    files = [file for file in sorted(folder.glob("*/*.safetensors")) if "." not in file.stem]
    files = [file for file in files if file.parent.name != _UNIVERSAL]
    if not files:
        raise NumprobeError(f"{folder} holds no probes of a model: name results/probes/MODEL of a finished study")
    for file in files:
        probe = load_probe(file)
        yield _leaving(probe, _measured(file, probe), folds)


def _measured(file: Path, probe: Probe) -> list[dict[str, Any]]:
    """Return the measurements of a probe, and of the model's controls in the same context."""
    context, model = file.parent.name, file.parent.parent.name
    tables = file.parents[3] / "tables" / "accuracy"
    own = tables / model / f"{context}.parquet"
    table = read_table(own, _TABLE)
    measured, fitted = read_metadata(own).get("weights_sha256"), probe.metadata.get("weights_sha256")
    if measured != fitted:
        raise NumprobeError(
            f"{file} was fitted on other weights (sha256 {fitted}) than {own} was measured on ({measured}): run the "
            "study again"
        )
    runs = [path.parent.name for path in sorted(tables.glob(f"*/{context}.parquet"))]
    controls = [run for run in runs if run != model and Run.parse(run).model == model]
    parts = [table, *(read_table(tables / run / f"{context}.parquet", _TABLE) for run in controls)]
    wanted = (pl.col("probe") == probe.kind) | pl.col("control").is_in(_RIVALS)
    rows = measured_rows(row for part in parts for row in part.filter(wanted).iter_rows(named=True))
    # The rows of `mixed` stand in each layer of the model, those of `gaussian` in none; others may have more layers.
    read = {*probe.layers, *probe.constant, None}
    return [row for row in rows if row["layer"] in read]


def _leaving(probe: Probe, measured: list[dict[str, Any]], folds: bool) -> Probe:
    """Return the probe as it leaves the study: with its measurements, without paths of this machine."""
    metadata: dict[str, Any] = {**probe.metadata, MEASURED: measured}
    source = metadata.get("source")
    if source and source.get("path"):
        metadata["source"] = {**source, "path": Path(source["path"]).name}
    if folds or ALL not in probe.folds:
        return replace(probe, metadata=metadata)
    # Copies, because the arrays of a file are views of all its bytes.
    kept = {place: arrays for place, arrays in probe.tensors.items() if place[1] == ALL}
    tensors = {place: {name: array.copy() for name, array in arrays.items()} for place, arrays in kept.items()}
    return replace(probe, metadata=metadata, folds=(ALL,), tensors=tensors)
