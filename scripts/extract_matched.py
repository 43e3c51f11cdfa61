"""Store the rows of the input and output matrix that stand for matched tokens (rules extract_matched_*)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.models.source import parse_source
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table of tokens -> folder of states."""
    from numprobe.activations.matched import extract_matched

    tokens = read_table(options.tokens)
    extract_matched(
        options.model, parse_source(options.source), tokens, options.storage_dtype, options.output, provenance
    )


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the model in the study")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--tokens", type=Path, required=True, help="table of matched tokens (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="folder of the states")
    result.add_argument(
        "--storage-dtype", choices=["float32", "float16", "bfloat16"], default="float32", help="type on disk"
    )
    return result


if __name__ == "__main__":
    run(main, arguments())
