"""Write the main findings as a page of tables in Markdown. Run by the rule `write_findings`."""

import argparse
from pathlib import Path
from typing import Any

from _run import LIBRARY, parser, run
from numprobe.atomic import atomic_path
from numprobe.tables import read_metadata, read_table
from numprobe.tell.accuracy import accuracy_sections, arithmetic_section
from numprobe.tell.claims import Origin, outcomes_section, with_headlines
from numprobe.tell.independent import ORIGINS_HELP, read_origins, with_owners
from numprobe.tell.page import main_page
from numprobe.tell.sections import section_of


def arguments() -> argparse.ArgumentParser:
    """The options of this program."""
    options = parser(__doc__)
    options.add_argument("--accuracy", required=True, help="collected table of accuracies")
    options.add_argument("--claims", required=True, help="table of the outcomes of claims")
    options.add_argument("--chosen", help="collected table of accuracies at the layers that inner values chose")
    options.add_argument("--transfer", help="collected table of the experiment transfer")
    options.add_argument("--experiments", nargs="*", default=[], help="further experiments with a section")
    options.add_argument("--tables", type=Path, nargs="*", default=[], help="collected tables that these read")
    options.add_argument("--origins", nargs="*", default=[], metavar="NAME=MODEL", help=ORIGINS_HELP)
    options.add_argument("--logs", nargs="*", default=[], help="training logs of the trained models")
    options.add_argument("--probe", required=True, help="the probe that is shown layer by layer")
    options.add_argument("--output", required=True, type=Path, help="Markdown file to write")
    return options


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Read the tables and write the page."""
    logs = [read_table(log) for log in options.logs]
    others = [read_table(path) if path else None for path in (options.chosen, options.transfer)]
    origins = read_origins(options.origins)
    tables = {path.stem: with_owners(read_table(path), origins) for path in options.tables}
    claims = read_table(options.claims)
    sections = [outcomes_section(claims, Origin.of(read_metadata(options.claims)))]
    sections += accuracy_sections(read_table(options.accuracy), options.probe, *others)
    sections += with_headlines((section_of(name, tables) for name in options.experiments), claims)
    sections += [arithmetic_section(logs)] if logs else []
    page = main_page(sections, provenance["script"])
    with atomic_path(options.output) as temporary:
        temporary.write_text(page)


if __name__ == "__main__":
    run(
        main,
        arguments(),
        lambda options: [LIBRARY / "experiments" / name / "findings.py" for name in options.experiments],
    )
