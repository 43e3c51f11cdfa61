"""Store the hidden states at every number of a prompt table, all layers in one pass (rules extract_activations_*)."""

import argparse
from pathlib import Path
from typing import Any

from _run import extraction_option, importing, parser, prepare_torch, run


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts and a model -> a folder of states."""
    with importing():
        from numprobe.activations.context import described_extraction, extract_context

    prepare_torch()
    names = {"model": options.model, "context": options.context, "layers": options.layers}
    numbers = options.minimum, options.maximum
    extraction = described_extraction(options.extraction, options.card, numbers, **names)
    extract_context(extraction, options.prompts, options.output, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the model in the study")
    result.add_argument("--context", required=True, help="name of the context in the study")
    extraction_option(result)
    result.add_argument("--prompts", type=Path, required=True, help="the prompt table")
    result.add_argument("--output", type=Path, required=True, help="folder of the states")
    result.add_argument("--minimum", type=int, default=0, help="the study's smallest number")
    result.add_argument("--maximum", type=int, default=999, help="the study's largest number")
    result.add_argument("--layers", nargs="+", metavar="LAYER", help="0, 1, ..., final_norm (default: all)")
    return result


if __name__ == "__main__":
    run(main, arguments())
