"""Read numbers of several tokens token by token and whole, on values that no probe has seen.

Run by the rule `evaluate_chunks`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.evaluation.chunks import EXTRA, chunk_rows
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States -> a table of measurements."""
    rows = chunk_rows(
        options.activations,
        options.tokens,
        options.folds,
        options.inner,
        options.controls,
        options.control,
        options.resamples,
        options.seed,
    )
    table = measurements([{"context": "multi_token", **row, "model": options.model} for row in rows], EXTRA)
    write_table(options.output, table, {**provenance, "model": options.model, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of states")
    result.add_argument("--model", required=True, help="the model's name; of an untrained control, the model's too")
    result.add_argument("--control", choices=["none", "untrained"], default="none", help="what the states are")
    result.add_argument("--controls", nargs="*", default=[], help="shuffled: fit on permuted values too")
    result.add_argument("--tokens", type=int, default=3, help="the most tokens of a number")
    result.add_argument("--folds", type=int, default=5, help="folds of the values of each token")
    result.add_argument("--inner", type=int, default=3, help="inner groups that choose the hyper-parameters")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
