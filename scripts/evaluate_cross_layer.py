"""Read each layer with the probes of the other layers, one by one and fitted together (rule evaluate_cross_layer)."""

from _run import control_option, parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.evaluation.cross_layer import cross_layer_rows
from numprobe.evaluation.origin import check_origin
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.probe import load_probe
from numprobe.splits import make_split
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and probes of one context -> a table of measurements."""
    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    described = describe_split(split, options.scheme, options.seed, [whole_fold(split), *split.folds])
    rows = training_rows(options.activations, split)
    names = {"model": options.model, "context": rows.described["context"]}
    probes = [load_probe(path) for path in options.probes]
    for path, probe in zip(options.probes, probes, strict=True):
        check_origin(path, probe, rows.described)
    settings = {"resamples": options.resamples, "seed": options.seed}
    found = cross_layer_rows(
        rows, split, probes, options.control, options.left_out, options.per_value, described, **settings
    )
    extra = {"fit_layer": pl.String, "normalisation": pl.String}
    table = measurements([{**names, **row} for row in found], extra)
    write_table(options.output, table, {**provenance, **names, **settings, "per_value": options.per_value})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of states")
    result.add_argument("--probes", type=Path, nargs="+", required=True, help="its probe, then that of shuffled labels")
    result.add_argument("--model", required=True, help="the model's name in the table, for its untrained control too")
    control_option(result)
    result.add_argument("--left-out", action="store_true", help="also fit on all layers but one, and read that one")
    result.add_argument("--per-value", type=int, default=2, help="test rows of each number for pairs of layers")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
