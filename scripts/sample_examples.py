"""Sample decoded numbers in their texts, for people to read.

Run by the rule `sample_examples`.
"""

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from _run import parser, run
from numprobe.evaluation.examples import sample_examples
from numprobe.tables import read_metadata, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Decoded rows and their prompts -> a small table."""
    origin = read_metadata(options.predictions)
    names = {name: origin[name] for name in ("model", "context")}
    table = sample_examples(
        read_table(options.predictions), read_table(options.prompts), options.per_group, options.seed
    )
    named = table.select(*(pl.lit(value).alias(name) for name, value in names.items()), pl.all())
    write_table(options.output, named, {**provenance, **names, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--predictions", type=Path, required=True, help="decoded rows of a model in a context")
    result.add_argument("--prompts", type=Path, required=True, help="the context's prompts")
    result.add_argument("--per-group", type=int, default=120, help="rows per layer")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
