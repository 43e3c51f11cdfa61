"""Store the control `mixed`: embeddings of the last tokens, turned and added up (rule extract_mixed)."""

import argparse
from pathlib import Path
from typing import Any

from _run import importing, parser, prepare_torch, run
from numprobe.models.source import parse_source


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts and the rows of the input matrix -> a folder of states."""
    with importing():
        from numprobe.activations.context import Extraction
        from numprobe.activations.mixed import extract_mixed
        from numprobe.activations.sharing import chosen_sharing

    prepare_torch()
    extraction = Extraction(
        model=options.model,
        context=options.context,
        source=parse_source(options.source),
        storage_dtype=options.storage_dtype,
        shares=chosen_sharing(options.card),
        values=range(options.minimum, options.maximum + 1),
    )
    extract_mixed(extraction, options.prompts, options.seed, options.output, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the control's run in the study")
    result.add_argument("--context", required=True, help="name of the context in the study")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--prompts", type=Path, required=True, help="the prompt table")
    result.add_argument("--output", type=Path, required=True, help="folder of the states")
    result.add_argument("--card", type=Path, help="the model's card, as for extract_activations")
    result.add_argument("--minimum", type=int, default=0, help="smallest number of the study")
    result.add_argument("--maximum", type=int, default=999, help="largest number of the study")
    result.add_argument("--seed", type=int, default=0, help="the study's seed, which draws the rotations")
    result.add_argument(
        "--storage-dtype", choices=["float32", "float16", "bfloat16"], default="float32", help="type on disk"
    )
    return result


if __name__ == "__main__":
    run(main, arguments())
