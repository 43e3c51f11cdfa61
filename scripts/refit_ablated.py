"""Take directions away from the states of operands, and measure what a probe still reads, as it is and fitted again.

Run by the rule `refit_ablated`.
"""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.evaluation.ablated_probe import Removals, ablated_probe_rows
from numprobe.evaluation.outcomes import INTERVENTION
from numprobe.probes.dataset import training_rows
from numprobe.probes.patterns import load_patterns
from numprobe.probes.probe import load_probe
from numprobe.splits import make_split
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States, a probe and patterns -> a table of measurements."""
    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    rows, patterns = training_rows(options.activations, split), load_patterns(options.patterns)
    probe = load_probe(options.probe).in_context(patterns.metadata["context"])
    removals = Removals(tuple(options.layers), tuple(options.ranks), options.draws, options.read_folds)
    found = ablated_probe_rows(rows, probe, patterns, split, removals, options.resamples, options.seed)
    names = {"model": rows.described["model"], "context": rows.described["context"]}
    write_table(options.output, measurements([{**names, **row} for row in found], INTERVENTION), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument("--probe", type=Path, required=True, help="fourier probe that reads these states (safetensors)")
    result.add_argument("--patterns", type=Path, required=True, help="patterns of these states (safetensors)")
    result.add_argument("--layers", nargs="+", required=True, help="states from which directions are taken")
    result.add_argument("--ranks", nargs="+", type=int, required=True, help="how many directions are taken away")
    result.add_argument("--draws", type=int, default=3, help="random subspaces of every rank")
    result.add_argument("--read-folds", type=int, default=3, help="how many folds are read, the first ones")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
