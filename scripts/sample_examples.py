"""Sample decoded numbers in their texts, for people to read.

Run by the rule `sample_examples`.
"""

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from _run import parser, run
from numprobe.errors import NumprobeError
from numprobe.measure.collect import collect, write_csv
from numprobe.measure.examples import sample_examples
from numprobe.measure.predict import PREDICTION
from numprobe.prompts.table import read_prompts
from numprobe.tables import read_metadata, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Decoded rows and their prompts -> one small table, as Parquet and CSV."""
    if len(options.predictions) != len(options.prompts):
        raise NumprobeError(
            "--predictions and --prompts must name as many files, one of prompts for each of predictions"
        )
    pairs = zip(options.predictions, options.prompts, strict=True)
    table = collect([sample(*pair, options) for pair in pairs], options.not_applicable)
    write_table(options.output, table, {**provenance, "seed": options.seed})
    write_csv(options.output.with_suffix(".csv"), table)


def sample(predictions: Path, prompts: Path, options: argparse.Namespace) -> pl.DataFrame:
    """The sample of one model in one context, with both names."""
    origin = read_metadata(predictions)
    names = [pl.lit(origin[name]).alias(name) for name in ("model", "context")]
    table = sample_examples(read_table(predictions, PREDICTION), read_prompts(prompts), options.per_group, options.seed)
    return table.select(*names, pl.all())


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="decoded rows of models in contexts, a file each"
    )
    result.add_argument("--prompts", type=Path, nargs="+", required=True, help="prompts of each of these contexts")
    result.add_argument(
        "--not-applicable",
        nargs="*",
        default=[],
        metavar="MODEL:CONTEXT:REASON",
        help="what the table shows as skipped",
    )
    result.add_argument("--per-group", type=int, default=120, help="rows per layer")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table to write (Parquet; a CSV goes beside it)")
    return result


if __name__ == "__main__":
    run(main, arguments())
