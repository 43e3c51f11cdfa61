"""Fit the closed-form probes and their controls on one model in one context, all layers (rule fit_probes)."""

from _run import parser, run, split_option, threads  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.device import gpu_or_none
from numprobe.probes.codes import CODES
from numprobe.probes.controls import CONTROLS
from numprobe.probes.fit_closed_form import save_closed_form
from numprobe.splits import load_split


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and a split -> probes and their controls."""
    how = threads(), gpu_or_none(options.device)
    chosen = options.probes, options.controls
    save_closed_form(options.activations, options.output, *chosen, load_split(options.split), provenance, *how)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument("--probes", nargs="+", choices=list(CODES), required=True, help="kinds of probes")
    result.add_argument("--controls", nargs="*", choices=CONTROLS, default=[], help="controls to fit too")
    result.add_argument("--device", default="cpu", help="where to fit: cpu, auto, cuda or cuda:N")
    split_option(result)
    result.add_argument("--output", type=Path, required=True, help="folder for {probe}[.{control}].safetensors")
    return result


if __name__ == "__main__":
    run(main, arguments())
