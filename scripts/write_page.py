"""Write the findings of a group of experiments as a Markdown page.

Run by the rules `write_representation` and `write_manipulation`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import LIBRARY, parser, run
from numprobe.atomic import atomic_path
from numprobe.tables import read_metadata, read_table
from numprobe.tell.claims import Origin, outcomes_section, with_headlines
from numprobe.tell.independent import ORIGINS_HELP, read_origins, with_owners
from numprobe.tell.page import group_page, group_sections


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Collected tables -> page."""
    origins = read_origins(options.origins)
    tables = {path.stem: with_owners(read_table(path), origins) for path in options.tables}
    claims = read_table(options.claims)
    sections = [outcomes_section(claims, Origin.of(read_metadata(options.claims)))]
    sections += with_headlines(group_sections(tables, options.experiments), claims)
    page = group_page(options.subject, sections, provenance["script"])
    with atomic_path(options.output) as temporary:
        temporary.write_text(page)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--subject", required=True, help="what the experiments are about")
    result.add_argument("--claims", type=Path, required=True, help="table of the outcomes of claims")
    result.add_argument("--tables", type=Path, nargs="+", required=True, help="collected tables (Parquet)")
    result.add_argument("--origins", nargs="*", default=[], metavar="NAME=MODEL", help=ORIGINS_HELP)
    result.add_argument("--experiments", nargs="+", required=True, help="the study's experiments, in order")
    result.add_argument("--output", type=Path, required=True, help="Markdown file to write")
    return result


def findings_of(options: argparse.Namespace) -> list[Path]:
    """The modules that write the sections of experiments with a folder."""
    files = [LIBRARY / "experiments" / name / "findings.py" for name in options.experiments]
    return [file for file in files if file.exists()]


if __name__ == "__main__":
    run(main, arguments(), findings_of)
