"""Compare how well probes read numbers with how well they learn random labels of the numbers by heart.

Run by the rule `evaluate_selectivity`.
"""

from _run import parser, prepare_torch, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.activations.store import read_manifest
from numprobe.evaluation.selectivity import selectivity_rows
from numprobe.probes.codes import CODES
from numprobe.probes.settings import DEFAULTS
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States -> a table of measurements."""
    prepare_torch()
    manifest = read_manifest(options.activations)
    numbers = (options.minimum, options.maximum)
    rows = selectivity_rows(
        options.activations, options.probes, options.groups, numbers, options.resamples, options.seed
    )
    names = {"model": manifest["model"], "context": manifest["context"]}
    record = {**provenance, **names, "weights_sha256": manifest["weights_sha256"]}
    write_table(options.output, measurements([{**names, **row} for row in rows]), record)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of states")
    result.add_argument("--probes", nargs="+", choices=[*CODES, *DEFAULTS], required=True, help="kinds of probes")
    result.add_argument("--groups", type=int, default=4, help="groups of prompts; one tests, the others train")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
