"""Evaluate the claims of a study on its tables and readings. Run by the rules `evaluate_*claims`."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.atomic import atomic_path
from numprobe.claims.compare import Readings
from numprobe.claims.declare import read_claims
from numprobe.claims.judge import judge, outcomes_table, verdicts_table
from numprobe.tables import read_table, write_table
from numprobe.tell.claims import Origin, claims_page


def arguments() -> argparse.ArgumentParser:
    """Options."""
    options = parser(__doc__)
    options.add_argument("--claims", type=Path, nargs="+", required=True, help="files of claims")
    options.add_argument("--experiments", nargs="+", required=True, help="experiments of the study")
    options.add_argument("--told", nargs="*", default=[], help="evaluate claims on at least one of these; else on any")
    options.add_argument("--elsewhere", nargs="*", default=[], help="leave out claims on any of these")
    options.add_argument("--tables", type=Path, nargs="*", default=[], help="collected tables")
    options.add_argument("--predictions", type=Path, nargs="*", default=[], help="readings of single rows")
    options.add_argument("--models", nargs="+", required=True, help="the models of the study")
    options.add_argument("--uncounted", nargs="*", default=[], help="checkpoints and further trainings of others")
    options.add_argument("--commit", required=True, help="commit of the files of claims")
    options.add_argument("--confirmatory", action="store_true", help="the claims stood before the study ran")
    options.add_argument("--seed", type=int, default=0, help="the study's seed")
    options.add_argument("--outcomes", type=Path, required=True, help="table of outcomes to write")
    options.add_argument("--verdicts", type=Path, required=True, help="table of comparisons to write")
    options.add_argument("--page", type=Path, required=True, help="Markdown file to write")
    return options


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables and readings -> outcomes, comparisons, page."""
    stated = read_claims(options.claims)
    claims = [
        claim
        for claim in stated.claims
        if not set(claim.experiments) & set(options.elsewhere)
        and (not options.told or set(claim.experiments) & set(options.told))
    ]
    tables = {path.stem: read_table(path) for path in options.tables}
    readings = Readings.of(options.predictions)
    results = judge(claims, options.models, options.uncounted, options.experiments, tables, readings)
    origin = Origin(options.confirmatory, options.commit, options.seed)
    said = {"commit": options.commit, "confirmatory": options.confirmatory, "seed": options.seed}
    metadata = {**provenance, **said}
    write_table(options.outcomes, outcomes_table(results), metadata)
    write_table(options.verdicts, verdicts_table(results), metadata)
    with atomic_path(options.page) as temporary:
        temporary.write_text(claims_page(results, origin, stated.choices, provenance["script"]), encoding="utf-8")


if __name__ == "__main__":
    run(main, arguments())
