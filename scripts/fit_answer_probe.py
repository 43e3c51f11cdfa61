"""Fit a probe of what a model answers, whose labels are its answers in place of the true results.

Run by the rule `fit_answer_probe`.
"""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.probes.codes import CODES
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_answers import fit_answer_probe
from numprobe.prompts.examples import numbers_written, read_examples
from numprobe.splits import make_split
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and answers -> a probe."""
    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    folds = [whole_fold(split), *split.folds]
    metadata = {"split": describe_split(split, options.scheme, options.seed, folds), "provenance": provenance}
    rows, answers = training_rows(options.activations, split), read_table(options.answers)
    left_out = numbers_written(read_examples(options.answers))
    fit_answer_probe(rows, answers, split, options.probe, metadata, left_out).save(options.output)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument("--answers", type=Path, required=True, help="table of the model's answers (Parquet)")
    result.add_argument("--probe", choices=list(CODES), default="fourier", help="kind of probe")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--output", type=Path, required=True, help="probe to write (safetensors)")
    return result


if __name__ == "__main__":
    run(main, arguments())
