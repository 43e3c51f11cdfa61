"""Store the control `mixed`: embeddings of the last tokens, turned and added up (rule extract_mixed)."""

import argparse
from pathlib import Path
from typing import Any

from _run import extraction_option, importing, parser, prepare_torch, run


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts and the rows of the input matrix -> a folder of states."""
    with importing():
        from numprobe.activations.context import described_extraction
        from numprobe.activations.mixed import extract_mixed

    prepare_torch()
    names = {"model": options.model, "context": options.context}
    extraction = described_extraction(options.extraction, options.card, (options.minimum, options.maximum), **names)
    extract_mixed(extraction, options.prompts, options.seed, options.output, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the control's run in the study")
    result.add_argument("--context", required=True, help="name of the context in the study")
    extraction_option(result)
    result.add_argument("--prompts", type=Path, required=True, help="the prompt table")
    result.add_argument("--output", type=Path, required=True, help="folder of the states")
    result.add_argument("--minimum", type=int, default=0, help="smallest number of the study")
    result.add_argument("--maximum", type=int, default=999, help="largest number of the study")
    result.add_argument("--seed", type=int, default=0, help="the study's seed, which draws the rotations")
    return result


if __name__ == "__main__":
    run(main, arguments())
