"""Sums and differences in which every number meets the same partners, as prompts.

Run by the rule `make_pairs`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.prompts.crossed import crossed_pairs, crossed_prompts
from numprobe.prompts.table import write_prompts


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Range and seed -> prompt table."""
    pairs = crossed_pairs(options.minimum, options.maximum, options.per_value, options.seed)
    write_prompts(options.output, crossed_prompts(pairs), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--minimum", type=int, default=0, help="smallest number")
    result.add_argument("--maximum", type=int, default=999, help="largest number")
    result.add_argument("--per-value", type=int, default=16, help="prompts of each number")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="prompt table to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
