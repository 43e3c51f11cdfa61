"""Write the page on which the tables of a study are explored.

Run by the rules `write_explorer` and `write_GROUP_explorer`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.atomic import atomic_path
from numprobe.explorer.findings import sections_by_experiment
from numprobe.explorer.page import Shown, explorer_page
from numprobe.explorer.vega import vega_script
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Collected tables and pages of findings -> page."""
    experiments = [Shown(**entry) for entry in json.loads(options.experiments)]
    findings: dict[str, str] = {}
    for page in options.findings:
        findings |= sections_by_experiment(page.read_text(encoding="utf-8"), options.unnamed)
    tables = {path.stem: read_table(path) for path in options.tables}
    page = explorer_page(experiments, tables, findings, vega_script())
    with atomic_path(options.output) as temporary:
        temporary.write_text(page, encoding="utf-8")


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--experiments", required=True, metavar="JSON", help="list of experiments with `name`, `title` and `tables`"
    )
    result.add_argument("--tables", type=Path, nargs="+", required=True, help="collected tables (Parquet)")
    result.add_argument("--findings", type=Path, nargs="*", default=[], help="pages of findings (Markdown)")
    result.add_argument("--unnamed", default="", help="experiment of the sections whose heading names none")
    result.add_argument("--output", type=Path, required=True, help="HTML file to write")
    return result


if __name__ == "__main__":
    run(main, arguments())
