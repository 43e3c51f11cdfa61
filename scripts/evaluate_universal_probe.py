"""Measure the price of one probe for all layers and contexts (rule evaluate_universal_probe)."""

from _run import control_option, layers_option, parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.evaluation.accuracy import in_layers
from numprobe.evaluation.universal import universal_rows
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and probes of all contexts -> a table of measurements."""
    if not len(options.contexts) == len(options.activations) == len(options.own):
        raise NumprobeError("--contexts, --activations and --own must name equally many, in the same order")
    folders = dict(zip(options.contexts, options.activations, strict=True))
    own = dict(zip(options.contexts, map(load_probe, options.own), strict=True))
    variants, universal = ([load_probe(path) for path in paths] for paths in (options.variants, options.universal))
    settings = {"resamples": options.resamples, "seed": options.seed}
    found = universal_rows(folders, own, variants, universal, options.control, **settings)
    placed = in_layers([row for row in found if "layer" in row], options.layers)
    found = placed + [row for row in found if "layer" not in row]
    extra = {"fitted_on": pl.String, "normalisation": pl.String}
    table = measurements([{"model": options.model, **row} for row in found], extra)
    write_table(options.output, table, {**provenance, "model": options.model, **settings})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--contexts", nargs="+", required=True, help="names of the contexts")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="their folders of states, in order")
    result.add_argument("--own", type=Path, nargs="+", required=True, help="their probes of single layers, in order")
    result.add_argument("--variants", type=Path, nargs="+", required=True, help="probes of several layers and contexts")
    result.add_argument("--universal", type=Path, nargs="+", required=True, help="the universal probe and its controls")
    result.add_argument("--model", required=True, help="the model's name in the table, for its controls too")
    control_option(result)
    layers_option(result)
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
