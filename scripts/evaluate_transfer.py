"""Test the probe of each context in every context of the same model.

Run by the rule `evaluate_transfer`.
"""

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from _run import control_option, layers_option, parser, run
from numprobe.activations.store import read_manifest
from numprobe.errors import NumprobeError
from numprobe.measure.accuracy import in_layers
from numprobe.measure.origin import check_origin
from numprobe.measure.transfer import transfer_rows
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and probes of all contexts -> a table of measurements."""
    if not len(options.contexts) == len(options.activations) == len(options.probes):
        raise NumprobeError("--contexts, --activations and --probes must name equally many, in the same order")
    probes = dict(zip(options.contexts, map(load_probe, options.probes), strict=True))
    folders = dict(zip(options.contexts, options.activations, strict=True))
    for path, (context, probe) in zip(options.probes, probes.items(), strict=True):
        check_origin(path, probe, read_manifest(folders[context]))
    rows = transfer_rows(folders, probes, options.resamples, options.seed)
    names = {"model": options.model, "control": options.control}
    table = measurements([{**row, **names} for row in in_layers(rows, options.layers)], {"fit_context": pl.String})
    record = {**provenance, **names, "seed": options.seed, "resamples": options.resamples}
    write_table(options.output, table, record)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table, for its controls too")
    control_option(result)
    layers_option(result)
    result.add_argument("--contexts", nargs="+", required=True, help="names of the contexts")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="their folders of states, in order")
    result.add_argument("--probes", type=Path, nargs="+", required=True, help="the probe fitted in each, in order")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
