"""Measure whether the subspace from which a number is read is the one that the model uses.

Run by the rule `evaluate_causal_subspace`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import load_asker, model_arguments
from _run import run
from numprobe.interventions.subspaces import load_subspaces
from numprobe.probes.patterns import load_patterns
from numprobe.probes.probe import load_probe
from numprobe.splits import make_split
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model, trained bases, a probe and its patterns -> a table of measurements."""
    from numprobe.evaluation.causal_subspace import EXTRA, Study, causal_subspace_rows

    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    probe, patterns = load_probe(options.probe), load_patterns(options.patterns)
    learned = load_subspaces(options.subspaces)
    asker = load_asker(options)
    study = Study(split, probe, patterns, options.random, options.resamples, options.seed)
    names = {"model": options.model, "context": learned.metadata["context"]}
    rows = [{**names, **row} for row in causal_subspace_rows(asker, learned, study)]
    write_table(options.output, measurements(rows, EXTRA), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = model_arguments(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--subspaces", type=Path, required=True, help="trained bases (safetensors)")
    result.add_argument(
        "--probe", type=Path, required=True, help="fourier probe that reads the operand at its own token"
    )
    result.add_argument("--patterns", type=Path, required=True, help="patterns of the operand's states (safetensors)")
    result.add_argument("--random", type=int, default=5, help="random subspaces")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the results")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
