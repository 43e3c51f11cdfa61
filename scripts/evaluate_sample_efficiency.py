"""Measure how many numbers and prompts each probe needs, and its prequential code length.

Run by the rule `evaluate_sample_efficiency`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.efficiency.run import Amounts, measure_folder
from numprobe.efficiency.summary import EXTRA
from numprobe.probes.codes import CODES
from numprobe.probes.iterative import FAMILIES
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Activations -> a table of measurements."""
    amounts = Amounts(options.values, options.prompts, options.held_out, options.orders, options.iterative_values)
    kinds = [*options.probes, *options.iterative]
    numbers = (options.minimum, options.maximum)
    rows = measure_folder(options.activations, options.layer, kinds, numbers, amounts, options.resamples, options.seed)
    named = {"model": options.model, "context": options.context, "layer": options.layer, "seed": options.seed}
    table = measurements([{**named, **row} for row in rows], EXTRA)
    write_table(options.output, table, {**provenance, **named})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name")
    result.add_argument("--context", required=True, help="the context's name")
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument("--layer", required=True, help="which state is read")
    result.add_argument("--probes", nargs="+", choices=list(CODES), required=True, help="closed-form probes")
    result.add_argument("--iterative", nargs="*", choices=list(FAMILIES), default=[], help="probes trained by descent")
    result.add_argument("--iterative-values", nargs="*", type=int, default=[], help="training numbers of --iterative")
    result.add_argument("--values", nargs="+", type=int, required=True, help="training numbers of each fit")
    result.add_argument("--prompts", nargs="+", type=int, required=True, help="training prompts per number, at most")
    result.add_argument("--held-out", type=int, required=True, help="numbers that test")
    result.add_argument("--orders", type=int, required=True, help="random orders of the numbers")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
