"""Train the probes that need gradient descent on one model in one context (rules fit_{probe}_probe)."""

from _run import parser, prepare_torch, run, split_option  # isort: skip

import argparse
import json
from pathlib import Path
from typing import Any

from numprobe.probes.controls import CONTROLS
from numprobe.probes.fit_iterative import IterativeFit, save_iterative
from numprobe.probes.settings import DEFAULTS
from numprobe.splits import load_split


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and a split -> probes and their controls."""
    prepare_torch()
    fit = IterativeFit(
        options.probes,
        options.controls,
        options.settings,
        options.fold_limit,
        options.memory_mb,
        options.device,
    )
    save_iterative(options.activations, options.output, fit, load_split(options.split), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument("--probes", nargs="+", choices=list(DEFAULTS), required=True, help="kinds of probes")
    result.add_argument("--controls", nargs="*", choices=CONTROLS, default=[], help="controls to fit too")
    result.add_argument(
        "--settings", type=json.loads, default={}, help="JSON object of settings (docs/probes.md), for all --probes"
    )
    result.add_argument(
        "--memory-mb",
        type=float,
        default=4000,
        help="memory to use; layers that do not fit are fitted one after another",
    )
    result.add_argument("--device", default="cpu", help="where to fit: cpu, auto, cuda or cuda:N")
    result.add_argument("--fold-limit", type=int, default=1, help="how many of the folds to fit, from the first")
    split_option(result)
    result.add_argument("--output", type=Path, required=True, help="folder for {probe}[.{control}].safetensors")
    return result


if __name__ == "__main__":
    run(main, arguments())
