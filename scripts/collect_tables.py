"""Join the tables of single models and contexts, and say what does not apply.

Run by the rule `collect_tables`. Writes a CSV beside the Parquet file.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.measure.collect import collect, write_csv
from numprobe.tables import read_metadata, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> one table, as Parquet and CSV."""
    table = collect([read_table(path) for path in options.tables], options.not_applicable)
    inputs = {str(path): read_metadata(path) for path in options.tables}
    write_csv(options.output.with_suffix(".csv"), table)
    write_table(options.output, table, {**provenance, "inputs": inputs})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--tables", type=Path, nargs="*", default=[], help="tables of the same kind, in order")
    result.add_argument(
        "--not-applicable",
        nargs="*",
        default=[],
        metavar="MODEL:CONTEXT:REASON",
        help="add a row without a value that says why there is no measurement",
    )
    result.add_argument("--output", type=Path, required=True, help="joined table to write (Parquet, and CSV beside it)")
    return result


if __name__ == "__main__":
    run(main, arguments())
