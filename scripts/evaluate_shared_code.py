"""Read one model's numbers with a code that was learned on other models.

Run by the rule `evaluate_shared_code`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.errors import NumprobeError
from numprobe.evaluation.accuracy import single_token_ranges
from numprobe.evaluation.shared_code import EXTRA, Halves, pooled_evidence, shared_code_rows, untrained_rows
from numprobe.sealed import read_sealed_json
from numprobe.tables import measurements, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of the target and evidence of other models -> a table of measurements."""
    if len(options.sources) != len(options.evidence):
        raise NumprobeError("--sources and --evidence must name equally many, in the same order")
    halves = Halves(options.minimum, options.maximum, tuple(range(options.draws)), options.seed)
    tables = zip(options.sources, map(read_table, options.evidence), strict=True)
    sources = {name: pooled_evidence(table) for name, table in tables}
    ranges = single_token_ranges(read_sealed_json(options.card), options.minimum, options.maximum)
    folders = _by_context(options.contexts, options.activations)
    rows = shared_code_rows(folders, sources, options.model, halves, ranges, options.resamples)
    if options.untrained:
        untrained = _by_context(options.contexts, options.untrained)
        rows += untrained_rows(untrained, sources, options.model, halves, options.resamples)
    table = measurements([{"model": options.model, **row} for row in rows], EXTRA)
    record = {**provenance, "model": options.model, "seed": options.seed, "resamples": options.resamples}
    write_table(options.output, table, record)


def _by_context(contexts: list[str], folders: list[Path]) -> dict[str, Path]:
    if len(contexts) != len(folders):
        raise NumprobeError("--contexts, --activations and --untrained must name equally many, in the same order")
    return dict(zip(contexts, folders, strict=True))


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the target's name")
    result.add_argument("--contexts", nargs="+", required=True, help="names of the contexts")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="their folders of states, in order")
    result.add_argument(
        "--untrained", type=Path, nargs="*", default=[], help="those of the untrained control, in order"
    )
    result.add_argument("--sources", nargs="+", required=True, help="names of the models to learn the code from")
    result.add_argument("--evidence", type=Path, nargs="+", required=True, help="what learn_codes wrote, in order")
    result.add_argument("--card", type=Path, required=True, help="the target's card (JSON)")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--draws", type=int, default=3, help="how often the numbers are divided into halves")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
