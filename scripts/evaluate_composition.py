"""Measure how much of the states of numbers is additive in their digits (rule evaluate_composition)."""

from _run import layers_option, parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.activations.store import read_manifest
from numprobe.errors import NumprobeError
from numprobe.evaluation.accuracy import in_layers
from numprobe.evaluation.composition import EXTRA, composition_rows
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of a model and its controls in all contexts -> a table of measurements."""
    if len(options.controls) != len(options.activations):
        counts = f"{len(options.controls)} controls for {len(options.activations)} folders"
        raise NumprobeError(f"--controls: {counts}; name one per folder: none, untrained or mixed")
    rows = []
    for folder, control in zip(options.activations, options.controls, strict=True):
        context = read_manifest(folder)["context"]
        noise_free = context in options.one_state
        found = composition_rows(folder, noise_free, control, options.minimum, options.maximum, options.seed)
        layers = options.layers if control == "mixed" else ()
        rows += [{"model": options.model, "context": context, **row} for row in in_layers(found, layers)]
    write_table(options.output, measurements(rows, EXTRA), {**provenance, "model": options.model, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="folders of states")
    result.add_argument(
        "--controls", choices=["none", "untrained", "mixed"], nargs="+", required=True,
        help="whose states each of the folders holds: the model's (none), or those of a control",
    )  # fmt: skip
    result.add_argument("--model", required=True, help="the model's name in the table, for its controls too")
    layers_option(result)
    result.add_argument(
        "--one-state", nargs="*", default=[], metavar="CONTEXT", help="contexts whose states depend on the number alone"
    )
    result.add_argument("--minimum", type=int, default=0, help="smallest number of the study")
    result.add_argument("--maximum", type=int, default=999, help="largest number of the study")
    result.add_argument("--seed", type=int, default=0, help="the study's seed: divides the prompts into halves")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
