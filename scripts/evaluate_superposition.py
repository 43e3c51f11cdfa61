"""Plant several numbers in one vector and read them back (rule evaluate_superposition)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.evaluation.superposition import EXTRA, superposition_rows
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """A table of measurements."""
    table = measurements(superposition_rows(options.resamples, options.seed), EXTRA)
    write_table(options.output, table, {**provenance, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
