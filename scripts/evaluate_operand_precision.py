"""Error rates of a model by how well probes read the operands.

Run by the rule `evaluate_operand_precision`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.evaluation.operand_precision import COLUMNS, crossed_errors, precision_rows
from numprobe.probes.probe import load_probe
from numprobe.prompts.crossed import crossed_pairs
from numprobe.tables import measurements, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Answers, states and probes -> a table of measurements."""
    pairs = crossed_pairs(options.minimum, options.maximum, options.per_value, options.seed)
    errors = crossed_errors(pairs, read_table(options.answers))
    vocabulary, *contexts = options.activations
    rows = precision_rows(
        errors,
        (vocabulary, [load_probe(path) for path in options.probes]),
        [(folder, load_probe(path)) for folder, path in zip(contexts, options.readers, strict=True)],
        options.permutations,
        options.resamples,
        options.seed,
    )
    write_table(options.output, measurements([{"model": options.model, **row} for row in rows], COLUMNS), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--answers", type=Path, required=True, help="the model's answers to the pairs (Parquet)")
    result.add_argument(
        "--activations", type=Path, nargs="+", required=True, help="folders: the embedding matrices, then contexts"
    )
    result.add_argument("--probes", type=Path, nargs="+", required=True, help="probes of the embeddings, any kinds")
    result.add_argument("--readers", type=Path, nargs="*", default=[], help="fourier probes of the contexts, in order")
    result.add_argument("--minimum", type=int, default=0, help="smallest number of the pairs")
    result.add_argument("--maximum", type=int, default=999, help="largest number of the pairs")
    result.add_argument("--per-value", type=int, default=16, help="prompts of each number, as the pairs were made with")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--permutations", type=int, default=1000, help="permutations of the numbers")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the numbers")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
