"""Describe one model: layers, width, checksums, how it writes numbers, and whether what texts begin with may be run
once (rule describe_model).
"""

import argparse
from pathlib import Path
from typing import Any

from _run import importing, parser, run
from numprobe.models.facts import check_layers, check_single_tokens, check_width
from numprobe.models.source import parse_source
from numprobe.sealed import write_sealed_json


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model -> card, checked against what the configuration says."""
    with importing():
        from numprobe.activations.sharing import describe_sharing
        from numprobe.models.card import model_card
        from numprobe.models.load import load_tokenizer

    source = parse_source(options.source)
    numbers = options.minimum, options.maximum
    card = model_card(options.name, source, load_tokenizer(source), *numbers, provenance, options.matrices)
    check_layers(card["layers"], options.layers)
    check_width(card["width"], options.width)
    check_single_tokens(card["single_token_numbers"]["count"], options.single_tokens)
    if options.share_prefixes == "auto":
        card["prefixes"] = describe_sharing(source, options.dtype, options.device)
    write_sealed_json(options.output, card)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--name", required=True, help="name of the model in the study")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--minimum", type=int, default=0, help="smallest number")
    result.add_argument("--maximum", type=int, default=999, help="largest number")
    result.add_argument("--layers", type=int, help="refuse a model with another number of layers")
    result.add_argument("--matrices", nargs="+", metavar="LAYER", help="refuse a model with other matrices")
    result.add_argument("--width", type=int, help="refuse a model with another width")
    result.add_argument("--dtype", default="float32", help="type of the weights, where the model is run")
    result.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or map=..., where the model is run")
    result.add_argument(
        "--share-prefixes",
        choices=["auto", "never"],
        default="auto",
        help="auto: a model of a type that is not known to share prefixes correctly is run both ways, and compared",
    )
    result.add_argument("--single-tokens", type=int, help="refuse a model of which other numbers are single tokens")
    result.add_argument("--output", type=Path, required=True, help="card to write (JSON)")
    return result


if __name__ == "__main__":
    run(main, arguments())
