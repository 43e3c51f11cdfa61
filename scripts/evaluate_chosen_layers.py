"""Accuracy at the layer that inner values choose, of a model and its controls (rule evaluate_chosen_layers)."""

import argparse
from pathlib import Path
from typing import Any

from _run import CONTROL_RUNS, parser, run
from numprobe.activations.store import read_manifest
from numprobe.errors import NumprobeError
from numprobe.measure.chosen_layers import EXTRA, Run, chosen_layer_rows
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and probes of a model and its controls in all contexts -> a table of measurements."""
    runs = _runs(options)
    rows = chosen_layer_rows(runs, options.kinds, options.transferred, options.seed)
    table = measurements([{"model": options.model, **row} for row in rows], EXTRA)
    record = {**provenance, "model": options.model, "seed": options.seed}
    write_table(options.output, table, record)


def _runs(options: argparse.Namespace) -> list[Run]:
    """Join what belongs to each run by the contexts that the folders of states name."""
    given = options.controls, options.activations, options.predictions, options.probes
    if len(set(map(len, given))) > 1:
        raise NumprobeError(
            "--activations, --controls, --predictions and --probes must name equally many, in the same order"
        )
    if options.controls[0] != "none":
        raise NumprobeError("--controls: the folders of the model itself (none) come first")
    contexts = [str(read_manifest(folder)["context"]) for folder in options.activations]
    runs = []
    for control in dict.fromkeys(options.controls):
        own = [place for place, name in enumerate(options.controls) if name == control]
        parts = ({contexts[place]: paths[place] for place in own} for paths in given[1:])
        runs.append(Run(control, *parts))
    return runs


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table, for its controls too")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="folders of states, its own first")
    result.add_argument("--controls", nargs="+", choices=CONTROL_RUNS, required=True, help="whose states each holds")
    result.add_argument("--predictions", type=Path, nargs="+", required=True, help="tables of the decoded rows of each")
    result.add_argument("--probes", type=Path, nargs="+", required=True, help="folders of the probes fitted in each")
    result.add_argument("--kinds", nargs="+", required=True, help="kinds of closed-form probes")
    result.add_argument("--transferred", nargs="*", default=[], help="those of them that are tested in all contexts")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
