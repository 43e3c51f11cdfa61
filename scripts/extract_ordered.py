"""Store the states of words with an order, all layers and the embeddings (rules extract_ordered_*)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, prepare_torch, run
from numprobe.models.source import parse_source


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model -> folder of states."""
    from numprobe.activations.ordered import extract_ordered

    prepare_torch()
    extract_ordered(
        options.model,
        parse_source(options.source),
        options.sets,
        options.layers,
        options.untrained_seed,
        options.storage_dtype,
        (options.device, options.dtype),
        options.output,
        provenance,
    )


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="name of the model in the study")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--sets", nargs="+", required=True, help="names of the sets of words")
    result.add_argument("--layers", nargs="*", default=[], metavar="LAYER", help="0, 1, ..., final_norm (default: all)")
    result.add_argument("--untrained-seed", type=int, help="random weights drawn from this seed instead of the model's")
    result.add_argument(
        "--storage-dtype", choices=["float32", "float16", "bfloat16"], default="float32", help="type on disk"
    )
    result.add_argument(
        "--dtype", choices=["auto", "float32", "bfloat16", "float16"], default="float32", help="type of the weights"
    )
    result.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    result.add_argument("--output", type=Path, required=True, help="folder of the states")
    return result


if __name__ == "__main__":
    run(main, arguments())
