"""Store the rows of the input and output matrix that stand for numbers (rules extract_vocabulary_*)."""

import argparse
from pathlib import Path
from typing import Any

from _run import importing, parser, run
from numprobe.models.source import parse_source


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Rows of a model's matrices -> a folder of states."""
    with importing():
        from numprobe.activations.vocabulary import extract_vocabulary

    extract_vocabulary(
        options.model,
        parse_source(options.source),
        range(options.minimum, options.maximum + 1),
        options.fewest,
        options.untrained_seed,
        options.storage_dtype,
        options.output,
        provenance,
    )


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the model in the study")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--minimum", type=int, default=0, help="smallest number")
    result.add_argument("--maximum", type=int, default=999, help="largest number")
    result.add_argument("--fewest", type=int, default=1, help="refuse a model with fewer single-token numbers")
    result.add_argument("--output", type=Path, required=True, help="folder of the states")
    result.add_argument("--untrained-seed", type=int, help="random weights drawn from this seed instead of the model's")
    result.add_argument(
        "--storage-dtype", choices=["float32", "float16", "bfloat16"], default="float32", help="type on disk"
    )
    return result


if __name__ == "__main__":
    run(main, arguments())
