"""Divide the numbers of a study into folds, once for all jobs (rule make_split)."""

import argparse
import json
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.splits import make_split, write_splits


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Settings of every split -> the file of the splits."""
    splits = {name: make_split(**parameters) for name, parameters in options.splits.items()}
    write_splits(options.output, splits, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--splits",
        type=json.loads,
        required=True,
        metavar="JSON",
        help="name of each split: {minimum, maximum, scheme, folds, inner, seed}",
    )
    result.add_argument("--output", type=Path, required=True, help="the file of the splits, results/split.json")
    return result


if __name__ == "__main__":
    run(main, arguments())
