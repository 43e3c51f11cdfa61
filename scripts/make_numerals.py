"""Make the prompts with numbers of several tokens (rule make_numerals)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.prompts.numerals import FORMATS, numeral_prompts
from numprobe.tables import write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Generate and write the table."""
    table = numeral_prompts(options.seed, options.formats, options.groups, options.rows)
    write_table(options.output, table, {**provenance, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--formats", nargs="+", choices=FORMATS, required=True, help="what the texts look like")
    result.add_argument("--groups", type=int, default=3, help="most groups of three digits in a number")
    result.add_argument("--rows", type=int, default=2000, help="prompts per format and number of groups")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="the table to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
