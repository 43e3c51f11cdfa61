"""Learn from one model which waves its numbers are written in, half by half of the numbers.

Run by the rule `learn_codes`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.errors import NumprobeError
from numprobe.evaluation.shared_code import Halves, evidence_table
from numprobe.tables import write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of one model -> how well each column of the Fourier code is predicted."""
    if len(options.contexts) != len(options.activations):
        raise NumprobeError("--contexts and --activations must name equally many, in the same order")
    halves = Halves(options.minimum, options.maximum, tuple(range(options.draws)), options.seed)
    folders = dict(zip(options.contexts, options.activations, strict=True))
    table = evidence_table(folders, options.model, halves)
    write_table(options.output, table, {**provenance, "model": options.model, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name")
    result.add_argument("--contexts", nargs="+", required=True, help="names of the contexts")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="their folders of states, in order")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--draws", type=int, default=3, help="how often the numbers are divided into halves")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of evidence to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
