"""Read the places of words in their sets, and what the probe of digits reads in them (rule `evaluate_ordinals`)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.evaluation.ordinals import EXTRA, Effort, ordinal_rows
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of words, probes of numbers -> a table of measurements."""
    effort = Effort(options.permutations, options.resamples, options.seed)
    rows = ordinal_rows(options.states, options.untrained, options.probes, effort)
    table = measurements([{"model": options.model, **row} for row in rows], EXTRA)
    write_table(options.output, table, {**provenance, "model": options.model, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name")
    result.add_argument("--states", type=Path, required=True, help="folder of the states of its words")
    result.add_argument("--untrained", type=Path, help="the same of its untrained control")
    result.add_argument("--probes", type=Path, nargs="*", default=[], help="probes that were fitted on numbers")
    result.add_argument("--permutations", type=int, default=200, help="permutations of the order of each set")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the words")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
