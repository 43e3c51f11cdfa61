"""Store the hidden states at every number of a prompt table, all layers in one pass (rules extract_activations_*)."""

import argparse
from pathlib import Path
from typing import Any

from _run import importing, parser, prepare_torch, run
from numprobe.models.source import parse_source


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts and a model -> a folder of states."""
    with importing():
        from numprobe.activations.context import extract_context

    prepare_torch()
    extract_context(extraction(options), options.prompts, options.output, provenance)


def extraction(options: argparse.Namespace) -> Any:
    """Return the extraction that the options describe."""
    from numprobe.activations.context import Extraction
    from numprobe.activations.sharing import chosen_sharing

    return Extraction(
        model=options.model,
        context=options.context,
        source=parse_source(options.source),
        layers=options.layers,
        expected_layers=options.expected_layers,
        untrained_seed=options.untrained_seed,
        storage_dtype=options.storage_dtype,
        dtype=options.dtype,
        device=options.device,
        batch_tokens=options.batch_tokens,
        share_prefixes=options.share_prefixes == "auto",
        shares=chosen_sharing(options.card),
        values=range(options.minimum, options.maximum + 1),
    )


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the model in the study")
    result.add_argument("--context", required=True, help="name of the context in the study")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--prompts", type=Path, required=True, help="the prompt table")
    result.add_argument("--output", type=Path, required=True, help="folder of the states")
    result.add_argument("--minimum", type=int, default=0, help="the study's smallest number")
    result.add_argument("--maximum", type=int, default=999, help="the study's largest number")
    result.add_argument("--layers", nargs="+", metavar="LAYER", help="0, 1, ..., final_norm (default: all)")
    result.add_argument("--expected-layers", type=int, help="refuse a model with another number of layers")
    result.add_argument("--untrained-seed", type=int, help="random weights drawn from this seed instead of the model's")
    result.add_argument(
        "--storage-dtype", choices=["float32", "float16", "bfloat16"], default="float32", help="type on disk"
    )
    result.add_argument(
        "--dtype",
        choices=["auto", "float32", "bfloat16", "float16"],
        default="float32",
        help="type of the weights in the forward pass; auto: as they are stored",
    )
    result.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    result.add_argument("--batch-tokens", type=int, default=16384, help="tokens in one batch at the most")
    result.add_argument(
        "--share-prefixes",
        choices=["auto", "never"],
        default="auto",
        help="auto: compute shared prefixes once, where that saves a fifth of the tokens",
    )
    result.add_argument(
        "--card",
        type=Path,
        help="the model's card, which says whether a type that is not listed shares prefixes rightly",
    )
    return result


if __name__ == "__main__":
    run(main, arguments())
