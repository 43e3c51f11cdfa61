"""Fit one probe for all layers, and for all layers and contexts, of one model (rule fit_universal_probe)."""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.universal import fit_universal
from numprobe.splits import make_split


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of all contexts -> the universal probe, its control, and its variants."""
    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    rows = {
        context: training_rows(path, split) for context, path in zip(options.contexts, options.activations, strict=True)
    }
    folds = [whole_fold(split), *split.folds]
    metadata = {"split": describe_split(split, options.scheme, options.seed, folds), "provenance": provenance}
    probes = fit_universal(rows, split, options.controls, options.leave_out, options.seed, metadata)
    for name, probe in probes.items():
        probe.save(options.output / f"{name}.safetensors")


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--contexts", nargs="+", required=True, help="names of the contexts")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="their folders of states, in order")
    result.add_argument("--controls", nargs="*", choices=["shuffled"], default=[], help="controls to fit too")
    result.add_argument("--leave-out", nargs="*", default=[], help="layers that are read but take no part in the fit")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--output", type=Path, required=True, help="folder for the probes")
    return result


if __name__ == "__main__":
    run(main, arguments())
